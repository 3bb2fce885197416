/*
 * What the parts of an owner know of each other: its queue (owners.c), its
 * worker's beginning and end (workers.c), and what the worker is given
 * (worker_channel.c).
 */
#ifndef LOCAL_DELIVERY_OWNER_H
#define LOCAL_DELIVERY_OWNER_H

#include "local-delivery/local_delivery.h"

/* ---- owners.c ---- */

/* It was used just now. */
void owner_touch(struct owner *);
void owner_set_state(struct owner *, enum owner_state);
/* After every change of its state or of what it has to do: is it one of the
 * idle?  Those have a list, so that nobody looks for one. */
void owner_note_idle(struct owner *);
/* Of one that has nothing to do and no worker. */
void owner_free(struct owner *);

/* ---- workers.c ---- */

/* Ask for a worker, if there is anything to do; voucher may be NULL.  Where one
 * cannot be asked for now, the owner waits: it is never freed here. */
void worker_want(struct owner *, const struct ticket *voucher);
/* A process has ended: whose turn is it? */
void workers_start_waiting(struct local_delivery *);
/* End that of an idle owner, who is freed. */
void worker_end(struct owner *);
/* Others wait for a worker, and this one has had its turn. */
bool worker_must_yield(const struct owner *);
void worker_yield(struct owner *);
/* There is no worker and will be none: put all off, and free the owner. */
void worker_give_up(struct owner *, const char *why);

/* ---- worker_channel.c ---- */

/* Take fd as the channel to the owner's worker.  -1: no memory. */
int worker_open(struct owner *, int fd);
/* As many jobs as its window takes.  It may have no worker afterwards. */
void worker_hand_over(struct owner *);
/* It died, or said something that it may not: what it had may have been
 * delivered.  The channel is the caller's; the owner may be freed. */
void worker_lost(struct owner *);

#endif
