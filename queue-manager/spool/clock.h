/*
 * Spool time: milliseconds that only go forward, at the pace of the machine's
 * own clock.  Ages, retries and expiry are counted in it, so that a step of
 * the wall clock by years expires nothing (rule C1).  While we are down it
 * goes on by what the clocks agree on, at most CLOCK_DOWN_MAX otherwise.
 */
#ifndef QUEUE_MANAGER_SPOOL_CLOCK_H
#define QUEUE_MANAGER_SPOOL_CLOCK_H

#include "queue-manager/spool/segment.h"

enum { CLOCK_DOWN_MAX = 24 * 60 * 60 * 1000 };	/* ms */

struct spool_clock {
	uint64_t	spool_ms, boot_ms;	/* at its start */
};

/* Go on from the last mark that was kept and the latest spool time seen. */
void spool_clock_resume(struct spool_clock *, const struct clock_mark *last,
    uint64_t seen_ms, uint64_t boot_ms, int64_t wall_ms);
uint64_t spool_clock_at(const struct spool_clock *, uint64_t boot_ms);

/* CLOCK_BOOTTIME and CLOCK_REALTIME, in ms. */
uint64_t clock_boot_ms(void);
int64_t clock_wall_ms(void);

#endif
