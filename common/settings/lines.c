/* The lines of a settings file. */
#include "common/settings/internal.h"

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct slice
trim(struct slice s)
{
	while (s.len > 0 && is_blank(s.at[0]))
		s = slice_skip(s, 1);
	while (s.len > 0 && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

/* Cut a comment: a # at the start or behind a blank, outside of quotes. */
static struct slice
without_comment(struct slice s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.len; i++) {
		if (quoted && s.at[i] == '\\')
			i++;
		else if (s.at[i] == '"')
			quoted = !quoted;
		else if (!quoted && s.at[i] == '#' &&
			 (i == 0 || is_blank(s.at[i - 1])))
			return slice_of(s.at, i);
	}
	return s;
}

/* The letters, digits, _ - . at the front. */
struct slice
settings_take_name(struct slice *in)
{
	size_t n = 0;

	while (n < in->len && n <= SETTINGS_NAME_MAX) {
		char c = in->at[n];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '_' && c != '-' && c != '.')
			break;
		n++;
	}
	struct slice name = slice_of(in->at, n);
	*in = trim(slice_skip(*in, n));
	return name;
}

static void
version_line(struct settings_reader *r, struct slice line)
{
	if (r->line != 1)
		settings_reader_complain(r, "%%version is not the first line: move it there");
	else if (!slice_equal(line, SLICE_LITERAL("%version 1")))
		settings_reader_complain(r, "a version that this program does not know: it "
			    "knows %%version 1");
}

static void
one_line(struct settings_reader *r, struct slice line)
{
	struct slice name, rest;

	if (line.len > SETTINGS_LINE_MAX) {
		settings_reader_complain(r, "the line is too long: the greatest is %d octets",
		    SETTINGS_LINE_MAX);
		return;
	}
	if (line.len > 0 && memchr(line.at, '\0', line.len) != NULL) {
		settings_reader_complain(r, "a NUL in the line: a settings file is text");
		return;
	}
	line = rest = trim(without_comment(line));
	if (line.len == 0)
		return;
	if (line.at[0] == '%') {
		version_line(r, line);
		return;
	}
	if (slice_equal(line, SLICE_LITERAL("}"))) {
		settings_block_close(r);
		return;
	}
	name = settings_take_name(&rest);
	if (name.len > 0 && name.len <= SETTINGS_NAME_MAX && rest.len > 0 &&
	    rest.at[0] == '=')
		settings_assign(r, name, trim(slice_skip(rest, 1)));
	else if (name.len > 0 && rest.len > 0 && rest.at[rest.len - 1] == '{')
		settings_block_open(r, name, rest);
	else
		settings_reader_complain(r, "not understood: write name = value, or "
			    "# before a comment");
}

void
settings_read_lines(struct settings_reader *r, struct slice text)
{
	while (text.len > 0) {
		const char *lf = memchr(text.at, '\n', text.len);
		size_t len = lf == NULL ? text.len : (size_t)(lf - text.at);

		r->line++;
		one_line(r, slice_of(text.at, len));
		text = slice_skip(text, lf == NULL ? len : len + 1);
	}
	if (r->in_block) {
		r->line = r->block_line;
		settings_reader_complain(r, "the block is never closed: add } after its last "
			    "setting");
	}
}
