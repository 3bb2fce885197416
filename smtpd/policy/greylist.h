/*
 * Greylisting (RFC 6647): who has never sent from here to there is asked to
 * come again.  A pure table, told the time; bounded, the least recently seen
 * is forgotten first, and flooding it with new senders drives out none of
 * those that have passed.
 */
#ifndef SMTPD_POLICY_GREYLIST_H
#define SMTPD_POLICY_GREYLIST_H

#include <stddef.h>
#include <stdint.h>

#include "common/net/address.h"
#include "common/slice/slice.h"

struct greylist;

/* Seconds. */
struct greylist_times {
	uint64_t	delay;	/* a first try is deferred for so long */
	uint64_t	window;	/* it counts as a second try until then */
	uint64_t	life;	/* who has passed is known, since last seen */
};

/* At most max that wait and max that have passed.  NULL: no memory. */
struct greylist *greylist_new(size_t max);
void greylist_free(struct greylist *);

/*
 * One attempt: from a network (IPv4 /24, IPv6 /64: large senders try again
 * from a neighbour) with this reverse-path, which stands for itself and for
 * its varying parts, to this recipient.  Returns 0 when it may go on, else
 * for how many seconds it is still too early.
 */
uint64_t greylist_try(struct greylist *, const struct greylist_times *,
    uint64_t now_s, const struct net_address *, struct slice sender,
    struct slice recipient);

/* How many wait, and how many have passed. */
size_t greylist_waiting(const struct greylist *);
size_t greylist_passed(const struct greylist *);

#endif
