#include "common/ipc/queue.h"

static size_t
written(const struct ipc_writer *w)
{
	return w->failed ? 0 : w->len;
}

size_t
queue_ids_encode(const struct queue_ids *q, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, 32);
	ipc_put_u64(&w, q->first);
	ipc_put_u32(&w, q->count);
	return written(&w);
}

int
queue_ids_decode(struct slice body, struct queue_ids *q)
{
	struct ipc_reader r;
	uint64_t end;

	ipc_reader_init(&r, body);
	q->first = ipc_get_u64(&r);
	q->count = ipc_get_u32(&r);
	if (ipc_reader_end(&r) == -1 || q->first == 0 || q->count == 0)
		return -1;
	return __builtin_add_overflow(q->first, q->count, &end) ? -1 : 0;
}

size_t
queue_part_encode(const struct queue_part *p, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, QUEUE_SMALL_BODY_MAX);
	ipc_put_u64(&w, p->queue_id);
	ipc_put_u32(&w, p->part);
	ipc_put_u32(&w, p->octets);
	return written(&w);
}

int
queue_part_decode(struct slice body, struct queue_part *p)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	p->queue_id = ipc_get_u64(&r);
	p->part = ipc_get_u32(&r);
	p->octets = ipc_get_u32(&r);
	if (ipc_reader_end(&r) == -1 || p->queue_id == 0 ||
	    p->octets > QUEUE_PART_MAX)
		return -1;
	return 0;
}

size_t
queue_enqueue_encode(const struct queue_enqueue *e, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, QUEUE_ENQUEUE_MAX);
	ipc_put_u64(&w, e->queue_id);
	ipc_put_u32(&w, e->last_part);
	ipc_put_u32(&w, e->last_octets);
	ipc_put_u64(&w, e->content_octets);
	ipc_put_u32(&w, e->envelope_octets);
	ipc_put_bytes(&w, e->envelope);
	return written(&w);
}

/* Sizes that cannot belong together are refused before anyone reads. */
static bool
is_enqueue(const struct queue_enqueue *e)
{
	uint64_t before = (uint64_t)e->last_part * QUEUE_PART_MAX;
	bool inside = e->envelope_octets <= QUEUE_ENVELOPE_INLINE;

	return e->queue_id != 0 && e->last_octets <= QUEUE_PART_MAX &&
	    e->content_octets >= e->last_octets &&
	    e->content_octets - e->last_octets <= before &&
	    e->envelope_octets <= ENVELOPE_MAX &&
	    e->envelope.len == (inside ? e->envelope_octets : 0);
}

int
queue_enqueue_decode(struct slice body, struct queue_enqueue *e)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	e->queue_id = ipc_get_u64(&r);
	e->last_part = ipc_get_u32(&r);
	e->last_octets = ipc_get_u32(&r);
	e->content_octets = ipc_get_u64(&r);
	e->envelope_octets = ipc_get_u32(&r);
	e->envelope = ipc_get_bytes(&r, QUEUE_ENVELOPE_INLINE);
	if (ipc_reader_end(&r) == -1 || !is_enqueue(e))
		return -1;
	return 0;
}

size_t
queue_id_encode(uint64_t queue_id, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, QUEUE_SMALL_BODY_MAX);
	ipc_put_u64(&w, queue_id);
	return written(&w);
}

int
queue_id_decode(struct slice body, uint64_t *queue_id)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	*queue_id = ipc_get_u64(&r);
	return ipc_reader_end(&r) == -1 || *queue_id == 0 ? -1 : 0;
}

static bool
is_refused(const struct queue_refused *q)
{
	for (size_t i = 0; i < q->text.len; i++)
		if (q->text.at[i] < ' ' || q->text.at[i] > '~')
			return false;
	return q->text.len <= QUEUE_TEXT_MAX && q->code >= 400 &&
	    q->code <= 599 && q->enhanced[0] == q->code / 100;
}

size_t
queue_refused_encode(const struct queue_refused *q, void *buf)
{
	struct ipc_writer w;

	if (!is_refused(q))
		return 0;
	ipc_writer_init(&w, buf, QUEUE_REFUSED_MAX);
	ipc_put_u64(&w, q->queue_id);
	ipc_put_u16(&w, q->code);
	ipc_put_raw(&w, q->enhanced, sizeof(q->enhanced));
	ipc_put_bytes(&w, q->text);
	return written(&w);
}

int
queue_refused_decode(struct slice body, struct queue_refused *q)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	q->queue_id = ipc_get_u64(&r);
	q->code = ipc_get_u16(&r);
	ipc_get_raw(&r, q->enhanced, sizeof(q->enhanced));
	q->text = ipc_get_bytes(&r, QUEUE_TEXT_MAX);
	return ipc_reader_end(&r) == -1 || !is_refused(q) ? -1 : 0;
}

static bool
is_flush_ask(const struct queue_flush_ask *a)
{
	for (size_t i = 0; i < a->name.len; i++)
		if (a->name.at[i] <= ' ' || a->name.at[i] > '~')
			return false;
	return a->kind >= QUEUE_FLUSH_DOMAIN && a->kind <= QUEUE_FLUSH_ROUTE &&
	    a->name.len > 0 && a->name.len <= QUEUE_FLUSH_NAME_MAX;
}

size_t
queue_flush_ask_encode(const struct queue_flush_ask *a, void *buf)
{
	struct ipc_writer w;

	if (!is_flush_ask(a))
		return 0;
	ipc_writer_init(&w, buf, QUEUE_FLUSH_BODY_MAX);
	ipc_put_u8(&w, (uint8_t)a->kind);
	ipc_put_bytes(&w, a->name);
	return written(&w);
}

int
queue_flush_ask_decode(struct slice body, struct queue_flush_ask *a)
{
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	a->kind = (enum queue_flush_kind)ipc_get_u8(&r);
	a->name = ipc_get_bytes(&r, QUEUE_FLUSH_NAME_MAX);
	return ipc_reader_end(&r) == -1 || !is_flush_ask(a) ? -1 : 0;
}

size_t
queue_flush_answer_encode(const struct queue_flush_answer *a, void *buf)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, QUEUE_SMALL_BODY_MAX);
	ipc_put_u8(&w, (uint8_t)a->verdict);
	ipc_put_u32(&w, a->waiting);
	ipc_put_u8(&w, a->more);
	return written(&w);
}

int
queue_flush_answer_decode(struct slice body, struct queue_flush_answer *a)
{
	struct ipc_reader r;
	uint8_t verdict, more;

	ipc_reader_init(&r, body);
	verdict = ipc_get_u8(&r);
	a->waiting = ipc_get_u32(&r);
	more = ipc_get_u8(&r);
	a->verdict = (enum queue_flush_verdict)verdict;
	a->more = more != 0;
	return ipc_reader_end(&r) == -1 || verdict < QUEUE_FLUSH_BEGUN ||
	    verdict > QUEUE_FLUSH_BUSY || more > 1 ? -1 : 0;
}
