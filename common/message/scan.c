#include "common/message/scan.h"

static bool
is_space(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

/* The scan stands on the opening parenthesis. */
static void
skip_comment(struct scan *s, struct slice *comment)
{
	const char *start = s->at + 1;
	size_t depth = 0;
	int c;

	while ((c = scan_peek(s)) != -1) {
		scan_skip(s);
		if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			break;
		else if (c == '\\' && !scan_end(s))
			scan_skip(s);
	}
	if (comment != NULL)
		*comment = slice_of(start,
		    (size_t)(s->at - start) - (depth == 0 ? 1 : 0));
}

bool
scan_cfws(struct scan *s, struct slice *comment)
{
	const char *start = s->at;
	int c;

	while ((c = scan_peek(s)) != -1) {
		if (c == '(')
			skip_comment(s, comment);
		else if (is_space(c))
			scan_skip(s);
		else
			break;
	}
	return s->at != start;
}

static void
put_unquoted(int c, struct text *out)
{
	if (c != '\r' && c != '\n' && c != '\0')
		text_put(out, (char)c);
}

void
scan_quoted(struct scan *s, struct text *out)
{
	int c;

	scan_skip(s);
	while ((c = scan_peek(s)) != -1) {
		scan_skip(s);
		if (c == '"')
			return;
		if (c == '\\' && !scan_end(s)) {
			c = scan_peek(s);
			scan_skip(s);
		}
		put_unquoted(c, out);
	}
}

void
scan_comment_text(struct slice inside, struct text *out)
{
	for (size_t i = 0; i < inside.len; i++) {
		if (inside.at[i] == '\\' && i + 1 < inside.len)
			i++;
		put_unquoted(inside.at[i], out);
	}
}

static bool
is_atext(int c)
{
	if (c >= 128 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z'))
		return true;
	return c > ' ' && c < 127 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL;
}

size_t
scan_atom(struct scan *s, const char *more, struct text *out)
{
	const char *start = s->at;
	int c;

	while ((c = scan_peek(s)) != -1 &&
	    (is_atext(c) || (c != '\0' && strchr(more, c) != NULL)))
		scan_skip(s);
	text_add(out, slice_of(start, (size_t)(s->at - start)));
	return (size_t)(s->at - start);
}

int
scan_number(struct scan *s, int max_digits, int *digits)
{
	const char *start = s->at;
	int n = 0, c;

	while ((c = scan_peek(s)) >= '0' && c <= '9') {
		if (s->at - start >= max_digits)
			goto bad;
		n = n * 10 + (c - '0');
		scan_skip(s);
	}
	if (s->at == start)
		return -1;
	if (digits != NULL)
		*digits = (int)(s->at - start);
	return n;
bad:
	s->at = start;
	return -1;
}
