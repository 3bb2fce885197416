/* Queue ids, lent to each smtpd. */
#include <stdlib.h>

#include "common/ipc/queue.h"
#include "queue-manager/intake.h"

/*
 * Once half of a lease has been seen used, the next one follows; the one before
 * is then long used up.  Which ids are used is kept exactly: a captured smtpd
 * must not put its mail into the place of another message.
 */
void
lease(struct peer *p)
{
	struct queue *q = &p->d->queue;
	struct queue_ids ids = { 0 };
	char body[QUEUE_SMALL_BODY_MAX];
	uint8_t *used = calloc(1, LEASE / 8);

	if (used == NULL)
		return;
	if ((ids.count = queue_lease_ids(q, LEASE, &ids.first)) == 0) {
		free(used);
		return;		/* the ceiling rises; chores try again */
	}
	free(p->leases[1].used);
	p->leases[1] = p->leases[0];
	p->leases[0] = (struct lease){ ids.first, ids.count, used };
	ipc_send(p->ch, IPC_QUEUE_IDS, 0,
	    slice_of(body, queue_ids_encode(&ids, body)), NULL, 0);
}

void
intake_lease(struct daemon *d)
{
	struct peer *p;

	TAILQ_FOREACH(p, &d->peers, entry)
		if (p->leases[0].count == 0)
			lease(p);
}

/* The lease of an id that may still be used, or NULL: it is a lie. */
static struct lease *
lease_of(struct peer *p, uint64_t id)
{
	for (unsigned i = 0; i < 2; i++) {
		struct lease *l = &p->leases[i];

		if (id < l->first || id - l->first >= l->count)
			continue;
		id -= l->first;
		return l->used[id / 8] & (1u << (id % 8)) ? NULL : l;
	}
	return NULL;
}

bool
is_leased(struct peer *p, uint64_t id)
{
	return lease_of(p, id) != NULL;
}

void
id_use(struct peer *p, uint64_t id)
{
	struct lease *l = lease_of(p, id);

	if (l == NULL)
		return;
	l->used[(id - l->first) / 8] |= (uint8_t)(1u << ((id - l->first) % 8));
	if (l == &p->leases[0] && id - l->first >= l->count / 2)
		lease(p);
}
