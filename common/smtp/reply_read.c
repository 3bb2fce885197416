#include "common/smtp/reply_read.h"

#include "common/smtp/characters.h"

/* One number of an enhanced code: no leading zero, at most 999. */
static enum parse
number_take(struct slice *in, unsigned *n)
{
	size_t len = 0;

	*n = 0;
	while (len < in->len && smtp_is_digit(in->at[len])) {
		if (len == 3)
			return PARSE_BAD;
		*n = *n * 10 + (unsigned)(in->at[len++] - '0');
	}
	if (len == 0 || (len > 1 && in->at[0] == '0'))
		return PARSE_BAD;
	*in = slice_skip(*in, len);
	return PARSE_OK;
}

/* Subjects and details go to 999; what we carry them in ends at 255. */
static uint8_t
octet(unsigned n)
{
	return (uint8_t)(n <= 255 ? n : 0);
}

enum parse
smtp_enhanced_take(struct slice text, uint8_t enhanced[3], struct slice *rest)
{
	struct slice in = text;
	unsigned n[3];

	for (int i = 0; i < 3; i++) {
		if (i > 0) {
			if (in.len == 0 || in.at[0] != '.')
				return PARSE_BAD;
			in = slice_skip(in, 1);
		}
		if (number_take(&in, &n[i]) != PARSE_OK)
			return PARSE_BAD;
	}
	if ((n[0] != 2 && n[0] != 4 && n[0] != 5) ||
	    (in.len > 0 && in.at[0] != ' '))
		return PARSE_BAD;
	while (in.len > 0 && in.at[0] == ' ')
		in = slice_skip(in, 1);
	for (int i = 0; i < 3; i++)
		enhanced[i] = octet(n[i]);
	*rest = in;
	return PARSE_OK;
}

/* Three digits, then "-" (more follow), a space, or the end of the line. */
static enum parse
code_take(struct slice *line, uint16_t *code, bool *last)
{
	unsigned n = 0;

	if (line->len < 3)
		return PARSE_BAD;
	for (int i = 0; i < 3; i++) {
		if (!smtp_is_digit(line->at[i]))
			return PARSE_BAD;
		n = n * 10 + (unsigned)(line->at[i] - '0');
	}
	if (n < 200 || n > 599 ||
	    (line->len > 3 && line->at[3] != ' ' && line->at[3] != '-'))
		return PARSE_BAD;
	*code = (uint16_t)n;
	*last = line->len == 3 || line->at[3] == ' ';
	*line = slice_skip(*line, line->len == 3 ? 3 : 4);
	return PARSE_OK;
}

static void
text_add(struct smtp_reply_read *r, struct slice text)
{
	if (r->text_len > 0 && text.len > 0 && r->text_len < sizeof(r->text))
		r->text[r->text_len++] = ' ';
	for (size_t i = 0; i < text.len && r->text_len < sizeof(r->text); i++)
		r->text[r->text_len++] = smtp_is_printable(text.at[i]) ?
		    text.at[i] : '?';
}

static void
line_add(struct smtp_reply_read *r, struct slice text)
{
	uint8_t enhanced[3];
	struct slice rest;

	if (smtp_enhanced_take(text, enhanced, &rest) == PARSE_OK &&
	    enhanced[0] == r->code / 100) {
		if (r->enhanced[0] == 0)
			memcpy(r->enhanced, enhanced, sizeof(enhanced));
		text = rest;
	}
	text_add(r, text);
}

static struct slice
without_end(struct slice line)
{
	line.len--;	/* LF */
	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

enum parse
smtp_reply_take(struct smtp_reply_read *r, struct slice in, size_t *used,
    struct slice *line, enum smtp_reply_fault *why)
{
	const char *lf = in.len > 0 ? memchr(in.at, '\n', in.len) : NULL;
	size_t len = lf != NULL ? (size_t)(lf - in.at) + 1 : in.len;
	uint16_t code;
	bool last;

	*used = 0;
	*why = SMTP_REPLY_LONG;
	if (len > SMTP_REPLY_READ_LINE_MAX ||
	    r->octets + len > SMTP_REPLY_READ_OCTETS_MAX)
		return PARSE_BAD;
	if (lf == NULL)
		return PARSE_MORE;
	if (++r->lines > SMTP_REPLY_READ_LINES_MAX)
		return PARSE_BAD;
	*why = SMTP_REPLY_SYNTAX;
	*line = without_end(slice_of(in.at, len));
	if (code_take(line, &code, &last) != PARSE_OK ||
	    (r->lines > 1 && code != r->code))
		return PARSE_BAD;
	*why = SMTP_REPLY_OK;
	r->octets += len;
	r->code = code;
	line_add(r, *line);
	*used = len;
	return last ? PARSE_OK : PARSE_MORE;
}
