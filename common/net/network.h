/*
 * Networks of clients in the settings: 192.0.2.0/24, 2001:db8::/32, a bare
 * address, "loopback" (127.0.0.0/8, ::1 and users of this host).
 */
#ifndef COMMON_NET_NETWORK_H
#define COMMON_NET_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/net/address.h"
#include "common/slice/slice.h"

struct net_network {
	struct net_address	address;	/* host bits are zero */
	unsigned		bits;		/* of the prefix */
	bool			loopback;	/* that word; the rest is unset */
};

/* PARSE_BAD: no network, or bits set behind its prefix. */
enum parse net_network_parse(struct slice, struct net_network *);

/* Make all bits of a host's address but the first ones zero. */
void net_address_mask(struct net_address *, unsigned bits);

bool net_network_has(const struct net_network *, const struct net_address *);

#endif
