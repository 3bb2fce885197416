#include "common/dns/client.h"

#include <stdio.h>

static size_t
reverse4(const unsigned char *o, char *out, size_t size)
{
	return (size_t)snprintf(out, size, "%u.%u.%u.%u.", o[3], o[2], o[1],
	    o[0]);
}

static size_t
reverse6(const unsigned char *o, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = 0;

	for (int i = 15; i >= 0; i--) {
		out[len++] = digits[o[i] & 0xf];
		out[len++] = '.';
		out[len++] = digits[o[i] >> 4];
		out[len++] = '.';
	}
	return len;
}

size_t
dns_reverse_name(const struct net_address *a, struct slice zone,
    char out[DNS_NAME_MAX + 1])
{
	size_t len;

	out[0] = '\0';
	if (a->family == NET_IPV4) {
		len = reverse4(a->octets, out, DNS_NAME_MAX + 1);
		if (zone.len == 0)
			zone = SLICE_LITERAL("in-addr.arpa");
	} else if (a->family == NET_IPV6) {
		len = reverse6(a->octets, out);
		if (zone.len == 0)
			zone = SLICE_LITERAL("ip6.arpa");
	} else
		return 0;
	if (zone.len > DNS_NAME_MAX - len) {
		out[0] = '\0';
		return 0;
	}
	memcpy(out + len, zone.at, zone.len);
	out[len + zone.len] = '\0';
	return len + zone.len;
}

void
dns_record_address(const struct dns_record *rec, struct net_address *a)
{
	*a = (struct net_address){
		.family = rec->type == DNS_A ? NET_IPV4 : NET_IPV6 };
	memcpy(a->octets, rec->address, rec->type == DNS_A ? 4 : 16);
}
