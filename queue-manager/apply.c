/* What a durable record means.  See queue.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/stdlib.h>

#include "common/log/log.h"
#include "queue-manager/queue.h"

/* A record that is intact but says nothing sensible: we wrote it wrong, or
 * memory is short.  It is reported and passed over. */
static void
apply_failed(const struct record *r)
{
	log_error("record-refused", LOG_QID(r->id), LOG_NUM("type", r->type),
	    LOG_NUM("octets", r->payload.len));
}

static bool
is_known(struct queue *q, uint64_t id)
{
	return q->recovering ? queue_load(q, id) != NULL :
	    queue_find(q, id) != NULL;
}

static void
insert(struct queue *q, struct message *m)
{
	RB_INSERT(message_tree, &q->messages, m);
	q->n_memory++;
	TAILQ_INSERT_TAIL(&q->by_arrival, m, by_arrival);
	m->listed = true;
	m->dirty = true;
}

static void
moved(struct queue *q, struct message *m, const struct place *place,
    const struct event_message *e, bool counted)
{
	if (counted)
		log_live_drop(q->log, &m->place);
	m->place = *place;
	m->content_at = (uint32_t)(RECORD_HEADER + EVENT_MESSAGE_HEAD +
	    e->envelope.len + e->state.len);
	m->dirty = true;
	if (counted)
		log_live_add(q->log, &m->place);
}

void
queue_apply_message(struct queue *q, uint64_t id,
    const struct event_message *e, const struct place *place, bool is_move,
    bool counted)
{
	struct message *m;

	if (is_known(q, id)) {
		if (is_move)
			moved(q, queue_find(q, id), place, e, counted);
		return;
	}
	if ((m = message_from_record(id, place, e)) == NULL) {
		log_error("message-refused", LOG_QID(id));
		return;
	}
	m->life = q->life;
	insert(q, m);
	if (m->arrival_ms > q->seen_ms)
		q->seen_ms = m->arrival_ms;
	if (id >= q->next_id)
		q->next_id = id + 1;
	if (counted) {
		log_live_add(q->log, place);
		q->n_messages++;
		q->open += m->n;
		if (m->held)
			q->held += m->n;
		if (!is_move)
			q->counters.accepted += m->n;
	}
	if (q->config.hooks.arrived != NULL && !q->recovering)
		q->config.hooks.arrived(q->config.ctx, m);
}

static void
apply_message(struct queue *q, const struct record *r,
    const struct place *place, bool counted)
{
	struct event_message e;

	if (event_message_get(r->payload, &e) == -1)
		apply_failed(r);
	else
		queue_apply_message(q, r->id, &e, place,
		    (r->flags & RECORD_MOVED) != 0, counted);
}

/* The last recipient is settled: nothing of it is needed any more. */
static void
message_over(struct queue *q, struct message *m, bool counted)
{
	if (counted) {
		log_live_drop(q->log, &m->place);
		q->n_messages--;
	}
	if (m->indexed || q->recovering)
		queue_gone(q, m->id);
	if (m->listed)
		TAILQ_REMOVE(&q->by_arrival, m, by_arrival);
	m->listed = false;
	if (m->large)
		large_file_remove(&q->files, m->id);
	if (q->config.hooks.leaving != NULL)
		q->config.hooks.leaving(q->config.ctx, m);
	RB_REMOVE(message_tree, &q->messages, m);
	q->n_memory--;
	m->over = true;
	m->pins++;
	message_unpin(m);
}

static void
drop(struct queue *q, struct message *m, struct recipient *r)
{
	if (q->config.hooks.dropping != NULL)
		q->config.hooks.dropping(q->config.ctx, r);
	message_drop(m, r);
	m->dirty = true;
}

static struct slice
given_of(const struct recipient *r)
{
	return r->given.len > 0 ? r->given : r->address;
}

/* Mailboxes of ours, in place of old. */
static void
add_mailboxes(struct message *m, struct event_expanded *e,
    const struct recipient *old)
{
	struct recipient *r;
	struct slice address;
	uint32_t number = e->first;

	while (event_address_next(&e->addresses, &address)) {
		r = message_add(m, number++, address, given_of(old),
		    old->original);
		if (r == NULL)
			abort();	/* half a list is no list: recover */
		r->state = RECIPIENT_FINAL;
		r->due_ms = old->due_ms;
		r->notify = old->notify;
	}
}

static void
add_target(struct message *m, uint32_t number, const struct event_target *t,
    const struct recipient *old)
{
	static const enum recipient_state states[] = {
		[EVENT_TARGET_LOCAL] = RECIPIENT_FINAL,
		[EVENT_TARGET_RELAY] = RECIPIENT_RELAY,
		[EVENT_TARGET_REFUSED] = RECIPIENT_REFUSED,
	};
	const struct target target = { t->route, t->domain, t->sender };
	struct recipient *r = message_add(m, number, t->address,
	    given_of(old), t->with_original ? old->original : slice_of("", 0));

	if (r == NULL)
		abort();
	r->state = states[t->kind];
	r->due_ms = old->due_ms;
	r->notify = (uint8_t)t->notify;
	r->code = t->code;
	memcpy(r->enhanced, t->enhanced, sizeof(r->enhanced));
	recipient_reason(r, t->text);
	if ((t->kind == EVENT_TARGET_RELAY || t->sender.len > 0) &&
	    recipient_target(r, &target) == -1)
		abort();
}

static void
add_targets(struct message *m, struct event_expanded *e,
    const struct recipient *old)
{
	uint32_t number = e->first;
	struct event_target t;

	while (event_target_next(&e->addresses, &t))
		add_target(m, number++, &t, old);
}

static void
apply_expanded(struct queue *q, const struct record *r, bool counted)
{
	struct message *m = queue_load(q, r->id);
	struct event_expanded e;
	struct recipient *old;
	uint64_t more;

	if ((r->type == RECORD_TARGETS ? event_targets_get(r->payload, &e) :
	    event_expanded_get(r->payload, &e)) == -1) {
		apply_failed(r);
		return;
	}
	if (m == NULL || (old = message_recipient(m, e.number)) == NULL)
		return;		/* read twice: settled or expanded long ago */
	if (e.first <= m->recipients[m->n - 1]->number) {
		apply_failed(r);
		return;
	}
	if (r->type == RECORD_TARGETS)
		add_targets(m, &e, old);
	else
		add_mailboxes(m, &e, old);
	drop(q, m, old);
	more = (uint64_t)e.count - 1;	/* may be -1: all were there already */
	if (counted) {
		q->counters.accepted += more;
		q->open += more;
		if (m->held)
			q->held += more;
	}
	if (m->n == 0)
		message_over(q, m, counted);
}

static void
deferred(struct message *m, struct recipient *r, const struct event_result *e)
{
	r->attempts = e->attempts;
	r->due_ms = e->due_ms;
	r->unknown = e->unknown;
	r->code = e->code;
	memcpy(r->enhanced, e->enhanced, sizeof(r->enhanced));
	if (e->away)
		r->state = RECIPIENT_AWAY;
	recipient_reason(r, e->text);
	recipient_remote_mta(r, e->remote_mta);
	r->warned = r->warned || e->warned;
	if (e->outcome == OUTCOME_REPORT)
		r->state = RECIPIENT_REPORT;
	m->dirty = true;
}

static void
count_outcome(struct queue *q, const struct message *m, enum outcome o)
{
	struct counters *c = &q->counters;

	c->delivered += o == OUTCOME_DELIVERED;
	c->bounced += o == OUTCOME_BOUNCED;
	c->expired += o == OUTCOME_EXPIRED;
	c->deleted += o == OUTCOME_DELETED;
	assert(q->open > 0);
	q->open--;
	if (m->held)
		q->held--;
}

static void
apply_result(struct queue *q, const struct record *rec, bool counted)
{
	struct message *m = queue_load(q, rec->id);
	struct event_result e;
	struct recipient *r;

	if (event_result_get(rec->payload, &e) == -1) {
		apply_failed(rec);
		return;
	}
	if (m == NULL || (r = message_recipient(m, e.number)) == NULL)
		return;
	if (e.outcome == OUTCOME_DEFERRED || e.outcome == OUTCOME_REPORT) {
		deferred(m, r, &e);
		return;
	}
	if (counted)
		count_outcome(q, m, e.outcome);
	drop(q, m, r);
	if (m->n == 0)
		message_over(q, m, counted);
}

static void
apply_hold(struct queue *q, const struct record *r, bool counted)
{
	struct message *m = queue_load(q, r->id);
	bool held;

	if (event_hold_get(r->payload, &held) == -1) {
		apply_failed(r);
		return;
	}
	if (m == NULL || m->held == held)
		return;
	m->held = held;
	m->dirty = true;
	if (counted)
		q->held += held ? m->n : -(uint64_t)m->n;
}

static void
apply_ids(struct queue *q, const struct record *r)
{
	uint64_t ceiling;

	if (event_ids_get(r->payload, &ceiling) == -1)
		apply_failed(r);
	else if (ceiling > q->id_ceiling)
		q->id_ceiling = ceiling;
}

static void
apply_clock(struct queue *q, const struct record *r)
{
	struct clock_mark mark;

	if (event_clock_get(r->payload, &mark) == -1)
		apply_failed(r);
	else if (mark.spool_ms >= q->last_mark.spool_ms)
		q->last_mark = mark;
}

void
queue_apply(struct queue *q, const struct record *r,
    const struct place *place, bool counted)
{
	switch (r->type) {
	case RECORD_MESSAGE:
		apply_message(q, r, place, counted);
		break;
	case RECORD_EXPANDED:
	case RECORD_TARGETS:
		apply_expanded(q, r, counted);
		break;
	case RECORD_RESULT:
		apply_result(q, r, counted);
		break;
	case RECORD_HOLD:
		apply_hold(q, r, counted);
		break;
	case RECORD_IDS:
		apply_ids(q, r);
		break;
	case RECORD_CLOCK:
		apply_clock(q, r);
		break;
	default:
		apply_failed(r);
	}
}
