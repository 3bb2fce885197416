/* UTF-7 (RFC 2152). */
#include "common/message/charset_private.h"

static int
base64_value(unsigned char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

static bool
is_low(uint16_t unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

static void
put_unit(struct charset_state *st, uint16_t unit, struct text *out)
{
	uint16_t high = st->high;

	st->high = 0;
	if (high != 0 && is_low(unit)) {
		charset_put(0x10000 + ((high - 0xd800u) << 10) +
		    (unit - 0xdc00u), out);
		return;
	}
	if (high != 0 || is_low(unit))
		charset_put(CHARSET_REPLACEMENT, out);
	if (unit >= 0xd800 && unit <= 0xdbff)
		st->high = unit;
	else if (!is_low(unit))
		charset_put(unit, out);
}

static void
put_plain(unsigned char o, struct text *out)
{
	charset_put(o < 0x80 ? o : CHARSET_REPLACEMENT, out);
}

enum { MODE_PLAIN, MODE_PLUS, MODE_BASE64 };

static void
leave(struct charset_state *st, unsigned char o, struct text *out)
{
	if (st->high != 0)
		charset_put(CHARSET_REPLACEMENT, out);
	if (o != '-')
		put_plain(o, out);
	else if (st->mode == MODE_PLUS)
		charset_put('+', out);
	*st = (struct charset_state){ .mode = MODE_PLAIN };
}

void
charset_octet_utf_7(struct charset_state *st, unsigned char o,
    struct text *out)
{
	int v = base64_value(o);

	if (st->mode == MODE_PLAIN) {
		if (o == '+')
			st->mode = MODE_PLUS;
		else
			put_plain(o, out);
		return;
	}
	if (v == -1) {
		leave(st, o, out);
		return;
	}
	st->mode = MODE_BASE64;
	st->bits = (st->bits << 6 | (uint32_t)v) & 0xffffff;
	st->bits_len = (uint8_t)(st->bits_len + 6);
	if (st->bits_len < 16)
		return;
	st->bits_len = (uint8_t)(st->bits_len - 16);
	put_unit(st, (uint16_t)(st->bits >> st->bits_len), out);
}
