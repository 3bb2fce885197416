/* The segments that a log has: in use, spare, being made.  See log.h, L4, L5. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bsd/stdlib.h>

#include "queue-manager/spool/log_private.h"

struct log_segment *
log_current(const struct log *l)
{
	if (l->n == 0 || l->segments[l->n - 1].closed)
		return NULL;
	return &l->segments[l->n - 1];
}

static void
number_seen(struct log *l, uint32_t number)
{
	if (number >= l->next_number)
		l->next_number = number + 1;
}

int
log_adopt(struct log *l, const struct log_segment *s)
{
	struct log_segment *more;

	assert(l->n == 0 || l->segments[l->n - 1].generation < s->generation);
	if (l->n == l->n_max) {
		more = reallocarray(l->segments, l->n_max + 32, sizeof(*more));
		if (more == NULL)
			return -1;
		l->segments = more;
		l->n_max += 32;
	}
	l->segments[l->n++] = *s;
	number_seen(l, s->number);
	if (generation_ordinal(s->generation) >= l->ordinal)
		l->ordinal = generation_ordinal(s->generation) + 1;
	return 0;
}

int
log_adopt_spare(struct log *l, uint32_t number, int fd)
{
	number_seen(l, number);
	if (l->n_spares >= SPARES_KEPT) {
		close(fd);
		return segment_file_remove(l->c.files, number);
	}
	l->spares[l->n_spares++] = (struct spare){ number, fd };
	return 0;
}

void
log_adopt_void(struct log *l, const struct segment_void *v)
{
	for (uint32_t i = 0; i < l->n_voids; i++)
		if (l->voids[i].generation == v->generation)
			return;
	if (l->n_voids < SEGMENT_VOIDS_MAX)
		l->voids[l->n_voids++] = *v;
}

bool
log_has_room(const struct log *l, size_t len)
{
	const struct log_segment *s = log_current(l);
	uint64_t free_octets = (uint64_t)l->n_spares * batch_max(l);
	uint64_t reserve = batch_max(l) / 4;

	if (s != NULL)
		free_octets += l->c.segment_size - s->end;
	/* One is being made, or will be when the first batch needs it. */
	if (!l->making_failed)
		free_octets += batch_max(l);
	return free_octets > reserve + l->waiting + len;
}

struct place
log_end(const struct log *l)
{
	const struct log_segment *s = l->n > 0 ? &l->segments[l->n - 1] : NULL;

	if (s == NULL)
		return (struct place){ 0 };
	return (struct place){ s->generation, (uint32_t)s->end, 0 };
}

uint64_t
log_used(const struct log *l)
{
	return (uint64_t)l->n * l->c.segment_size;
}

uint64_t
log_live(const struct log *l)
{
	uint64_t live = 0;

	for (size_t i = 0; i < l->n; i++)
		live += l->segments[i].live;
	return live;
}

const struct log_segment *
log_segment(const struct log *l, uint64_t generation)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (l->segments[mid].generation == generation)
			return &l->segments[mid];
		if (l->segments[mid].generation < generation)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

void
log_segment_found(struct log *l, uint64_t generation, size_t end,
    uint32_t batches, bool clean)
{
	struct log_segment *s =
	    (struct log_segment *)log_segment(l, generation);

	assert(s != NULL);
	s->end = segment_round(end);
	s->batches = batches;
	s->clean = clean;
}

/* With a void in it, it stays closed for good (L3). */
void
log_reopen_last(struct log *l)
{
	struct log_segment *s = l->n > 0 ? &l->segments[l->n - 1] : NULL;

	if (s == NULL || !s->clean)
		return;
	for (uint32_t i = 0; i < l->n_voids; i++)
		if (l->voids[i].generation == s->generation)
			return;
	s->closed = false;
}

void
log_live_set(struct log *l, uint64_t generation, uint64_t live)
{
	struct log_segment *s =
	    (struct log_segment *)log_segment(l, generation);

	if (s != NULL)
		s->live = live;
}

void
log_live_add(struct log *l, const struct place *p)
{
	struct log_segment *s =
	    (struct log_segment *)log_segment(l, p->generation);

	if (s != NULL)
		s->live += record_size(p->payload);
}

void
log_live_drop(struct log *l, const struct place *p)
{
	struct log_segment *s =
	    (struct log_segment *)log_segment(l, p->generation);

	if (s == NULL)
		return;
	assert(s->live >= record_size(p->payload));
	s->live -= record_size(p->payload);
}

const struct log_segment *
log_tail(const struct log *l)
{
	return l->n > 0 ? &l->segments[0] : NULL;
}

size_t
log_n_segments(const struct log *l)
{
	return l->n;
}

const struct log_segment *
log_segment_at(const struct log *l, size_t i)
{
	return &l->segments[i];
}

static void
making_run(struct job *j)
{
	struct making *m = (struct making *)j;

	m->fd = segment_file_create(m->files, m->number, m->size);
	m->error = m->fd == -1 ? errno : 0;
}

static void
making_done(struct job *j)
{
	struct making *m = (struct making *)j;
	struct log *l = m->log;

	l->is_making = false;
	l->making_failed = m->fd == -1;
	if (m->fd != -1)
		log_adopt_spare(l, m->number, m->fd);
	log_flush(l);
}

void
log_make_spare(struct log *l)
{
	/* making_failed speaks of the one before until this one is done. */
	l->is_making = true;
	l->making = (struct making){
		.job = { .run = making_run, .done = making_done },
		.log = l, .files = l->c.files, .size = l->c.segment_size,
		.number = l->next_number++,
	};
	worker_submit(l->c.disk, &l->making.job);
}

/* L4 */
static bool
is_tail_dead(const struct log *l, uint64_t replay)
{
	return l->n > 0 && l->segments[0].closed &&
	    l->segments[0].live == 0 && l->segments[0].generation < replay;
}

void
log_top_up(struct log *l)
{
	if (l->n_spares < l->c.spares && !l->is_making && !l->making_failed)
		log_make_spare(l);
}

void
log_tend(struct log *l, uint64_t replay)
{
	while (is_tail_dead(l, replay)) {
		struct log_segment s = l->segments[0];

		memmove(l->segments, l->segments + 1,
		    --l->n * sizeof(*l->segments));
		log_adopt_spare(l, s.number, s.fd);
	}
	log_top_up(l);
}

void
log_try_again(struct log *l)
{
	if (l->making_failed && !l->is_making)
		log_make_spare(l);
}

uint8_t *
log_read(const struct log *l, const struct place *p, struct record *r)
{
	const struct log_segment *s = log_segment(l, p->generation);
	size_t len = record_size(p->payload);
	uint8_t *buf;

	if (s == NULL) {
		errno = ENOENT;
		return NULL;
	}
	if ((buf = malloc(len)) == NULL)
		return NULL;
	errno = pread_all(s->fd, buf, len, p->offset);
	if (errno == 0 && record_decode(slice_of(buf, len), p->generation,
	    r) != PARSE_OK)
		errno = EBADMSG;
	if (errno == 0)
		return buf;
	int error = errno;
	free(buf);
	errno = error;
	return NULL;
}
