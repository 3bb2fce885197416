#include "common/enqueue/lease.h"

#include <string.h>

int
lease_add(struct lease_ids *l, struct slice body)
{
	struct queue_ids ids;

	if (queue_ids_decode(body, &ids) == -1 || ids.count == 0 ||
	    ids.first == 0)
		return -1;
	if (l->n_leases < LEASES_MAX)
		l->leases[l->n_leases++] = ids;
	return 0;
}

uint64_t
lease_take(struct lease_ids *l)
{
	struct queue_ids *first = &l->leases[0];
	uint64_t id;

	if (l->n_spare > 0)
		return l->spare[--l->n_spare];
	if (l->n_leases == 0)
		return 0;
	id = first->first++;
	if (--first->count == 0) {
		l->n_leases--;
		memmove(first, first + 1, l->n_leases * sizeof(*first));
	}
	return id;
}

void
lease_give_back(struct lease_ids *l, uint64_t id)
{
	if (l->n_spare < LEASE_SPARE_MAX)
		l->spare[l->n_spare++] = id;
}

void
lease_forget(struct lease_ids *l)
{
	l->n_leases = 0;
	l->n_spare = 0;
	l->era++;
}
