#include "common/net/network.h"

#include <string.h>

static unsigned
width(const struct net_address *a)
{
	return a->family == NET_IPV4 ? 32 : 128;
}

/* Do the first bits agree? */
static bool
same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool
host_bits_zero(const struct net_network *n)
{
	for (unsigned bit = n->bits; bit < width(&n->address); bit++)
		if (n->address.octets[bit / 8] >> (7 - bit % 8) & 1)
			return false;
	return true;
}

enum parse
net_network_parse(struct slice in, struct net_network *n)
{
	const char *slash = in.len == 0 ? NULL : memchr(in.at, '/', in.len);
	struct slice host = in;
	unsigned long long bits;

	*n = (struct net_network){ .loopback = false };
	if (slice_equal_nocase(in, SLICE_LITERAL("loopback"))) {
		n->loopback = true;
		return PARSE_OK;
	}
	if (slash != NULL)
		host.len = (size_t)(slash - in.at);
	if (net_address_parse(host, &n->address) != PARSE_OK)
		return PARSE_BAD;
	n->bits = width(&n->address);
	if (slash != NULL) {
		if (slice_number(slice_skip(in, host.len + 1), n->bits,
		    &bits) == -1)
			return PARSE_BAD;
		n->bits = (unsigned)bits;
	}
	return host_bits_zero(n) ? PARSE_OK : PARSE_BAD;
}

bool
net_network_has(const struct net_network *n, const struct net_address *a)
{
	if (n->loopback)
		return net_address_is_local(a);
	return n->address.family == a->family &&
	    same_bits(n->address.octets, a->octets, n->bits);
}

void
net_address_mask(struct net_address *a, unsigned bits)
{
	for (unsigned i = 0; i < sizeof(a->octets); i++) {
		unsigned keep = bits > 8 * i ? bits - 8 * i : 0;

		if (keep < 8)
			a->octets[i] &= (unsigned char)(0xff00U >> keep);
	}
}
