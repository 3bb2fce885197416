#include "common/sasl/plain.h"

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

static struct slice
up_to_nul(struct slice *rest, bool *found)
{
	const char *nul = rest->len > 0 ? memchr(rest->at, 0, rest->len) : NULL;
	struct slice part = *rest;

	*found = nul != NULL;
	if (nul != NULL) {
		part.len = (size_t)(nul - rest->at);
		*rest = slice_skip(*rest, part.len + 1);
	} else
		*rest = slice_skip(*rest, rest->len);
	return part;
}

enum parse
sasl_plain_parse(struct slice message, struct sasl_plain *p)
{
	bool first, second, third;

	p->authzid = up_to_nul(&message, &first);
	p->authcid = up_to_nul(&message, &second);
	p->password = up_to_nul(&message, &third);
	if (!first || !second || third || p->authcid.len == 0 ||
	    p->password.len == 0)
		return PARSE_BAD;
	return PARSE_OK;
}
