/*
 * Sequence sets (RFC 3501 section 9, sequence-set), pure: parsed as sent, then
 * normalised against a mailbox to ascending ranges that do not touch.
 */
#ifndef IMAPD_SESSION_SET_H
#define IMAPD_SESSION_SET_H

#include <stdint.h>

#include "imapd/session/arena.h"

#define SET_STAR 0	/* "*", as parsed; no number is 0 */

struct range {
	uint32_t	first, last;
};

struct set {
	struct range	*range;
	size_t		 len;
	bool		 saved;		/* "$": what the last SEARCH kept */
};

/* Also "$" (RFC 5182). */
bool take_set(struct slice *in, struct arena *, struct set *);

/* Put star for "*", order each range, sort, join; in place. */
void set_normalise(struct set *, uint32_t star);
/* Is n in it?  The set is normalised.  Logarithmic. */
bool set_has(const struct set *, uint32_t n);
/* Does it name a number over max, "*" not counted?  As parsed. */
bool set_exceeds(const struct set *, uint32_t max);

#endif
