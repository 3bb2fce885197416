/* One batch on its way to the disk.  See log.h, L1 to L3. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <bsd/stdlib.h>

#include "queue-manager/spool/log_private.h"

/* ---- the batch on its way: in the thread ---- */

static void
chunk_seal(struct chunk *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct entry *e = &c->entries[i];
		struct record r = {
			.type = e->type, .flags = e->flags,
			.batch = c->batch, .id = e->id,
			.generation = c->generation,
			.payload = slice_of(NULL, e->payload),
		};

		if (i + 1 == c->n)
			r.flags |= RECORD_LAST;
		record_seal(c->buf + e->offset, &r);
	}
	memset(c->buf + c->len, 0, segment_round(c->len) - c->len);
}

static void
delay(uint64_t us)
{
	struct timespec t = { (time_t)(us / 1000000),
	    (long)(us % 1000000) * 1000 };

	if (us > 0)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

static void
chunk_run(struct job *j)
{
	struct chunk *c = (struct chunk *)j;

	chunk_seal(c);
	c->error = 0;
	if (c->with_header)
		c->error = pwrite_all(c->fd, c->header, SEGMENT_HEADER, 0);
	if (c->error == 0)
		c->error = pwrite_all(c->fd, c->buf, segment_round(c->len),
		    (off_t)c->at);
	if (c->error == 0 && fdatasync(c->fd) == -1)
		c->error = errno;
	delay(c->delay_us);
}

/* ---- before and after: in the event loop ---- */

static void
voids_forget(struct log *l, uint64_t below)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < l->n_voids; i++)
		if (l->voids[i].generation >= below)
			l->voids[kept++] = l->voids[i];
	l->n_voids = kept;
}

static void
header_make(struct log *l, uint64_t generation, struct segment_header *h)
{
	*h = (struct segment_header){ .generation = generation,
	    .size = l->c.segment_size,
	    .tail = l->n > 0 ? l->segments[0].generation : generation };
	voids_forget(l, h->tail);
	memcpy(h->voids, l->voids, sizeof(l->voids));
	h->n_voids = l->n_voids;
	l->c.hooks.header(l->c.ctx, h);
}

/* Begin a fresh segment with this batch. */
static struct log_segment *
rotate(struct log *l, struct chunk *c)
{
	struct log_segment s = { .end = SEGMENT_BLOCK };
	struct segment_header h;

	if (l->n > 0)
		l->segments[l->n - 1].closed = true;
	if (l->n_spares == 0 || l->n_voids == SEGMENT_VOIDS_MAX)
		return NULL;
	s.generation = (l->ordinal << GENERATION_RANDOM_BITS) |
	    ((uint64_t)arc4random() << 8 | arc4random_uniform(256));
	header_make(l, s.generation, &h);
	segment_header_encode(&h, c->header);
	c->with_header = true;
	s.number = l->spares[0].number;
	s.fd = l->spares[0].fd;
	if (log_adopt(l, &s) == -1)
		return NULL;
	memmove(l->spares, l->spares + 1, --l->n_spares * sizeof(*l->spares));
	/* A burst may fill this one before the next tick. */
	log_top_up(l);
	return log_current(l);
}

static void chunk_finish(struct chunk *);
static void chunk_done(struct job *);

/* No segment is ready: one is made, unless that has failed lately. */
static bool
must_wait(struct log *l)
{
	if (l->n_spares > 0)
		return false;
	log_top_up(l);
	return l->is_making;
}

/* One step for a chunk that cannot go out. */
static void	/* NOLINTNEXTLINE(misc-no-recursion) */
submit(struct log *l, struct chunk *c)
{
	struct log_segment *s = log_current(l);

	c->with_header = false;
	if (s == NULL || s->end + segment_round(c->len) > l->c.segment_size) {
		if (must_wait(l))
			return;
		s = rotate(l, c);
	}
	l->in_flight = true;
	l->wanted = TAILQ_NEXT(c, entry) != NULL;
	if (s == NULL) {
		c->fd = -1;
		c->error = ENOSPC;
		chunk_finish(c);
		return;
	}
	c->fd = s->fd;
	c->at = s->end;
	c->generation = s->generation;
	c->batch = s->batches + 1;
	c->delay_us = l->c.sync_delay_us;
	c->job = (struct job){ .run = chunk_run, .done = chunk_done };
	worker_submit(l->c.sync, &c->job);
}

/* L3 */
static void
segment_failed(struct log *l, const struct chunk *c)
{
	struct log_segment *s = log_current(l);
	struct segment_void v = { c->generation, c->batch };

	assert(s != NULL && s->generation == c->generation);
	s->closed = true;
	log_adopt_void(l, &v);
	l->c.hooks.failed(l->c.ctx, s->number, c->error);
}

static void
segment_advance(struct log *l, const struct chunk *c)
{
	struct log_segment *s = log_current(l);

	assert(s != NULL && s->generation == c->generation);
	assert(s->batches + 1 == c->batch && s->end == c->at);	/* L1 */
	s->end += segment_round(c->len);
	s->batches = c->batch;
}

static void
chunk_done(struct job *j)
{
	struct chunk *c = (struct chunk *)j;

	if (c->error == 0)
		segment_advance(c->log, c);
	else
		segment_failed(c->log, c);
	chunk_finish(c);
}

/* One step for a chunk that cannot go out. */
static void	/* NOLINTNEXTLINE(misc-no-recursion) */
chunk_finish(struct chunk *c)
{
	struct log *l = c->log;

	assert(c == TAILQ_FIRST(&l->chunks) && l->in_flight);
	TAILQ_REMOVE(&l->chunks, c, entry);
	l->in_flight = false;
	for (size_t i = 0; i < c->n; i++) {
		const struct entry *e = &c->entries[i];
		struct place p = { c->generation,
		    (uint32_t)(c->at + e->offset), (uint32_t)e->payload };

		l->waiting -= record_size(e->payload);
		if (e->done != NULL)
			e->done(e->arg, c->error, c->error ? NULL : &p);
	}
	chunk_keep(l, c);
	if (l->wanted)
		log_flush(l);
}

void	/* NOLINTNEXTLINE(misc-no-recursion): see submit() */
log_flush(struct log *l)
{
	struct chunk *c = TAILQ_FIRST(&l->chunks);

	if (l->in_flight)
		l->wanted = true;
	else if (c != NULL && c->n > 0)
		submit(l, c);
}
