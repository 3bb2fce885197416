#include "queue-manager/spool/log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <bsd/stdlib.h>

#include "queue-manager/spool/worker.h"

enum {
	CHUNK_START = 64 * 1024,
	CHUNK_FULL = 2 * 1024 * 1024,	/* a batch is seldom larger */
	CHUNKS_KEPT = 2,
	SPARES_KEPT = 4
};

/* A record in a chunk. */
struct entry {
	size_t		 offset, payload;
	uint16_t	 type, flags;
	uint64_t	 id;
	log_done	*done;
	void		*arg;
};

/* A batch that gathers, or is on its way. */
struct chunk {
	struct job	 job;		/* first: a job is its chunk */
	TAILQ_ENTRY(chunk) entry;
	struct log	*log;
	uint8_t		*buf;
	size_t		 len, size;
	struct entry	*entries;
	size_t		 n, n_max;
	/* For the thread. */
	int		 fd, error;
	size_t		 at;
	uint64_t	 generation, delay_us;
	uint32_t	 batch;
	bool		 with_header;
	uint8_t		 header[SEGMENT_HEADER];
};

TAILQ_HEAD(chunks, chunk);

struct spare {
	uint32_t	number;
	int		fd;
};

/* Making a new segment file. */
struct making {
	struct job	 job;
	struct log	*log;
	const struct spool_files *files;
	size_t		 size;
	uint32_t	 number;
	int		 fd, error;
};

struct log {
	struct log_config c;
	struct log_segment *segments;	/* ascending generation */
	size_t		 n, n_max;
	struct spare	 spares[SPARES_KEPT + 2];
	unsigned	 n_spares;
	struct making	 making;
	bool		 is_making, making_failed;
	uint32_t	 next_number;
	uint64_t	 ordinal;
	struct segment_void voids[SEGMENT_VOIDS_MAX];
	uint32_t	 n_voids;
	struct chunks	 chunks, kept;
	unsigned	 n_kept;
	size_t		 waiting;
	bool		 in_flight;
};

struct log *
log_new(const struct log_config *c)
{
	struct log *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	assert(c->segment_size % SEGMENT_BLOCK == 0 && c->spares >= 1);
	assert(c->spares <= SPARES_KEPT);
	l->c = *c;
	l->next_number = 1;
	l->ordinal = 1;
	TAILQ_INIT(&l->chunks);
	TAILQ_INIT(&l->kept);
	return l;
}

static void
chunk_free(struct chunk *c)
{
	free(c->buf);
	free(c->entries);
	free(c);
}

static void
chunks_free(struct chunks *list)
{
	struct chunk *c;

	while ((c = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, c, entry);
		chunk_free(c);
	}
}

void
log_free(struct log *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n; i++)
		close(l->segments[i].fd);
	for (unsigned i = 0; i < l->n_spares; i++)
		close(l->spares[i].fd);
	chunks_free(&l->chunks);
	chunks_free(&l->kept);
	free(l->segments);
	free(l);
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

/* ---- gathering ---- */

static struct chunk *
chunk_new(struct log *l)
{
	struct chunk *c = TAILQ_FIRST(&l->kept);

	if (c != NULL) {
		TAILQ_REMOVE(&l->kept, c, entry);
		l->n_kept--;
	} else if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->log = l;
	c->len = c->n = 0;
	TAILQ_INSERT_TAIL(&l->chunks, c, entry);
	return c;
}

static void
chunk_keep(struct log *l, struct chunk *c)
{
	if (l->n_kept >= CHUNKS_KEPT || c->size > 2 * CHUNK_FULL) {
		chunk_free(c);
		return;
	}
	TAILQ_INSERT_HEAD(&l->kept, c, entry);
	l->n_kept++;
}

static int
chunk_make_room(struct chunk *c, size_t more)
{
	size_t want = segment_round(c->len + more);
	size_t size = c->size == 0 ? CHUNK_START : c->size;
	struct entry *entries;
	uint8_t *buf;

	if (c->n == c->n_max) {
		entries = reallocarray(c->entries, c->n_max * 2 + 64,
		    sizeof(*entries));
		if (entries == NULL)
			return -1;
		c->entries = entries;
		c->n_max = c->n_max * 2 + 64;
	}
	while (size < want)
		size *= 2;
	if (size == c->size)
		return 0;
	if ((buf = realloc(c->buf, size)) == NULL)
		return -1;
	c->buf = buf;
	c->size = size;
	return 0;
}

static size_t
batch_max(const struct log *l)
{
	return l->c.segment_size - SEGMENT_BLOCK;
}

/* The chunk that a record of that size goes into. */
static struct chunk *
chunk_for(struct log *l, size_t size)
{
	struct chunk *c = TAILQ_LAST(&l->chunks, chunks);
	size_t full = batch_max(l) < CHUNK_FULL ? batch_max(l) : CHUNK_FULL;

	if (c == NULL || (l->in_flight && c == TAILQ_FIRST(&l->chunks)) ||
	    (c->len > 0 && c->len + size > full))
		return chunk_new(l);
	return c;
}

uint8_t *
log_append(struct log *l, enum record_type type, unsigned flags, uint64_t id,
    size_t payload_len, log_done *done, void *arg)
{
	size_t size = record_size(payload_len);
	struct chunk *c;
	uint8_t *payload;

	if (payload_len > RECORD_PAYLOAD_MAX || size > batch_max(l)) {
		errno = EFBIG;
		return NULL;
	}
	if ((c = chunk_for(l, size)) == NULL ||
	    chunk_make_room(c, size) == -1)
		return NULL;
	c->entries[c->n++] = (struct entry){ c->len, payload_len,
	    (uint16_t)type, (uint16_t)flags, id, done, arg };
	payload = c->buf + c->len + RECORD_HEADER;
	c->len += size;
	l->waiting += size;
	return payload;
}

void
log_unappend(struct log *l)
{
	struct chunk *c = TAILQ_LAST(&l->chunks, chunks);

	assert(c != NULL && c->n > 0);
	c->n--;
	c->len = c->entries[c->n].offset;
	l->waiting -= record_size(c->entries[c->n].payload);
}

size_t
log_waiting(const struct log *l)
{
	return l->waiting;
}

bool
log_busy(const struct log *l)
{
	return l->in_flight || l->waiting > 0;
}

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

static struct log_segment *
current(const struct log *l)
{
	if (l->n == 0 || l->segments[l->n - 1].closed)
		return NULL;
	return &l->segments[l->n - 1];
}

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
	return current(l);
}

static void chunk_finish(struct chunk *);
static void chunk_done(struct job *);
static void make_spare(struct log *);

/* No segment is ready.  One is made, unless that has just failed. */
static bool
must_wait(struct log *l)
{
	if (l->n_spares > 0)
		return false;
	if (l->making_failed) {
		l->making_failed = false;
		return false;
	}
	if (!l->is_making)
		make_spare(l);
	return true;
}

static void
submit(struct log *l, struct chunk *c)
{
	struct log_segment *s = current(l);

	c->with_header = false;
	if (s == NULL || s->end + segment_round(c->len) > l->c.segment_size) {
		if (must_wait(l))
			return;
		s = rotate(l, c);
	}
	l->in_flight = true;
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
	struct log_segment *s = current(l);
	struct segment_void v = { c->generation, c->batch };

	assert(s != NULL && s->generation == c->generation);
	s->closed = true;
	log_adopt_void(l, &v);
	l->c.hooks.failed(l->c.ctx, s->number, c->error);
}

static void
segment_advance(struct log *l, const struct chunk *c)
{
	struct log_segment *s = current(l);

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

static void
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
	log_flush(l);
}

void
log_flush(struct log *l)
{
	struct chunk *c = TAILQ_FIRST(&l->chunks);

	if (!l->in_flight && c != NULL && c->n > 0)
		submit(l, c);
}

/* ---- segments ---- */

bool
log_has_room(const struct log *l, size_t len)
{
	const struct log_segment *s = current(l);
	uint64_t free_octets = (uint64_t)l->n_spares * batch_max(l);
	uint64_t reserve = batch_max(l) / 4;

	if (s != NULL)
		free_octets += l->c.segment_size - s->end;
	if (l->is_making && !l->making_failed)
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

static void
make_spare(struct log *l)
{
	l->is_making = true;	/* making_failed: of the one before */
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
log_tend(struct log *l, uint64_t replay)
{
	while (is_tail_dead(l, replay)) {
		struct log_segment s = l->segments[0];

		memmove(l->segments, l->segments + 1,
		    --l->n * sizeof(*l->segments));
		log_adopt_spare(l, s.number, s.fd);
	}
	if (l->n_spares < l->c.spares && !l->is_making)
		make_spare(l);
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
