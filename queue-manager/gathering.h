/*
 * How long deliveries wait for company.  A pure module: it is told events and
 * the time in milliseconds.
 *
 * While little mail comes in, a delivery begins at once.  While much does,
 * deliveries gather and then begin together: a mailbox takes many at a time,
 * the journal commits for many mailboxes at once, and acceptance has disk and
 * processors to itself meanwhile.
 *
 * G1  None waits longer than the limit that is given.
 * G2  When GATHERING_PAUSE_MS pass without another one, or the word that more
 *     are to come, all begin: a burst is over.
 * G3  The wait follows the rate: none up to some twenty deliveries a second, a
 *     quarter of the limit at some hundred, all of it from some thousand on.
 *     It does not become shorter for those that wait already: mail that the
 *     disk holds up for a moment is not less mail.
 */
#ifndef QUEUE_MANAGER_GATHERING_H
#define QUEUE_MANAGER_GATHERING_H

#include <stdint.h>

enum { GATHERING_PAUSE_MS = 50 };

/* All zero: nobody yet. */
struct gathering {
	unsigned	n;		/* that wait */
	uint64_t	first_ms, last_ms;
	unsigned share; /* of the limit */
	/* For the rate: how many came in this tenth of a second, and in the
	 * one before. */
	uint64_t	slot_ms;
	unsigned	count, former;
};

/* One more waits. */
void gathering_join(struct gathering *, uint64_t now_ms);
/* Others are on their way. */
void gathering_expects(struct gathering *, uint64_t now_ms);
/* One no longer does, for another reason than its time. */
void gathering_leave(struct gathering *);
/* When all begin; UINT64_MAX: nobody waits.  It may become later as others
 * join, G1 holding, and is over when it is not after now_ms. */
uint64_t gathering_ends(const struct gathering *, uint64_t limit_ms);
/* They have begun. */
void gathering_begun(struct gathering *);

#endif
