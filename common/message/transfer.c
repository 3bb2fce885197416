#include "common/message/transfer.h"

enum transfer_encoding
transfer_encoding_of(struct slice name)
{
	if (slice_equal_nocase(name, SLICE_LITERAL("base64")))
		return TRANSFER_BASE64;
	if (slice_equal_nocase(name, SLICE_LITERAL("quoted-printable")))
		return TRANSFER_QUOTED_PRINTABLE;
	return TRANSFER_IDENTITY;
}

bool
transfer_encoding_is_known(struct slice name)
{
	return name.len == 0 ||
	    transfer_encoding_of(name) != TRANSFER_IDENTITY ||
	    slice_equal_nocase(name, SLICE_LITERAL("7bit")) ||
	    slice_equal_nocase(name, SLICE_LITERAL("8bit")) ||
	    slice_equal_nocase(name, SLICE_LITERAL("binary"));
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static void
base64_decode(struct transfer_state *st, struct slice in, struct text *out)
{
	for (size_t i = 0; i < in.len; i++) {
		int v = base64_value(in.at[i]);
		if (in.at[i] == '=')
			st->bits_len = 0;	/* the quantum ends here */
		if (v < 0)
			continue;
		st->bits = st->bits << 6 | (uint32_t)v;
		st->bits_len += 6;
		if (st->bits_len >= 8) {
			st->bits_len -= 8;
			text_put(out, (char)(st->bits >> st->bits_len & 0xff));
		}
	}
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
qp_give_back(struct transfer_state *st, struct text *out)
{
	text_add(out, slice_of(st->held, st->held_len));
	st->held_len = 0;
}

/* One more octet after an "=".  True when it was used up. */
static bool
qp_escape(struct transfer_state *st, char c, struct text *out)
{
	int high, low;

	if (c == '\n') {		/* soft line break */
		st->held_len = 0;
		return true;
	}
	if (st->held_len == 1 && (hex_value(c) >= 0 || c == '\r' ||
	    c == ' ' || c == '\t')) {
		st->held[st->held_len++] = c;
		return true;
	}
	high = st->held_len == 2 ? hex_value(st->held[1]) : -1;
	low = hex_value(c);
	if (high >= 0 && low >= 0) {
		text_put(out, (char)(high * 16 + low));
		st->held_len = 0;
		return true;
	}
	if (st->held_len == 2 && (st->held[1] == ' ' || st->held[1] == '\t') &&
	    (c == ' ' || c == '\t' || c == '\r'))
		return true;		/* white space after a soft break */
	qp_give_back(st, out);
	return false;
}

static void
qp_white(struct transfer_state *st, struct text *out)
{
	text_add(out, slice_of(st->white, st->white_len));
	st->white_len = 0;
}

/* Section 6.7 rule 3: white space at the end of a line was added on the way. */
static void
qp_decode(struct transfer_state *st, struct slice in, struct text *out)
{
	for (size_t i = 0; i < in.len; i++) {
		char c = in.at[i];
		if (st->held_len > 0 && qp_escape(st, c, out))
			continue;
		if ((c == ' ' || c == '\t') &&
		    st->white_len < sizeof(st->white)) {
			st->white[st->white_len++] = c;
			continue;
		}
		if (c == '\r' || c == '\n')
			st->white_len = 0;
		qp_white(st, out);
		if (c == '=')
			st->held[st->held_len++] = c;
		else
			text_put(out, c);
	}
}

void
transfer_decode(enum transfer_encoding enc, struct transfer_state *st,
    struct slice in, struct text *out)
{
	if (enc == TRANSFER_BASE64)
		base64_decode(st, in, out);
	else if (enc == TRANSFER_QUOTED_PRINTABLE)
		qp_decode(st, in, out);
	else
		text_add(out, in);
}

void
transfer_finish(enum transfer_encoding enc, struct transfer_state *st,
    struct text *out)
{
	if (enc != TRANSFER_QUOTED_PRINTABLE)
		return;
	qp_white(st, out);
	qp_give_back(st, out);
}
