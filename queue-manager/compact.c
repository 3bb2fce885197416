/*
 * Old segments with little in them that lives: what lives is written again at
 * the end of the log, and then the segment is free.
 *
 * Segments are freed oldest first (L4 of log.h), so it is the oldest that is
 * compacted, whatever lives in it; that is worth it when the log as a whole
 * takes twice the room of what lives in it.  A record costs then at most one
 * rewriting for each time the log is filled.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log/log.h"
#include "queue-manager/queue.h"

enum {
	SEGMENTS_MIN = 4,	/* a log this short is left alone */
	UNDER_WAY_MAX = 32,	/* records */
	RECORDS_A_TURN = 64	/* looked at, living or not */
};

/* A message on its way to a new place. */
struct move {
	struct queue	*q;
	struct message	*m;
	struct event_message event;	/* its lengths are those of the record */
};

static void
move_done(void *arg, int error, const struct place *place)
{
	struct move *v = arg;

	v->q->compact_under_way--;
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
	*v = (struct move){ q, m, *old };
	v->event.state = state;
	size = event_message_size(&v->event);
	to = log_append(q->log, RECORD_MESSAGE, RECORD_MOVED, m->id, size,
	    move_done, v);
	if (to == NULL) {
		free(v);
		return -1;
	}
	head = event_message_put(&v->event, to, size);
	memcpy(to + head, old->content.at, old->content.len);
	m->pins++;
	q->compact_under_way++;
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
static int
move_message(struct queue *q, const struct record *r, const struct place *p)
{
	struct message *m = queue_load(q, r->id);
	struct event_message e;
	uint8_t *state;
	size_t len;
	int error;

	if (m == NULL || !is_at(m, p) || m->listed || m->pins > 0)
		return 0;
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
	if (peek.type == RECORD_MESSAGE) {
		octets = log_read(q->log, &p, &r);
		if (octets == NULL && errno == EBADMSG) {
			q->compact_at += RECORD_ALIGN;
			return true;
		}
		if (octets == NULL || move_message(q, &r, &p) == -1) {
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
	return tail != NULL && tail->closed && tail->live > 0 &&
	    log_n_segments(q->log) > SEGMENTS_MIN &&
	    log_used(q->log) > 2 * log_live(q->log);
}

void
queue_compact(struct queue *q)
{
	const struct log_segment *tail = log_tail(q->log);

	if (!is_worth_it(q, tail) || !log_has_room(q->log, 0)) {
		q->compacting = 0;
		return;
	}
	if (q->compacting != tail->generation) {
		q->compacting = tail->generation;
		q->compact_at = SEGMENT_BLOCK;
	}
	for (unsigned i = 0; i < RECORDS_A_TURN &&
	    q->compact_under_way < UNDER_WAY_MAX; i++) {
		if (q->compact_at >= tail->end) {
			/* What was listed then may be moved next time. */
			if (q->compact_under_way == 0)
				q->compact_at = SEGMENT_BLOCK;
			break;
		}
		if (!step(q, tail))
			break;
	}
	log_flush(q->log);
}
