#include "common/message/encode.h"

static const char hex[] = "0123456789ABCDEF";
static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* ---- quoted-printable ---- */

/* Room for n more characters and the "=" of a soft line break. */
static void
make_room(struct encode_state *st, unsigned n, struct text *out)
{
	if (st->column + n < ENCODE_LINE_MAX)
		return;
	text_add(out, SLICE_LITERAL("=\r\n"));
	st->column = 0;
}

static void
put_quoted(struct encode_state *st, char c, struct text *out)
{
	unsigned char u = (unsigned char)c;

	make_room(st, 3, out);
	text_put(out, '=');
	text_put(out, hex[u >> 4]);
	text_put(out, hex[u & 15]);
	st->column += 3;
}

/* No line begins like a boundary (RFC 2046 section 5.1.1): a soft line break
 * makes lines that were none, and "=E9" may be part of a boundary. */
static void
put_plain(struct encode_state *st, char c, struct text *out)
{
	make_room(st, 1, out);
	if (c == '-' && st->column == 0) {
		put_quoted(st, c, out);
		return;
	}
	text_put(out, c);
	st->column++;
}

static bool
is_plain(char c)
{
	return c >= '!' && c <= '~' && c != '=';
}

/* A blank that was held: at the end of a line it must be quoted. */
static void
settle_blank(struct encode_state *st, bool at_end, struct text *out)
{
	if (st->blank == 0)
		return;
	if (at_end)
		put_quoted(st, st->blank, out);
	else
		put_plain(st, st->blank, out);
	st->blank = 0;
}

static void
line_end(struct encode_state *st, struct text *out)
{
	settle_blank(st, true, out);
	text_add(out, SLICE_LITERAL("\r\n"));
	st->column = 0;
	st->cr = false;
}

static void
take_octet(struct encode_state *st, char c, struct text *out)
{
	if (st->cr && c == '\n') {
		line_end(st, out);
		return;
	}
	if (st->cr) {	/* alone */
		settle_blank(st, false, out);
		put_quoted(st, '\r', out);
		st->cr = false;
	}
	if (c == '\r') {
		st->cr = true;
		return;
	}
	settle_blank(st, false, out);
	if (c == ' ')
		st->blank = c;
	else if (is_plain(c))
		put_plain(st, c, out);
	else
		put_quoted(st, c, out);
}

void
encode_quoted_printable(struct encode_state *st, struct slice in,
    struct text *out)
{
	for (size_t i = 0; i < in.len; i++)
		take_octet(st, in.at[i], out);
}

void
encode_quoted_printable_end(struct encode_state *st, struct text *out)
{
	settle_blank(st, !st->cr, out);
	if (st->cr)
		put_quoted(st, '\r', out);
	st->cr = false;
}

/* ---- base64 ---- */

static void
put_group(struct encode_state *st, const uint8_t three[3], unsigned len,
    struct text *out)
{
	uint32_t bits = (uint32_t)three[0] << 16 | (uint32_t)three[1] << 8 |
	    three[2];

	if (st->column == ENCODE_LINE_MAX) {
		text_add(out, SLICE_LITERAL("\r\n"));
		st->column = 0;
	}
	text_put(out, digits[bits >> 18]);
	text_put(out, digits[bits >> 12 & 63]);
	text_put(out, len > 1 ? digits[bits >> 6 & 63] : '=');
	text_put(out, len > 2 ? digits[bits & 63] : '=');
	st->column += 4;
}

void
encode_base64(struct encode_state *st, struct slice in, struct text *out)
{
	for (size_t i = 0; i < in.len; i++) {
		uint8_t three[3] = { st->held[0], st->held[1],
			(uint8_t)in.at[i] };

		if (st->held_len < 2) {
			st->held[st->held_len++] = (uint8_t)in.at[i];
			continue;
		}
		put_group(st, three, 3, out);
		st->held_len = 0;
	}
}

void
encode_base64_end(struct encode_state *st, struct text *out)
{
	uint8_t three[3] = { 0 };

	for (unsigned i = 0; i < st->held_len; i++)
		three[i] = st->held[i];
	if (st->held_len > 0)
		put_group(st, three, st->held_len, out);
	st->held_len = 0;
}
