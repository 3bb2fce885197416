#include "common/sasl/base64.h"

static int
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four; the octets it holds (1 to 3), or 0 when malformed. */
static size_t
group_decode(const char *in, bool last, char *out)
{
	unsigned v = 0;
	size_t octets = 3;

	if (last && in[3] == '=')
		octets = in[2] == '=' ? 1 : 2;
	for (size_t i = 0; i < 4; i++) {
		int s = i <= octets ? sextet(in[i]) : 0;

		if (s == -1)
			return 0;
		v = v << 6 | (unsigned)s;
	}
	/* Bits behind the last octet are zero from any honest encoder. */
	if ((octets == 1 && (v & 0xffff) != 0) ||
	    (octets == 2 && (v & 0xff) != 0))
		return 0;
	for (size_t i = 0; i < octets; i++)
		out[i] = (char)(v >> (16 - 8 * i));
	return octets;
}

int
sasl_base64_decode(struct slice in, char *out, size_t *len)
{
	size_t at = 0;

	if (in.len % 4 != 0)
		return -1;
	for (size_t i = 0; i < in.len; i += 4) {
		size_t n = group_decode(in.at + i, i + 4 == in.len, out + at);

		if (n == 0)
			return -1;
		at += n;
	}
	*len = at;
	return 0;
}

size_t
sasl_base64_encode(struct slice in, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = 0;

	for (size_t i = 0; i < in.len; i += 3) {
		size_t left = in.len - i;
		unsigned v = (unsigned)(unsigned char)in.at[i] << 16;

		if (left > 1)
			v |= (unsigned)(unsigned char)in.at[i + 1] << 8;
		if (left > 2)
			v |= (unsigned char)in.at[i + 2];
		out[len++] = digits[v >> 18];
		out[len++] = digits[v >> 12 & 63];
		out[len++] = left > 1 ? digits[v >> 6 & 63] : '=';
		out[len++] = left > 2 ? digits[v & 63] : '=';
	}
	return len;
}
