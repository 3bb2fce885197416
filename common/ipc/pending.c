#include "common/ipc/pending.h"

#include <errno.h>
#include <stdlib.h>

#include <bsd/sys/queue.h>

struct entry {
	LIST_ENTRY(entry)	 chain;
	uint64_t		 id;
	const struct ipc_channel *ch;
	void			*ctx;
};

LIST_HEAD(entries, entry);

struct ipc_pending {
	uint64_t	 next_id;
	unsigned	 count, max;
	unsigned	 mask;		/* chains - 1; ids come in order, so */
	struct entries	*chains;	/* their low bits spread them evenly */
	struct entries	 spare;		/* answered entries, to use again */
};

struct ipc_pending *
ipc_pending_new(unsigned max)
{
	struct ipc_pending *p = calloc(1, sizeof(*p));
	unsigned chains = 16;

	if (p == NULL)
		return NULL;
	while (chains < max && chains < 65536)
		chains *= 2;
	*p = (struct ipc_pending){ .next_id = 1, .max = max,
		.mask = chains - 1 };
	LIST_INIT(&p->spare);
	if ((p->chains = calloc(chains, sizeof(*p->chains))) == NULL) {
		free(p);
		errno = ENOMEM;
		return NULL;
	}
	return p;
}

static void
entries_free(struct entries *list)
{
	struct entry *e;

	while ((e = LIST_FIRST(list)) != NULL) {
		LIST_REMOVE(e, chain);
		free(e);
	}
}

void
ipc_pending_free(struct ipc_pending *p)
{
	if (p == NULL)
		return;
	for (unsigned i = 0; i <= p->mask; i++)
		entries_free(&p->chains[i]);
	entries_free(&p->spare);
	free(p->chains);
	free(p);
}

uint64_t
ipc_pending_add(struct ipc_pending *p, const struct ipc_channel *ch, void *ctx)
{
	struct entry *e = LIST_FIRST(&p->spare);

	if (p->count >= p->max)
		return 0;
	if (e != NULL)
		LIST_REMOVE(e, chain);
	else if ((e = malloc(sizeof(*e))) == NULL)
		return 0;
	e->id = p->next_id++;
	e->ch = ch;
	e->ctx = ctx;
	LIST_INSERT_HEAD(&p->chains[e->id & p->mask], e, chain);
	p->count++;
	return e->id;
}

static void *
take(struct ipc_pending *p, struct entry *e)
{
	LIST_REMOVE(e, chain);
	LIST_INSERT_HEAD(&p->spare, e, chain);
	p->count--;
	return e->ctx;
}

static struct entry *
find(struct ipc_pending *p, const struct ipc_channel *ch, uint64_t id)
{
	struct entry *e;

	LIST_FOREACH(e, &p->chains[id & p->mask], chain)
		if (e->id == id)
			return e->ch == ch ? e : NULL;
	return NULL;
}

void *
ipc_pending_take(struct ipc_pending *p, const struct ipc_channel *ch,
    uint64_t id)
{
	struct entry *e = find(p, ch, id);

	return e == NULL ? NULL : take(p, e);
}

void *
ipc_pending_peek(struct ipc_pending *p, const struct ipc_channel *ch,
    uint64_t id)
{
	struct entry *e = find(p, ch, id);

	return e == NULL ? NULL : e->ctx;
}

void *
ipc_pending_take_any(struct ipc_pending *p, const struct ipc_channel *ch)
{
	struct entry *e;

	for (unsigned i = 0; p->count > 0 && i <= p->mask; i++)
		LIST_FOREACH(e, &p->chains[i], chain)
			if (e->ch == ch)
				return take(p, e);
	return NULL;
}

unsigned
ipc_pending_count(const struct ipc_pending *p)
{
	return p->count;
}

bool
ipc_pending_full(const struct ipc_pending *p)
{
	return p->count >= p->max;
}
