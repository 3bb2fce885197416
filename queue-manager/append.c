/* Records on their way into the log.  See queue.h. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/checksum/crc32c.h"
#include "common/log/log.h"
#include "queue-manager/queue.h"

enum { IDS_RESERVED = 4 * 1024 * 1024 };	/* by which the ceiling rises */

/* A record that waits to be durable, with what is to be applied then. */
struct pending {
	struct queue	*q;
	struct record	 record;	/* payload: octets below, or borrowed */
	queue_done	*done;
	void		*arg;
	struct message	*pinned;
	size_t		 len;
	uint8_t		 octets[];
};

static void
pending_done(void *arg, int error, const struct place *place)
{
	struct pending *p = arg;

	if (error == 0) {
		p->record.generation = place->generation;
		p->record.payload = slice_of(p->octets, p->len);
		queue_apply(p->q, &p->record, place, true);
	}
	if (p->pinned != NULL)
		message_unpin(p->pinned);
	if (p->done != NULL)
		p->done(p->arg, error);
	free(p);
}

static struct pending *
pending_new(struct queue *q, enum record_type type, uint64_t id, size_t size,
    queue_done *done, void *arg)
{
	struct pending *p = malloc(sizeof(*p) + size);

	if (p == NULL)
		return NULL;
	*p = (struct pending){ .q = q, .done = done, .arg = arg,
	    .record = { .type = (uint16_t)type, .id = id } };
	return p;
}

/* p->octets[0..len) is the payload. */
static int
pending_append(struct pending *p, size_t len, struct message *m)
{
	uint8_t *to = log_append(p->q->log, p->record.type, p->record.flags,
	    p->record.id, len, pending_done, p);

	if (to == NULL) {
		int error = errno;
		free(p);
		return error;
	}
	memcpy(to, p->octets, len);
	p->len = len;
	if ((p->pinned = m) != NULL)
		m->pins++;
	return 0;
}

/* ---- messages ---- */

/* The content is on the disk then; memory keeps the envelope alone. */
struct pending_message {
	struct queue	*q;
	struct event_message event;
	uint64_t	 id;
	queue_done	*done;
	void		*arg;
	char		 envelope[];
};

static void
message_done(void *arg, int error, const struct place *place)
{
	struct pending_message *p = arg;

	if (error == 0)
		queue_apply_message(p->q, p->id, &p->event, place, false,
		    true);
	p->done(p->arg, error);
	free(p);
}

static int
content_read(const struct queue_content *c, uint8_t *to)
{
	if (c->large)
		return 0;
	if (c->fd != -1)
		return pread_all(c->fd, to, c->size, 0);
	memcpy(to, c->octets, c->size);
	return 0;
}

static struct pending_message *
pending_message_new(struct queue *q, uint64_t id, struct slice envelope,
    const struct queue_content *c)
{
	struct pending_message *p = malloc(sizeof(*p) + envelope.len);

	if (p == NULL)
		return NULL;
	memcpy(p->envelope, envelope.at, envelope.len);
	p->q = q;
	p->id = id;
	p->event = (struct event_message){
		.arrival_ms = queue_now(q), .content_octets = c->size,
		.content_crc = c->crc, .large = c->large,
		.origin = c->may_relay ? EVENT_ORIGIN_MAY_RELAY :
		    EVENT_ORIGIN_OTHER,
		.envelope = slice_of(p->envelope, envelope.len),
	};
	return p;
}

int
queue_put_message(struct queue *q, uint64_t id, struct slice envelope,
    const struct queue_content *c, queue_done *done, void *arg)
{
	struct pending_message *p = pending_message_new(q, id, envelope, c);
	size_t size, head;
	uint8_t *to;
	int error;

	if (p == NULL)
		return ENOMEM;
	p->done = done;
	p->arg = arg;
	size = event_message_size(&p->event);
	to = log_append(q->log, RECORD_MESSAGE, 0, id, size, message_done, p);
	if (to == NULL) {
		error = errno;
		free(p);
		return error;
	}
	head = event_message_put(&p->event, to, size);
	if ((error = content_read(c, to + head)) != 0) {
		log_unappend(q->log);
		free(p);
	}
	return error;
}

/* ---- what happens to them ---- */

static size_t
expanded_size(const struct slice *addresses, uint32_t n)
{
	size_t size = 3 * sizeof(uint32_t);

	for (uint32_t i = 0; i < n; i++)
		size += sizeof(uint32_t) + addresses[i].len;
	return size;
}

int
queue_put_expanded(struct queue *q, struct message *m, uint32_t number,
    const struct slice *addresses, uint32_t n, queue_done *done, void *arg)
{
	struct event_expanded e = { .number = number, .first = m->next_number,
	    .count = n };
	size_t size = expanded_size(addresses, n);
	struct pending *p;
	struct ipc_writer w;

	p = pending_new(q, RECORD_EXPANDED, m->id, size, done, arg);
	if (p == NULL)
		return ENOMEM;
	ipc_writer_init(&w, p->octets, size);
	event_expanded_put(&w, &e);
	for (uint32_t i = 0; i < n; i++)
		ipc_put_bytes(&w, addresses[i]);
	assert(!w.failed && w.len == size);
	m->next_number += n;	/* taken, even should this record fail */
	return pending_append(p, size, m);
}

int
queue_put_targets(struct queue *q, struct message *m, uint32_t number,
    const struct event_target *targets, uint32_t n, queue_done *done,
    void *arg)
{
	struct event_expanded e = { .number = number, .first = m->next_number,
	    .count = n };
	size_t size = 3 * sizeof(uint32_t);
	struct pending *p;
	struct ipc_writer w;

	for (uint32_t i = 0; i < n; i++)
		size += event_target_size(&targets[i]);
	p = pending_new(q, RECORD_TARGETS, m->id, size, done, arg);
	if (p == NULL)
		return ENOMEM;
	ipc_writer_init(&w, p->octets, size);
	event_expanded_put(&w, &e);
	for (uint32_t i = 0; i < n; i++)
		event_target_put(&w, &targets[i]);
	assert(!w.failed && w.len == size);
	m->next_number += n;	/* taken, even should this record fail */
	return pending_append(p, size, m);
}

int
queue_put_result(struct queue *q, struct message *m,
    const struct event_result *e, queue_done *done, void *arg)
{
	struct pending *p;
	struct ipc_writer w;

	p = pending_new(q, RECORD_RESULT, m->id, EVENT_RESULT_MAX, done, arg);
	if (p == NULL)
		return ENOMEM;
	ipc_writer_init(&w, p->octets, EVENT_RESULT_MAX);
	event_result_put(&w, e);
	assert(!w.failed);
	return pending_append(p, w.len, m);
}

int
queue_put_hold(struct queue *q, struct message *m, bool held,
    queue_done *done, void *arg)
{
	struct pending *p;
	struct ipc_writer w;

	p = pending_new(q, RECORD_HOLD, m->id, EVENT_SMALL_MAX, done, arg);
	if (p == NULL)
		return ENOMEM;
	ipc_writer_init(&w, p->octets, EVENT_SMALL_MAX);
	event_hold_put(&w, held);
	return pending_append(p, w.len, m);
}

int
queue_put_clock(struct queue *q)
{
	struct clock_mark mark = { queue_now(q), clock_boot_ms(),
	    clock_wall_ms() };
	struct pending *p;
	struct ipc_writer w;

	p = pending_new(q, RECORD_CLOCK, 0, EVENT_SMALL_MAX, NULL, NULL);
	if (p == NULL)
		return ENOMEM;
	ipc_writer_init(&w, p->octets, EVENT_SMALL_MAX);
	event_clock_put(&w, &mark);
	return pending_append(p, w.len, NULL);
}

/* ---- queue ids ---- */

static void
ceiling_raised(void *arg, int error)
{
	struct queue *q = arg;

	(void)error;	/* the next lease tries again */
	q->raising_ceiling = false;
}

static void
raise_ceiling(struct queue *q)
{
	struct pending *p;
	struct ipc_writer w;

	if (q->raising_ceiling)
		return;
	p = pending_new(q, RECORD_IDS, 0, EVENT_SMALL_MAX, ceiling_raised, q);
	if (p == NULL)
		return;
	ipc_writer_init(&w, p->octets, EVENT_SMALL_MAX);
	event_ids_put(&w, q->id_ceiling + IDS_RESERVED);
	q->raising_ceiling = pending_append(p, w.len, NULL) == 0;
	log_flush(q->log);
}

uint32_t
queue_lease_ids(struct queue *q, uint32_t count, uint64_t *first)
{
	uint64_t left = q->id_ceiling - q->next_id;

	assert(q->next_id <= q->id_ceiling);	/* Q5 */
	if (left < IDS_RESERVED / 2)
		raise_ceiling(q);
	/* Something stays for the next peer until the ceiling has risen. */
	if (count > (left + 1) / 2)
		count = (uint32_t)((left + 1) / 2);
	*first = q->next_id;
	q->next_id += count;
	return count;
}
