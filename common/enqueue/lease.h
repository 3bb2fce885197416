/*
 * Queue ids that queue-manager has lent to this process (QUEUE_IDS of
 * common/ipc/queue.h).  What one queue-manager lent is nothing to the next:
 * era tells an id of an earlier channel from one of this.
 */
#ifndef COMMON_ENQUEUE_LEASE_H
#define COMMON_ENQUEUE_LEASE_H

#include <stdint.h>

#include "common/ipc/queue.h"

enum { LEASES_MAX = 8, LEASE_SPARE_MAX = 1024 };

struct lease_ids {
	struct queue_ids leases[LEASES_MAX];
	unsigned	 n_leases;
	uint64_t	 spare[LEASE_SPARE_MAX];	/* given back */
	unsigned	 n_spare;
	unsigned	 era;		/* counts channels to queue-manager */
};

/* A lease has come: -1 when it is none. */
int lease_add(struct lease_ids *, struct slice body);
/* An id; 0: there is none now. */
uint64_t lease_take(struct lease_ids *);
/*
 * An id that queue-manager never heard of can be taken again: who only ever
 * sends what is refused does not use up the lease.
 */
void lease_give_back(struct lease_ids *, uint64_t id);
/* The channel has changed: nothing that was lent is good any more. */
void lease_forget(struct lease_ids *);

#endif
