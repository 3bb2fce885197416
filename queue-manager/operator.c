/* bulkhead queue ... (common/ipc/control.h). */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/ipc/control.h"
#include "common/log/log.h"
#include "queue-manager/daemon.h"

/* Rows on their way out; sent when full. */
struct answer {
	struct daemon	*d;
	struct ipc_channel *ch;
	uint64_t	 request;
	struct ipc_writer w;
	uint8_t		 body[QUEUE_ROWS_MAX];
};

static void
send_rows(struct answer *a)
{
	if (a->w.len > 0)
		ipc_send(a->ch, IPC_QUEUE_ROWS, a->request,
		    slice_of(a->body, a->w.len), NULL, 0);
	ipc_writer_init(&a->w, a->body, sizeof(a->body));
}

static void
send_done(struct daemon *d, struct ipc_channel *ch, uint64_t request,
    enum queue_status status, uint64_t affected, uint64_t busy, uint64_t next)
{
	const struct queue *q = &d->queue;
	struct queue_done done = { .status = status, .affected = affected,
	    .busy = busy, .next = next, .counters = {
		.accepted = q->counters.accepted,
		.delivered = q->counters.delivered,
		.bounced = q->counters.bounced,
		.expired = q->counters.expired,
		.deleted = q->counters.deleted,
		.held = q->held, .queued = q->open - q->held } };
	char body[QUEUE_DONE_MAX];

	ipc_send(ch, IPC_QUEUE_DONE, request,
	    slice_of(body, queue_done_encode(&done, body)), NULL, 0);
}

/* ---- looking ---- */

static int64_t
wall_of(const struct daemon *d, uint64_t spool_ms)
{
	uint64_t now = queue_now(&d->queue);
	int64_t ahead = (int64_t)(spool_ms - now);

	return spool_ms <= now ? 0 : (clock_wall_ms() + ahead) / 1000;
}

static enum queue_row_state
row_state(const struct daemon *d, const struct message *m)
{
	if (m->held)
		return QUEUE_ROW_HELD;
	for (uint32_t i = 0; i < m->n; i++)
		if (m->recipients[i]->busy ||
		    m->recipients[i]->job.state != JOB_IDLE ||
		    m->recipients[i]->parcel != NULL)
			return QUEUE_ROW_ACTIVE;
	return message_due(m) <= queue_now(&d->queue) ? QUEUE_ROW_ACTIVE :
	    QUEUE_ROW_DEFERRED;
}

static void
put_recipient(const struct daemon *d, struct ipc_writer *w,
    const struct recipient *r)
{
	struct queue_recipient_row row = { .number = r->number,
	    .attempts = r->attempts, .next_attempt = wall_of(d, r->due_ms),
	    .address = r->address, .route = slice_of("", 0),
	    .reason = slice_str(r->reason == NULL ? "" : r->reason) };

	if (r->state == RECIPIENT_RELAY) {
		row.route = r->target->route;
		row.rests_until = wall_of(d, outbound_rests(d->outbound,
		    relaying_destination(r->target), queue_now(&d->queue)));
	}
	queue_recipient_row_put(w, &row);
}

/* A message from recipient `from` on, with as many as are asked for and as
 * fit; how many those were. */
static uint32_t
put_row(struct answer *a, const struct message *m, uint32_t from,
    uint32_t most)
{
	uint32_t n = m->n - from < most ? m->n - from : most;
	struct queue_row row = { .queue_id = m->id,
	    .state = row_state(a->d, m), .arrival = m->wall_ms / 1000,
	    .content_octets = m->content_octets,
	    .reverse_path = m->reverse_path, .n_recipients = m->n };

	for (;; n /= 2) {
		struct ipc_writer start = a->w;

		row.n_listed = (uint16_t)n;
		queue_row_put(&a->w, &row);
		for (uint32_t i = 0; i < n; i++)
			put_recipient(a->d, &a->w, m->recipients[from + i]);
		if (!a->w.failed)
			return n;
		a->w = start;
		if (start.len > 0) {
			send_rows(a);
			n *= 2;	/* once more, with all the room */
		}
	}
}

static bool
is_at(const struct message *m, uint64_t destination)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (recipient_is_at(m->recipients[i], destination))
			return true;
	return false;
}

/* Of those that the index does not have yet. */
static uint64_t
first_in_memory(struct queue *q, uint64_t after, uint64_t destination)
{
	struct message find = { .id = after + 1 }, *m;

	if (after == UINT64_MAX)
		return UINT64_MAX;
	m = RB_NFIND(message_tree, &q->messages, &find);
	while (m != NULL && (!m->listed || !is_at(m, destination)))
		m = RB_NEXT(message_tree, &q->messages, m);
	return m == NULL ? UINT64_MAX : m->id;
}

/* The next id in memory or in the index. */
static uint64_t
next_id(struct queue *q, uint64_t destination, uint64_t after)
{
	uint64_t memory = first_in_memory(q, after, destination);
	uint64_t id;

	if (index_list(q->index, destination, after, &id, 1) == 1 &&
	    id < memory)
		return id;
	return memory;
}

static void
list(struct answer *a, const struct queue_ask *ask)
{
	struct queue *q = &a->d->queue;
	uint64_t destination = ask->destination.len == 0 ? 0 :
	    index_destination(ask->destination);
	uint64_t id = ask->after;
	uint32_t n = 0;

	while (n < ask->limit) {
		bool here;
		struct message *m;

		if ((id = next_id(q, destination, id)) == UINT64_MAX)
			break;
		here = queue_find(q, id) != NULL;
		if ((m = queue_load(q, id)) == NULL)
			continue;	/* settled, not yet out of the index */
		put_row(a, m, 0, 20);
		n++;
		if (!here)
			queue_unload(q, m);
	}
	send_rows(a);
	send_done(a->d, a->ch, a->request, QUEUE_OK, n, 0,
	    id == UINT64_MAX ? 0 : id);
}

static void
show(struct answer *a, const struct queue_ask *ask)
{
	struct message *m = queue_load(&a->d->queue, ask->queue_id);
	uint32_t from = 0;

	if (m == NULL) {
		send_done(a->d, a->ch, a->request, QUEUE_NOT_FOUND, 0, 0, 0);
		return;
	}
	while (from < m->n)
		from += put_row(a, m, from, 500);
	send_rows(a);
	send_done(a->d, a->ch, a->request, QUEUE_OK, 1, 0, 0);
}

/* ---- doing ---- */

static void
flush(struct answer *a, const struct queue_ask *ask)
{
	struct daemon *d = a->d;
	struct flush f = { .destination = ask->destination.len == 0 ? 0 :
	    index_destination(ask->destination),
	    .begun_ms = queue_now(&d->queue) };
	bool begun;

	if (f.destination == 0) {
		outbound_flush(d->outbound);
		scheduler_flush(d->scheduler);
	}
	begun = flush_begin(d, &f);
	send_done(d, a->ch, a->request, begun ? QUEUE_OK : QUEUE_BUSY,
	    flush_memory(d, &f), 0, 0);
}

/* An order that must be durable before it is answered. */
struct order {
	struct daemon	*d;
	uint64_t	 client;	/* tag of its channel, while it lives */
	struct ipc_channel *ch;
	uint64_t	 request, next, affected, busy;
	enum queue_status status;	/* when all goes well */
	unsigned	 left;		/* records, and one while it is given */
	int		 error;
};

static void
order_end(struct order *o)
{
	if (--o->left > 0)
		return;
	if (operator_alive(o->d, o->ch, o->client))
		send_done(o->d, o->ch, o->request, o->error == 0 ? o->status :
		    QUEUE_FAILED, o->affected, o->busy, o->next);
	free(o);
}

/* One record of it is durable, or failed. */
struct step {
	struct order	*o;
	uint64_t	 queue_id;
	uint32_t	 number;	/* of a recipient that is deleted */
	bool		 deletes;
};

/* It was not to be: the recipient goes on. */
static void
not_deleted(struct message *m, const struct step *s)
{
	struct recipient *r = message_recipient(m, s->number);

	if (s->deletes && r != NULL)
		r->busy = false;
}

static void
step_done(void *arg, int error)
{
	struct step *s = arg;
	struct message *m = queue_find(&s->o->d->queue, s->queue_id);

	if (error != 0)
		s->o->error = error;
	if (error != 0 && m != NULL)
		not_deleted(m, s);
	if (m != NULL)
		dispatch_message(s->o->d, m);
	order_end(s->o);
	free(s);
}

static struct step *
step_new(struct order *o, const struct message *m)
{
	struct step *s = malloc(sizeof(*s));

	if (s == NULL) {
		o->error = ENOMEM;
		return NULL;
	}
	*s = (struct step){ .o = o, .queue_id = m->id };
	o->left++;
	return s;
}

static void
step_failed(struct step *s, int error)
{
	s->o->error = error;
	s->o->left--;		/* never the last: the order is being given */
	free(s);
}

static void
hold(struct order *o, struct message *m, bool held)
{
	struct step *s;
	int error;

	if (m->held == held || (s = step_new(o, m)) == NULL)
		return;
	error = queue_put_hold(&o->d->queue, m, held, step_done, s);
	if (error != 0) {
		step_failed(s, error);
		return;
	}
	o->affected++;
	for (uint32_t i = 0; i < m->n; i++)
		if (!m->recipients[i]->busy)
			dispatch_withdraw(o->d, m->recipients[i]);
}

static void
delete_recipient(struct order *o, struct recipient *r)
{
	struct event_result e = { .number = r->number,
	    .outcome = OUTCOME_DELETED, .attempts = r->attempts };
	struct step *s = step_new(o, r->message);
	int error;

	if (s == NULL)
		return;
	s->deletes = true;
	s->number = r->number;
	dispatch_withdraw(o->d, r);
	error = queue_put_result(&o->d->queue, r->message, &e, step_done, s);
	if (error != 0)
		step_failed(s, error);
	else
		r->busy = true;	/* until it is gone */
}

static void
delete(struct order *o, struct message *m, uint64_t destination)
{
	uint32_t n = 0, busy = 0;

	for (uint32_t i = 0; i < m->n; i++)
		if (recipient_is_at(m->recipients[i], destination)) {
			n++;
			busy += m->recipients[i]->busy;
		}
	if (busy > 0) {
		o->busy++;
		return;
	}
	for (uint32_t i = 0; i < m->n; i++)
		if (recipient_is_at(m->recipients[i], destination))
			delete_recipient(o, m->recipients[i]);
	o->affected++;
	log_notice("deleted", LOG_QID(m->id), LOG_NUM("recipients", n));
}

static void
do_message(struct order *o, enum queue_verb verb, struct message *m,
    uint64_t destination)
{
	struct flush f = { .destination = destination,
	    .begun_ms = queue_now(&o->d->queue) };

	m->pins++;
	if (verb == QUEUE_RETRY) {
		flush_message(o->d, m, &f);
		o->affected += !m->held;
	} else if (verb == QUEUE_DELETE)
		delete(o, m, destination);
	else
		hold(o, m, verb == QUEUE_HOLD);
	message_unpin(m);
}

static void
do_one(struct order *o, const struct queue_ask *ask)
{
	struct message *m = queue_load(&o->d->queue, ask->queue_id);

	if (m == NULL) {
		o->status = QUEUE_NOT_FOUND;
		return;
	}
	do_message(o, ask->verb, m, 0);
	if (o->busy > 0)
		o->status = QUEUE_BUSY;
	else
		o->affected = 1;	/* held already is held */
}

static void
do_many(struct order *o, const struct queue_ask *ask)
{
	struct queue *q = &o->d->queue;
	uint64_t destination = ask->destination.len == 0 ? 0 :
	    index_destination(ask->destination);
	uint64_t id = ask->after;
	struct message *m;

	for (uint32_t n = 0; n < ask->limit; n++) {
		if ((id = next_id(q, destination, id)) == UINT64_MAX)
			return;
		if ((m = queue_load(q, id)) == NULL)
			continue;	/* settled, not yet out of the index */
		do_message(o, ask->verb, m, destination);
		if ((m = queue_find(q, id)) != NULL)
			queue_unload(q, m);
	}
	o->next = id;
}

static void
give_order(struct answer *a, const struct queue_ask *ask)
{
	struct order *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		send_done(a->d, a->ch, a->request, QUEUE_FAILED, 0, 0, 0);
		return;
	}
	*o = (struct order){ .d = a->d, .ch = a->ch, .request = a->request,
	    .client = ipc_channel_tag(a->ch), .left = 1 };
	if (ask->queue_id != 0)
		do_one(o, ask);
	else
		do_many(o, ask);
	order_end(o);
	flush_now(a->d);
}

static int
on_ask(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct operator *op = ctx;
	struct answer *a = calloc(1, sizeof(*a));
	struct queue_ask ask;

	if (a == NULL || queue_ask_decode(m->body, &ask) == -1) {
		free(a);
		return -1;
	}
	a->d = op->d;
	a->ch = ch;
	a->request = m->id;
	ipc_writer_init(&a->w, a->body, sizeof(a->body));
	switch (ask.verb) {
	case QUEUE_LIST:
		list(a, &ask);
		break;
	case QUEUE_SHOW:
		show(a, &ask);
		break;
	case QUEUE_FLUSH:
		flush(a, &ask);
		break;
	case QUEUE_COUNT:
		send_done(a->d, ch, a->request, QUEUE_OK,
		    a->d->queue.n_messages, 0, 0);
		break;
	default:
		give_order(a, &ask);
	}
	free(a);
	return 0;
}

bool
operator_alive(const struct daemon *d, const struct ipc_channel *ch,
    uint64_t tag)
{
	const struct operator *op;

	TAILQ_FOREACH(op, &d->operators, entry)
		if (op->ch == ch && op->tag == tag)
			return true;
	return false;
}

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct operator *op = ctx;

	(void)ch;
	TAILQ_REMOVE(&op->d->operators, op, entry);
	free(op);
}

static const struct ipc_handler handlers[] = {
	{ IPC_QUEUE_ASK, on_ask },
};

static const struct ipc_events events = {
	.handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_closed,
};

int
operator_open(struct daemon *d, int fd)
{
	struct operator *op = calloc(1, sizeof(*op));

	if (op == NULL || !d->open) {
		free(op);
		close(fd);
		return -1;
	}
	op->d = d;
	op->tag = ++d->operator_tags;
	op->ch = ipc_channel_new(d->stage.base, fd, IPC_QUEUE_MANAGER,
	    IPC_CONTROL, &events, op);
	if (op->ch == NULL) {
		free(op);
		return -1;
	}
	ipc_channel_set_tag(op->ch, op->tag);
	TAILQ_INSERT_TAIL(&d->operators, op, entry);
	return 0;
}
