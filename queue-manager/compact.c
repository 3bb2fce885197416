/*
 * Old segments with little in them that lives: what lives is written again at
 * the end of the log, and then the segment is free.
 *
 * Segments are freed oldest first (L4 of log.h), so it is the oldest that is
 * compacted, whatever lives in it; that is worth it when the log as a whole
 * takes twice the room of what lives in it, and SLACK segments more than that.
 * A record costs then at most one rewriting for each time the log is filled.
 *
 * A step is taken with every batch that reaches the disk, so that the oldest
 * segment is through about as soon as another is full.  Otherwise mail that
 * waits for long would keep all segments behind it, dead as they are, and each
 * that is needed would be made anew: its zeros are another 32 MB on their way
 * to the disk, in front of somebody's 250.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log/log.h"
#include "queue-manager/queue.h"

enum {
	SLACK = 12,		/* segments; a log this short is left alone */
	UNDER_WAY_MAX = 1 << 20, /* octets */
	RECORDS_A_TURN = 256,	/* looked at, living or not */
	REST_MS = 1000		/* after a pass in which nothing moved */
};

/* A message on its way to a new place. */
struct move {
	struct queue	*q;
	struct message	*m;
	size_t		 octets;
	struct event_message event;	/* its lengths are those of the record */
};

static void
move_done(void *arg, int error, const struct place *place)
{
	struct move *v = arg;

	v->q->compact_under_way -= v->octets;
	if (error == 0 && !v->m->over)
		queue_apply_message(v->q, v->m->id, &v->event, place, true,
		    true);
	message_unpin(v->m);
	free(v);
}

static uint8_t *
state_octets(const struct message *m, size_t *len)
{
	struct ipc_writer w;
	uint8_t *octets;

	*len = message_state_size(m);
	if ((octets = malloc(*len)) == NULL)
		return NULL;
	ipc_writer_init(&w, octets, *len);
	message_state_put(&w, m);
	return octets;
}

/* old: its record as it stands; state: as it is now. */
static int
append_move(struct queue *q, struct message *m,
    const struct event_message *old, struct slice state)
{
	struct move *v = malloc(sizeof(*v));
	size_t size, head;
	uint8_t *to;

	if (v == NULL)
		return -1;
	*v = (struct move){ .q = q, .m = m, .event = *old };
	v->event.state = state;
	v->octets = size = event_message_size(&v->event);
	to = log_append(q->log, RECORD_MESSAGE, RECORD_MOVED, m->id, size,
	    move_done, v);
	if (to == NULL) {
		free(v);
		return -1;
	}
	head = event_message_put(&v->event, to, size);
	memcpy(to + head, old->content.at, old->content.len);
	m->pins++;
	q->compact_under_way += size;
	q->compact_moved++;
	return 0;
}

static bool
is_at(const struct message *m, const struct place *p)
{
	return m->place.generation == p->generation &&
	    m->place.offset == p->offset;
}

/*
 * The record carries the state as it is now.  A change that stands before it
 * in the log but is not applied yet would be lost with the old segment, so a
 * message with anything under way (pins) waits for the next pass.
 */
static struct message *
to_be_moved(struct queue *q, uint64_t id, const struct place *p)
{
	bool was_here = queue_find(q, id) != NULL;
	struct message *m = queue_load(q, id);

	if (m == NULL)
		return NULL;
	if (is_at(m, p) && !m->listed && m->pins == 0)
		return m;
	if (!was_here)
		queue_unload(q, m);
	return NULL;
}

static int
move_message(struct queue *q, struct message *m, const struct record *r)
{
	struct event_message e;
	uint8_t *state;
	size_t len;
	int error;

	if (event_message_get(r->payload, &e) == -1 ||
	    (state = state_octets(m, &len)) == NULL)
		return -1;
	error = append_move(q, m, &e, slice_of(state, len));
	free(state);
	return error;
}

/* One record of the segment; false: not now. */
static bool
step(struct queue *q, const struct log_segment *s)
{
	uint8_t head[RECORD_HEADER];
	struct record_peek peek;
	struct place p = { s->generation, (uint32_t)q->compact_at, 0 };
	struct message *m;
	struct record r;
	uint8_t *octets;

	if (pread_all(s->fd, head, sizeof(head), (off_t)q->compact_at) != 0)
		return false;
	record_peek(head, &peek);
	if (peek.generation != s->generation ||
	    peek.payload > RECORD_PAYLOAD_MAX) {
		q->compact_at += RECORD_ALIGN;	/* damage, or the gap */
		return true;
	}
	p.payload = (uint32_t)peek.payload;
	if (peek.type == RECORD_MESSAGE &&
	    (m = to_be_moved(q, peek.id, &p)) != NULL) {
		octets = log_read(q->log, &p, &r);
		if (octets == NULL && errno == EBADMSG) {
			q->compact_at += RECORD_ALIGN;
			return true;
		}
		if (octets == NULL || r.id != m->id ||
		    move_message(q, m, &r) == -1) {
			free(octets);
			return false;
		}
		free(octets);
	}
	q->compact_at += record_size(peek.payload);
	if (peek.flags & RECORD_LAST)
		q->compact_at = segment_round(q->compact_at);
	return true;
}

static bool
is_worth_it(const struct queue *q, const struct log_segment *tail)
{
	uint64_t used = log_used(q->log), live = log_live(q->log);

	return tail != NULL && tail->closed && tail->live > 0 &&
	    log_n_segments(q->log) > SLACK && used > 2 * live &&
	    used - live > SLACK * q->config.segment_size;
}

static void
begin_pass(struct queue *q)
{
	q->compact_at = SEGMENT_BLOCK;
	q->compact_moved = 0;
}

/* What was listed or under way may be moved next time; where that was all, the
 * next pass waits for it to change. */
static void
end_pass(struct queue *q)
{
	if (q->compact_under_way > 0)
		return;
	if (q->compact_moved == 0)
		q->compact_rest_ms = queue_now(q) + REST_MS;
	begin_pass(q);
}

void
queue_compact(struct queue *q, size_t memory_max)
{
	const struct log_segment *tail = log_tail(q->log);

	if (!is_worth_it(q, tail) || !log_has_room(q->log, 0)) {
		q->compacting = 0;
		return;
	}
	if (q->compacting != tail->generation) {
		q->compacting = tail->generation;
		q->compact_rest_ms = 0;
		begin_pass(q);
	}
	if (queue_now(q) < q->compact_rest_ms)
		return;
	for (unsigned i = 0; i < RECORDS_A_TURN &&
	    q->compact_under_way < UNDER_WAY_MAX &&
	    q->n_memory < memory_max; i++) {
		if (q->compact_at >= tail->end) {
			end_pass(q);
			break;
		}
		if (!step(q, tail))
			break;
	}
}
