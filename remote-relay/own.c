#include "remote-relay/own.h"

#include <ifaddrs.h>
#include <string.h>

void
own_addresses_init(struct own_addresses *own)
{
	struct ifaddrs *all, *i;

	own->n = own->n_interfaces = 0;
	if (getifaddrs(&all) == -1)
		return;
	for (i = all; i != NULL && own->n < OWN_INTERFACES_MAX;
	    i = i->ifa_next) {
		struct net_address *a = &own->at[own->n];

		if (i->ifa_addr == NULL)
			continue;
		net_address_from(a, i->ifa_addr);
		if (a->family == NET_IPV4 || a->family == NET_IPV6)
			own->n++;
	}
	own->n_interfaces = own->n;
	freeifaddrs(all);
}

void
own_addresses_use(struct own_addresses *own, bool interfaces,
    const struct settings_words *more)
{
	own->use_interfaces = interfaces;
	own->n = own->n_interfaces;
	for (size_t i = 0; i < more->n && own->n < OWN_ADDRESSES_MAX; i++)
		if (net_address_parse(slice_str(more->at[i]),
		    &own->at[own->n]) == PARSE_OK)
			own->n++;
}

bool
own_addresses_has(const struct own_addresses *own, const struct net_address *a)
{
	if (own->use_interfaces && net_address_is_local(a))
		return true;
	for (size_t i = own->use_interfaces ? 0 : own->n_interfaces;
	    i < own->n; i++)
		if (own->at[i].family == a->family &&
		    memcmp(own->at[i].octets, a->octets,
			a->family == NET_IPV4 ? 4 : 16) == 0)
			return true;
	return false;
}

bool
own_address_is_nobodys(const struct net_address *a)
{
	static const struct {
		enum net_family	family;
		unsigned char	bits, octets[12];
	} nets[] = {
		{ NET_IPV4, 8, { 0 } },
		{ NET_IPV4, 16, { 169, 254 } },
		{ NET_IPV4, 3, { 224 } },
		{ NET_IPV6, 96, { [10] = 0xff, [11] = 0xff } },
		{ NET_IPV6, 10, { 0xfe, 0x80 } },
		{ NET_IPV6, 8, { 0xff } },
	};
	static const unsigned char unspecified[16];

	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
		size_t whole = nets[i].bits / 8, rest = nets[i].bits % 8;

		if (a->family == nets[i].family &&
		    memcmp(a->octets, nets[i].octets, whole) == 0 &&
		    (rest == 0 || ((a->octets[whole] ^ nets[i].octets[whole]) >>
		    (8 - rest)) == 0))
			return true;
	}
	return a->family == NET_IPV6 &&
	    memcmp(a->octets, unspecified, sizeof(unspecified)) == 0;
}
