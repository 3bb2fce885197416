/* Reading the log again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log/log.h"
#include "queue-manager/recover.h"

enum { MEMORY_FULL = 10000 };	/* messages; then the index takes them */

/* A disk that cannot read a block gives zeros: damage like any other. */
static uint8_t *
segment_read(const struct found *f)
{
	uint8_t *octets = calloc(1, f->size);

	for (size_t at = 0; octets != NULL && at < f->size;
	    at += 64 * SEGMENT_BLOCK) {
		size_t n = f->size - at < 64 * SEGMENT_BLOCK ?
		    f->size - at : 64 * SEGMENT_BLOCK;

		if (pread_all(f->fd, octets + at, n, (off_t)at) == 0)
			continue;
		for (size_t b = at; b < at + n; b += SEGMENT_BLOCK)
			if (pread_all(f->fd, octets + b, SEGMENT_BLOCK,
			    (off_t)b) != 0)
				memset(octets + b, 0, SEGMENT_BLOCK);
	}
	return octets;
}

static bool
is_void(const struct recovery *v, const struct record *r)
{
	for (uint32_t i = 0; i < v->n_voids; i++)
		if (v->voids[i].generation == r->generation &&
		    r->batch >= v->voids[i].batch)
			return true;
	return false;
}

static void
set_aside(struct recovery *v, const struct found *f,
    const struct segment_item *item, const uint8_t *octets)
{
	const char *what = item->kind == ITEM_TORN ? "log-tail-cut" :
	    "record-corrupt";

	v->corrupt++;
	log_at(item->kind == ITEM_TORN ? LEVEL_NOTICE : LEVEL_ERROR, what,
	    LOG_NUM("segment", f->number), LOG_NUM("offset", item->offset),
	    LOG_NUM("octets", item->len));
	if (item->len > 0 && corrupt_keep(&v->q->files, f->number,
	    f->generation, item->offset,
	    slice_of(octets + item->offset, item->len)) == -1)
		log_warning("corrupt-not-kept", LOG_ERRNO(errno));
}

/* Everything read so far goes to the index, and out of memory. */
int
flush_to_index(struct queue *q)
{
	int error = 0;

	do {
		error = queue_checkpoint_now(q);
	} while (error == 0 &&
	    (!TAILQ_EMPTY(&q->by_arrival) || q->n_gone > 0));
	queue_sweep(q, 0);
	return error;
}

static bool
is_before(const struct place *a, const struct place *b)
{
	return a->generation < b->generation ||
	    (a->generation == b->generation && a->offset < b->offset);
}

static void
record_replay(struct recovery *v, const struct segment_item *item)
{
	struct place p = { item->record.generation, (uint32_t)item->offset,
	    (uint32_t)item->record.payload.len };

	v->records++;
	if (!is_void(v, &item->record))
		queue_apply(v->q, &item->record, &p,
		    !is_before(&p, &v->meta.end));
}

/* Where in this segment reading begins. */
static size_t
first_offset(const struct recovery *v, const struct found *f)
{
	if (f->generation == v->meta.replay.generation)
		return v->meta.replay.offset;
	return SEGMENT_BLOCK;
}

/* Between batches the state is that of one point of the log. */
static int
position_advance(struct recovery *v, const struct found *f,
    const struct segment_scan *s)
{
	struct place at = { f->generation, (uint32_t)s->at, 0 };
	struct queue *q = v->q;

	if (s->mid_batch)
		return 0;
	if (is_before(&q->position, &at))
		q->position = at;
	if (q->n_memory <= MEMORY_FULL || is_before(&at, &v->meta.end))
		return 0;
	return flush_to_index(q) == 0 ? 0 : -1;
}

/* From its beginning, so that the number of its last batch is known; what
 * stands before the replay position is only passed over. */
static int
segment_scan(struct recovery *v, const struct found *f, uint8_t *octets,
    struct segment_scan *s)
{
	size_t from = first_offset(v, f);
	struct segment_item item;

	segment_scan_begin(s, slice_of(octets, f->size), f->generation, 0);
	do {
		segment_scan_next(s, &item);
		if (item.offset < from && item.kind != ITEM_END &&
		    item.kind != ITEM_TORN)
			continue;	/* the index has it */
		if (item.kind == ITEM_RECORD)
			record_replay(v, &item);
		else if (item.kind != ITEM_END)
			set_aside(v, f, &item, octets);
		if (position_advance(v, f, s) == -1)
			return -1;
	} while (item.kind == ITEM_RECORD || item.kind == ITEM_CORRUPT);
	log_segment_found(v->q->log, f->generation, s->at, s->batch,
	    item.kind == ITEM_END && !f->headless &&
	    f->size == v->q->config.segment_size);
	return 0;
}

static int
segment_replay(struct recovery *v, const struct found *f)
{
	struct segment_scan s;
	uint8_t *octets;
	int ret;

	if (f->generation > v->meta.end.generation && !f->headless)
		v->q->counters = f->header.counters;
	if ((octets = segment_read(f)) == NULL) {
		log_error("segment-unreadable", LOG_NUM("segment", f->number),
		    LOG_ERRNO(errno));
		return -1;
	}
	ret = segment_scan(v, f, octets, &s);
	free(octets);
	/* After a kill it may be whole in memory only.  Now it is durable,
	 * or it is not to be added to. */
	if (ret == 0 && fdatasync(f->fd) == -1) {
		log_error("segment-sync-failed", LOG_NUM("segment", f->number),
		    LOG_ERRNO(errno));
		log_segment_found(v->q->log, f->generation, s.at, s.batch,
		    false);
	}
	return ret;
}

int
log_replay(struct recovery *v)
{
	for (size_t i = 0; i < v->n; i++) {
		const struct found *f = &v->found[i];

		if (!v->rebuild &&
		    f->generation < v->meta.replay.generation) {
			log_segment_found(v->q->log, f->generation, f->size,
			    0, false);
			continue;
		}
		if (segment_replay(v, f) == -1)
			return -1;
	}
	log_reopen_last(v->q->log);
	return 0;
}
