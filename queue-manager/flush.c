/*
 * What waits is to be tried now: an operator says so, or a client by ETRN (RFC
 * 1985), or a destination is back.
 *
 * What is in memory is due at once; the index is gone through by and by, some
 * messages a second.  Only the rests of those destinations end that mail is
 * flushed for, and only a rest that was there when the flush began: one that
 * begins meanwhile says that the destination is still away.
 */
#include <string.h>

#include "common/log/log.h"
#include "queue-manager/daemon.h"

enum {
	A_TURN = 1000,		/* messages of a flush in one tick */
	FLUSH_ROOM = 500,	/* jobs of a destination that is flushed */
	ASKED_PAUSE_MS = 60 * 1000,
	COUNT_MAX = 1000	/* messages that a client is told of */
};

bool
memory_has_place(const struct daemon *d)
{
	return d->queue.n_memory < d->set->active_messages;
}

/* ---- who is meant ---- */

static struct slice
domain_of(struct slice address)
{
	const char *at = address.len == 0 ? NULL :
	    memrchr(address.at, '@', address.len);

	return at == NULL ? slice_of("", 0) :
	    slice_skip(address, (size_t)(at + 1 - address.at));
}

bool
recipient_is_at(const struct recipient *r, uint64_t destination)
{
	return destination == 0 ||
	    index_destination(domain_of(r->address)) == destination ||
	    index_destination(r->address) == destination;
}

/* The domain itself, or one below it. */
static bool
is_below(struct slice domain, struct slice top)
{
	size_t more = domain.len - top.len;

	if (domain.len < top.len ||
	    !slice_equal_nocase(slice_skip(domain, more), top))
		return false;
	return more == 0 || domain.at[more - 1] == '.';
}

static bool
is_meant(const struct recipient *r, const struct flush *f)
{
	struct slice name = slice_str(f->name);

	switch (f->kind) {
	case FLUSH_BELOW:
		return is_below(domain_of(r->address), name);
	case FLUSH_ROUTE:
		return r->state == RECIPIENT_RELAY &&
		    slice_equal_nocase(r->target->route, name);
	default:
		return recipient_is_at(r, f->destination);
	}
}

/* ---- one message, all in memory ---- */

static void
end_rest(struct daemon *d, const struct recipient *r, uint64_t begun)
{
	if (begun == 0)
		return;
	if (r->state == RECIPIENT_RELAY)
		outbound_end_rest(d->outbound,
		    relaying_destination(r->target), begun);
	else
		scheduler_end_rest(d->scheduler,
		    index_destination(r->address), begun);
}

bool
flush_message(struct daemon *d, struct message *m, const struct flush *f)
{
	bool any = false;

	for (uint32_t i = 0; !m->held && i < m->n; i++) {
		struct recipient *r = m->recipients[i];

		if (!is_meant(r, f))
			continue;
		any = true;
		if (r->busy)
			continue;
		r->due_ms = 0;
		end_rest(d, r, f->begun_ms);
	}
	if (any)
		dispatch_message(d, m);
	return any;
}

uint64_t
flush_memory(struct daemon *d, const struct flush *f)
{
	struct message *m, *next;
	uint64_t n = 0;

	RB_FOREACH_SAFE(m, message_tree, &d->queue.messages, next)
		n += flush_message(d, m, f);
	return n;
}

/* ---- the index ---- */

static bool
is_same(const struct flush *a, const struct flush *b)
{
	return a->kind == b->kind && a->destination == b->destination &&
	    strcmp(a->name, b->name) == 0;
}

bool
flush_begin(struct daemon *d, const struct flush *f)
{
	for (unsigned i = 0; i < d->n_flushes; i++) {
		struct flush *now = &d->flushes[i];

		if (!is_same(now, f))
			continue;
		/* An order is more than the hope that some room is there. */
		if (f->begun_ms > now->begun_ms)
			*now = *f;
		return true;
	}
	if (d->n_flushes == FLUSHES_MAX)
		return false;
	d->flushes[d->n_flushes++] = *f;
	return true;
}

/* Some more of it; false: it has been through all. */
static bool
flush_step(struct daemon *d, struct flush *f)
{
	uint64_t ids[A_TURN];
	struct message *m;
	size_t n, i;

	if (!memory_has_place(d) || (f->outbound != 0 &&
	    outbound_waiting(d->outbound, f->outbound) > FLUSH_ROOM))
		return true;
	n = index_list(d->queue.index, f->destination, f->after, ids, A_TURN);
	for (i = 0; i < n && memory_has_place(d); i++) {
		bool here = queue_find(&d->queue, ids[i]) != NULL;

		if ((m = queue_load(&d->queue, ids[i])) != NULL &&
		    !flush_message(d, m, f) && !here)
			queue_unload(&d->queue, m);
	}
	if (i > 0)
		f->after = ids[i - 1];
	return n == A_TURN || i < n;
}

void
flush_go_on(struct daemon *d)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < d->n_flushes; i++) {
		struct flush f = d->flushes[i];

		if (flush_step(d, &f))
			d->flushes[kept++] = f;
	}
	d->n_flushes = kept;
}

/* ---- ETRN ---- */

/* Of those that are in no memory. */
static uint32_t
count_index(struct daemon *d, uint64_t destination, bool *more)
{
	uint64_t ids[COUNT_MAX];
	size_t n = index_list(d->queue.index, destination, 0, ids, COUNT_MAX);
	uint32_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += queue_find(&d->queue, ids[i]) == NULL;
	*more = n == COUNT_MAX;
	return count;
}

/* The place of this one, or one that is free; NULL: there is none. */
static struct flush_asked *
asked_of(struct daemon *d, uint64_t key, uint64_t now)
{
	struct flush_asked *free = NULL;

	for (unsigned i = 0; i < FLUSHES_MAX; i++) {
		struct flush_asked *a = &d->asked[i];

		if (a->key == key)
			return a;
		if (a->key == 0 || now - a->at_ms >= ASKED_PAUSE_MS)
			free = a;
	}
	return free;
}

/* Its name is not kept as it came, and is no key of anything: it becomes a
 * number, as those of all destinations do. */
static struct flush
flush_of(const struct queue_flush_ask *ask, uint64_t now)
{
	struct flush f = { .begun_ms = now };

	if (ask->kind == QUEUE_FLUSH_DOMAIN) {
		f.destination = index_destination(ask->name);
		return f;
	}
	f.kind = ask->kind == QUEUE_FLUSH_BELOW ? FLUSH_BELOW : FLUSH_ROUTE;
	/* decode has seen that it fits */
	(void)slice_copy_str(ask->name, f.name, sizeof(f.name));
	return f;
}

void
flush_asked(struct daemon *d, const struct queue_flush_ask *ask,
    struct queue_flush_answer *answer)
{
	uint64_t now = queue_now(&d->queue);
	/* "@x", "#x" and "x" are three. */
	uint64_t key = index_destination(ask->name) ^ (uint64_t)ask->kind;
	struct flush f = flush_of(ask, now);
	struct flush_asked *a = asked_of(d, key, now);

	*answer = (struct queue_flush_answer){ .verdict = QUEUE_FLUSH_BUSY };
	if (a == NULL)
		return;
	if (a->key == key && now - a->at_ms < ASKED_PAUSE_MS) {
		answer->verdict = QUEUE_FLUSH_ALREADY;
		return;
	}
	answer->waiting = count_index(d, f.destination, &answer->more);
	/* Of all that is there, nobody knows yet what is meant. */
	if (f.kind != FLUSH_DESTINATION) {
		answer->more = answer->waiting > 0;
		answer->waiting = 0;
	}
	if ((answer->waiting > 0 || answer->more) && !flush_begin(d, &f))
		return;
	*a = (struct flush_asked){ key, now };
	answer->waiting += (uint32_t)flush_memory(d, &f);
	answer->verdict = answer->waiting > 0 || answer->more ?
	    QUEUE_FLUSH_BEGUN : QUEUE_FLUSH_NOTHING;
	log_info("flush-asked", LOG_STR("name", ask->name),
	    LOG_NUM("kind", ask->kind), LOG_NUM("waiting", answer->waiting));
}
