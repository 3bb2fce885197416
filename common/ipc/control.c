#include "common/ipc/control.h"

size_t
queue_ask_encode(const struct queue_ask *a, void *buf)
{
	struct ipc_writer w;

	if (a->destination.len > QUEUE_DESTINATION_MAX)
		return 0;
	ipc_writer_init(&w, buf, QUEUE_ASK_MAX);
	ipc_put_u8(&w, (uint8_t)a->verb);
	ipc_put_u64(&w, a->queue_id);
	ipc_put_u64(&w, a->after);
	ipc_put_u32(&w, a->limit);
	ipc_put_bytes(&w, a->destination);
	return w.failed ? 0 : w.len;
}

int
queue_ask_decode(struct slice body, struct queue_ask *a)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	a->verb = (enum queue_verb)ipc_get_u8(&r);
	a->queue_id = ipc_get_u64(&r);
	a->after = ipc_get_u64(&r);
	a->limit = ipc_get_u32(&r);
	a->destination = ipc_get_bytes(&r, QUEUE_DESTINATION_MAX);
	if (ipc_reader_end(&r) == -1 || a->verb < QUEUE_LIST ||
	    a->verb > QUEUE_COUNT)
		return -1;
	if (a->verb == QUEUE_LIST || (a->queue_id == 0 &&
	    a->verb >= QUEUE_RETRY && a->verb <= QUEUE_DELETE))
		return a->limit >= 1 && a->limit <= QUEUE_PAGE_MAX ? 0 : -1;
	return 0;
}

size_t
queue_done_encode(const struct queue_done *d, void *buf)
{
	const struct queue_counters *c = &d->counters;
	struct ipc_writer w;

	ipc_writer_init(&w, buf, QUEUE_DONE_MAX);
	ipc_put_u8(&w, (uint8_t)d->status);
	ipc_put_u64(&w, d->next);
	ipc_put_u64(&w, d->affected);
	ipc_put_u64(&w, c->accepted);
	ipc_put_u64(&w, c->delivered);
	ipc_put_u64(&w, c->bounced);
	ipc_put_u64(&w, c->expired);
	ipc_put_u64(&w, c->deleted);
	ipc_put_u64(&w, c->held);
	ipc_put_u64(&w, c->queued);
	ipc_put_u64(&w, d->busy);
	return w.failed ? 0 : w.len;
}

int
queue_done_decode(struct slice body, struct queue_done *d)
{
	struct queue_counters *c = &d->counters;
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	d->status = (enum queue_status)ipc_get_u8(&r);
	d->next = ipc_get_u64(&r);
	d->affected = ipc_get_u64(&r);
	c->accepted = ipc_get_u64(&r);
	c->delivered = ipc_get_u64(&r);
	c->bounced = ipc_get_u64(&r);
	c->expired = ipc_get_u64(&r);
	c->deleted = ipc_get_u64(&r);
	c->held = ipc_get_u64(&r);
	c->queued = ipc_get_u64(&r);
	d->busy = ipc_get_u64(&r);
	return ipc_reader_end(&r) == -1 || d->status > QUEUE_FAILED ? -1 : 0;
}

void
queue_row_put(struct ipc_writer *w, const struct queue_row *q)
{
	ipc_put_u64(w, q->queue_id);
	ipc_put_u8(w, (uint8_t)q->state);
	ipc_put_u64(w, (uint64_t)q->arrival);
	ipc_put_u64(w, q->content_octets);
	ipc_put_bytes(w, q->reverse_path);
	ipc_put_u32(w, q->n_recipients);
	ipc_put_u16(w, q->n_listed);
}

int
queue_row_get(struct ipc_reader *r, struct queue_row *q)
{
	q->queue_id = ipc_get_u64(r);
	q->state = (enum queue_row_state)ipc_get_u8(r);
	q->arrival = (int64_t)ipc_get_u64(r);
	q->content_octets = ipc_get_u64(r);
	q->reverse_path = ipc_get_bytes(r, QUEUE_DESTINATION_MAX);
	q->n_recipients = ipc_get_u32(r);
	q->n_listed = ipc_get_u16(r);
	if (q->state < QUEUE_ROW_ACTIVE || q->state > QUEUE_ROW_HELD ||
	    q->n_listed > q->n_recipients)
		r->failed = true;
	return r->failed ? -1 : 0;
}

void
queue_recipient_row_put(struct ipc_writer *w,
    const struct queue_recipient_row *q)
{
	ipc_put_u32(w, q->number);
	ipc_put_u32(w, q->attempts);
	ipc_put_u64(w, (uint64_t)q->next_attempt);
	ipc_put_bytes(w, q->address);
	ipc_put_bytes(w, q->reason);
	ipc_put_bytes(w, q->route);
	ipc_put_u64(w, (uint64_t)q->rests_until);
}

int
queue_recipient_row_get(struct ipc_reader *r, struct queue_recipient_row *q)
{
	q->number = ipc_get_u32(r);
	q->attempts = ipc_get_u32(r);
	q->next_attempt = (int64_t)ipc_get_u64(r);
	q->address = ipc_get_bytes(r, QUEUE_DESTINATION_MAX);
	q->reason = ipc_get_bytes(r, QUEUE_REASON_MAX);
	q->route = ipc_get_bytes(r, QUEUE_ROUTE_MAX);
	q->rests_until = (int64_t)ipc_get_u64(r);
	return r->failed ? -1 : 0;
}
