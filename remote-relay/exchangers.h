/*
 * The mail exchangers of a domain in the order in which they are to be tried:
 * RFC 5321 section 5.1.
 */
#ifndef REMOTE_RELAY_EXCHANGERS_H
#define REMOTE_RELAY_EXCHANGERS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc/dns.h"
#include "common/net/address.h"
#include "common/slice/slice.h"

enum {
	EXCHANGERS_MAX = 16,		/* the best of those that there are */
	EXCHANGER_ADDRESSES_MAX = 16
};

struct exchanger {
	uint16_t	preference;	/* the lowest is the best */
	char		name[DNS_NAME_MAX + 1];
	char		canonical[DNS_NAME_MAX + 1];	/* where CNAMEs lead;
							 * "": nowhere else */
	/* As they were found; of one family after the other. */
	unsigned	n_addresses;
	struct net_address addresses[EXCHANGER_ADDRESSES_MAX];
	bool		secure;		/* its addresses are signed (DNSSEC) */
	bool		self;		/* leads to ourselves */
};

struct exchangers {
	unsigned	n;
	bool		null;		/* "no mail at all": RFC 7505 */
	struct exchanger at[EXCHANGERS_MAX];
};

/*
 * One MX record.  Beyond EXCHANGERS_MAX the least preferred are forgotten.  An
 * empty name with other records beside it says nothing and is ignored.
 */
void exchangers_add(struct exchangers *, uint16_t preference,
    struct slice name);

/*
 * By preference, and those of equal preference in any order, so that many
 * clients spread their load; random(n) is uniform in 0..n-1.
 */
void exchangers_order(struct exchangers *, uint32_t (*random)(uint32_t));

/*
 * Of an ordered list: the first one that is self, all of its preference, and
 * all behind it are left out, so that mail does not come back.  True when that
 * left none.
 */
bool exchangers_cut_self(struct exchangers *);

/* Put the addresses so that both families come in turn, IPv6 first. */
void exchanger_interleave(struct exchanger *);

#endif
