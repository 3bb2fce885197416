#include "common/message/header.h"

/* Octets of the first line, its line break included. */
static size_t
line_len(struct slice s)
{
	const char *lf = s.len > 0 ? memchr(s.at, '\n', s.len) : NULL;

	return lf == NULL ? s.len : (size_t)(lf - s.at) + 1;
}

static bool
is_empty_line(struct slice s)
{
	return (s.len >= 1 && s.at[0] == '\n') ||
	    (s.len >= 2 && s.at[0] == '\r' && s.at[1] == '\n');
}

static bool
is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

static struct slice
without_line_break(struct slice s)
{
	if (s.len > 0 && s.at[s.len - 1] == '\n')
		s.len--;
	if (s.len > 0 && s.at[s.len - 1] == '\r')
		s.len--;
	return s;
}

/* All lines of the field at the front: the first and what is folded to it. */
static size_t
field_len(struct slice s)
{
	size_t len = line_len(s);

	while (len < s.len && is_wsp(s.at[len]))
		len += line_len(slice_skip(s, len));
	return len;
}

static bool
split_field(struct slice whole, struct header_field *f)
{
	size_t first = line_len(whole);
	const char *colon = memchr(whole.at, ':', first);

	if (colon == NULL || is_wsp(whole.at[0]))
		return false;
	f->whole = whole;
	f->name = slice_of(whole.at, (size_t)(colon - whole.at));
	f->body = without_line_break(slice_skip(whole, f->name.len + 1));
	while (f->name.len > 0 && is_wsp(f->name.at[f->name.len - 1]))
		f->name.len--;
	/* "From alice@example.org Sat Nov 21 05:13:42 2026" of an mbox */
	return f->name.len > 0 && memchr(f->name.at, ' ', f->name.len) == NULL;
}

bool
header_next(struct slice *rest, struct header_field *f)
{
	while (rest->len > 0 && !is_empty_line(*rest)) {
		struct slice whole = { rest->at, field_len(*rest) };

		*rest = slice_skip(*rest, whole.len);
		if (split_field(whole, f))
			return true;
	}
	return false;
}

bool
header_find(struct slice section, struct slice name,
    struct header_field *field)
{
	struct header_field f;

	while (header_next(&section, &f))
		if (slice_equal_nocase(f.name, name)) {
			*field = f;
			return true;
		}
	return false;
}

void
header_unfold(struct slice body, struct text *out)
{
	while (body.len > 0 && strchr(" \t\r\n", body.at[0]) != NULL)
		body = slice_skip(body, 1);
	while (body.len > 0 && strchr(" \t\r\n", body.at[body.len - 1]) != NULL)
		body.len--;
	for (size_t i = 0; i < body.len; i++) {
		char c = body.at[i];
		if (c != '\r' && c != '\n' && c != '\0')
			text_put(out, c);
	}
}

size_t
header_section_len(struct slice message)
{
	size_t len = 0;

	while (len < message.len) {
		struct slice rest = slice_skip(message, len);
		len += line_len(rest);
		if (is_empty_line(rest))
			break;
	}
	return len;
}
