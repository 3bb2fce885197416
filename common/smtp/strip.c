#include "common/smtp/strip.h"

#include <stdbool.h>
#include <string.h>

#include "common/slice/slice.h"

/* The line at the front with its CRLF; the last one may lack it. */
static struct slice
first_line(struct slice in)
{
	const char *lf = in.len == 0 ? NULL : memchr(in.at, '\n', in.len);

	return lf == NULL ? in : slice_of(in.at, (size_t)(lf - in.at) + 1);
}

/* Its name, where the line is a field; blanks before the colon are obsolete,
 * not wrong (RFC 5322 section 4.5). */
static bool
field_name(struct slice line, struct slice *name)
{
	size_t n = 0, colon;

	while (n < line.len && line.at[n] > ' ' && line.at[n] < 0x7f &&
	    line.at[n] != ':')
		n++;
	for (colon = n; colon < line.len && (line.at[colon] == ' ' ||
	    line.at[colon] == '\t'); colon++)
		;
	*name = slice_of(line.at, n);
	return n > 0 && colon < line.len && line.at[colon] == ':';
}

static bool
is_bcc(struct slice name)
{
	return slice_equal_nocase(name, SLICE_LITERAL("Bcc")) ||
	    slice_equal_nocase(name, SLICE_LITERAL("Resent-Bcc"));
}

size_t
smtp_strip_bcc(char *at, size_t len)
{
	struct slice rest = slice_of(at, len), line, name;
	bool dropping = false;
	size_t kept = 0;

	while (rest.len > 0) {
		line = first_line(rest);
		if (line.at[0] != ' ' && line.at[0] != '\t') {
			if (!field_name(line, &name))
				break;
			dropping = is_bcc(name);
		}
		if (!dropping) {
			memmove(at + kept, line.at, line.len);
			kept += line.len;
		}
		rest = slice_skip(rest, line.len);
	}
	if (rest.len > 0)
		memmove(at + kept, rest.at, rest.len);
	return kept + rest.len;
}
