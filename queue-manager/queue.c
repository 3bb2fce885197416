#include "queue-manager/queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/log/log.h"

uint64_t
queue_now(const struct queue *q)
{
	return spool_clock_at(&q->clock, clock_boot_ms());
}

struct message *
queue_find(struct queue *q, uint64_t id)
{
	struct message find = { .id = id };

	return RB_FIND(message_tree, &q->messages, &find);
}

int
settled_compare(const struct settled *a, const struct settled *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE(settled_tree, settled, by_id, settled_compare)

void
queue_gone(struct queue *q, uint64_t id)
{
	size_t max = q->gone_max * 2 + 256;
	struct settled *s = malloc(sizeof(*s));
	uint64_t *more;

	if (s == NULL)
		abort();	/* and recover */
	s->id = id;
	if (RB_INSERT(settled_tree, &q->settled, s) != NULL)
		free(s);
	if (q->n_gone == q->gone_max) {
		more = reallocarray(q->gone, max, sizeof(*more));
		if (more == NULL)
			abort();
		q->gone = more;
		q->gone_max = max;
	}
	q->gone[q->n_gone++] = id;
}

void
queue_forget(struct queue *q, uint64_t id)
{
	struct settled find = { .id = id }, *s;

	if ((s = RB_FIND(settled_tree, &q->settled, &find)) == NULL)
		return;
	RB_REMOVE(settled_tree, &q->settled, s);
	free(s);
}

static bool
is_settled(struct queue *q, uint64_t id)
{
	struct settled find = { .id = id };

	return RB_FIND(settled_tree, &q->settled, &find) != NULL;
}

/*
 * The index has a value that is none: it cannot be trusted.  abort() leaves
 * the mark of index_guard, and the next start makes it again.
 */
static void
index_is_damaged(uint64_t id)
{
	log_error("index-damaged", LOG_QID(id),
	    LOG_CSTR("remedy", "it is made again from the segments"));
	abort();
}

struct message *
queue_load(struct queue *q, uint64_t id)
{
	struct message *m = queue_find(q, id);
	struct place place;
	struct slice state;
	uint8_t *value;

	if (m != NULL)
		return m;
	/* Recovery reads records of settled messages again, and asks whether
	 * the index knows them. */
	if (!q->recovering && is_settled(q, id))
		return NULL;	/* Q6 */
	switch (index_get(q->index, id, &value, &state, &place)) {
	case INDEX_NONE:
		return NULL;
	case INDEX_CORRUPT:
		index_is_damaged(id);
		return NULL;
	case INDEX_FOUND:
		break;
	}
	m = message_state_get(id, state);
	free(value);
	if (m == NULL)
		return NULL;
	m->place = place;
	m->indexed = true;
	if (m->life != q->life)
		message_doubt(m);	/* Q4 */
	m->life = q->life;
	RB_INSERT(message_tree, &q->messages, m);
	q->n_memory++;
	return m;
}

bool
queue_unload(struct queue *q, struct message *m)
{
	if (!m->indexed || m->dirty || m->pins > 0)
		return false;
	for (uint32_t i = 0; i < m->n; i++)
		if (m->recipients[i]->busy ||
		    m->recipients[i]->parcel != NULL ||
		    m->recipients[i]->job.state != JOB_IDLE)
			return false;
	assert(!m->listed);
	if (q->config.hooks.leaving != NULL)
		q->config.hooks.leaving(q->config.ctx, m);
	RB_REMOVE(message_tree, &q->messages, m);
	q->n_memory--;
	message_free(m);
	return true;
}

void
queue_sweep(struct queue *q, uint64_t due_after_ms)
{
	struct message *m, *next;

	RB_FOREACH_SAFE(m, message_tree, &q->messages, next)
		if (m->held || message_due(m) > due_after_ms)
			queue_unload(q, m);
}

int64_t
queue_difference(const struct queue *q)
{
	const struct counters *c = &q->counters;

	return (int64_t)(c->accepted - c->delivered - c->bounced -
	    c->expired - c->deleted - q->open);
}
