#include "common/utf8/utf8.h"

/* Octets of the sequence that this one starts, 0 if it starts none. */
static size_t
sequence_len(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c < 0xe0)
		return 2;
	if (c >= 0xe0 && c < 0xf0)
		return 3;
	return c >= 0xf0 && c < 0xf5 ? 4 : 0;
}

static bool
second_is_valid(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xe0: return second >= 0xa0;
	case 0xed: return second < 0xa0;
	case 0xf0: return second >= 0x90;
	case 0xf4: return second < 0x90;
	default: return true;
	}
}

size_t
utf8_take(struct slice in, uint32_t *c)
{
	static const unsigned char lead[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	const unsigned char *at = (const unsigned char *)in.at;
	size_t n;

	if (in.len == 0 || (n = sequence_len(at[0])) == 0 || n > in.len)
		return 0;
	if (n > 1 && !second_is_valid(at[0], at[1]))
		return 0;
	*c = at[0] & lead[n];
	for (size_t i = 1; i < n; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (at[i] & 0x3f);
	}
	return n;
}

size_t
utf8_put(uint32_t c, char to[4])
{
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 63));
		to[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 63));
	to[2] = (char)(0x80 | (c >> 6 & 63));
	to[3] = (char)(0x80 | (c & 63));
	return 4;
}

bool
utf8_is_valid(struct slice s)
{
	uint32_t c;
	size_t n;

	for (; s.len > 0; s = slice_skip(s, n))
		if ((n = utf8_take(s, &c)) == 0)
			return false;
	return true;
}

bool
utf8_is_name_character(uint32_t c)
{
	if (c < 0xa0 || c == 0x2028 || c == 0x2029)
		return false;
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return false;
	return (c < 0xfdd0 || c > 0xfdef) && (c & 0xfffe) != 0xfffe;
}

size_t
utf8_non_ascii(struct slice in)
{
	uint32_t c;
	size_t n = utf8_take(in, &c);

	return n > 1 && utf8_is_name_character(c) ? n : 0;
}
