/*
 * Which addresses are ours: a mail exchanger there is ourselves, and mail
 * given to it would come back (RFC 5321 section 5.1).
 */
#ifndef REMOTE_RELAY_OWN_H
#define REMOTE_RELAY_OWN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/net/address.h"
#include "common/settings/settings.h"

enum { OWN_INTERFACES_MAX = 256, OWN_ADDRESSES_MAX = 320 };

struct own_addresses {
	size_t	n_interfaces;		/* at the front of at */
	size_t	n;
	bool	use_interfaces;
	struct net_address at[OWN_ADDRESSES_MAX];
};

/* Ask the kernel; before the sandbox.  What does not fit is left out. */
void own_addresses_init(struct own_addresses *);
/* From the settings: are interfaces ours, and what else is. */
void own_addresses_use(struct own_addresses *, bool interfaces,
    const struct settings_words *more);
/* Is a, whatever its port, ours?  All of 127/8 and ::1 come with the
 * interfaces. */
bool own_addresses_has(const struct own_addresses *, const struct net_address *);

/*
 * Is a one that no host of the Internet has: "this host" (RFC 1122 section
 * 3.2.1.3), link-local, among them the metadata of a cloud's hosts, multicast
 * and beyond, or IPv4 in the disguise of IPv6 (RFC 4291 section 2.5.5.2), by
 * which 127.0.0.1 would not be known again?  Whoever writes one into DNS wants
 * us to speak with something near us.
 */
bool own_address_is_nobodys(const struct net_address *);

#endif
