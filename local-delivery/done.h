/*
 * What was done in an earlier attempt at a delivery that had to be put off,
 * so that the next attempt does not do it again: a program that wants a retry
 * must not make another address get its copy twice.  In memory only, and
 * bounded; where it is forgotten, things are done again.
 */
#ifndef LOCAL_DELIVERY_DONE_H
#define LOCAL_DELIVERY_DONE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc/forward.h"

struct done_table;

struct done_before {
	struct forward_done	steps;		/* programs and files */
	bool			kept;		/* in the mailbox */
	bool			forwarded;	/* to all addresses */
};

/* Remembers at most max deliveries, the newest.  NULL: no memory. */
struct done_table *done_table_new(unsigned max);
void done_table_free(struct done_table *);

/* NULL: nothing was done. */
const struct done_before *done_table_find(const struct done_table *,
    uint64_t queue_id, uint32_t number);
/* Remember, in place of what was remembered. */
void done_table_set(struct done_table *, uint64_t queue_id, uint32_t number,
    const struct done_before *);
/* The delivery is over. */
void done_table_forget(struct done_table *, uint64_t queue_id,
    uint32_t number);

#endif
