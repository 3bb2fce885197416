/*
 * From what lies on the disk to a queue that works.
 *
 * The index says from where on the log has to be read; without a usable index
 * that is the beginning.  Reading is idempotent (rule R1): every record says
 * what is, and recovery itself writes nothing but the index, copies of damaged
 * octets in corrupt/, and then the first records of normal work.
 */
#include <sys/stat.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bsd/stdlib.h>

#include "common/log/log.h"
#include "queue-manager/queue.h"

enum { MEMORY_FULL = 10000 };	/* messages; then the index takes them */

/* A segment file as it was found. */
struct found {
	uint32_t	number;
	int		fd;
	uint64_t	generation;
	size_t		size;
	struct segment_header header;
	bool		headless;	/* its header is damaged */
};

struct recovery {
	struct queue	*q;
	struct found	*found;
	size_t		 n, n_max;
	uint64_t	 tail;
	struct segment_void voids[SEGMENT_VOIDS_MAX];
	uint32_t	 n_voids;
	struct index_meta meta;
	bool		 rebuild, failed;
	uint64_t	 records, corrupt;
};

/* ---- finding segments ---- */

/* The generation of the first record, where the header is unreadable. */
static uint64_t
guess_generation(int fd, size_t size)
{
	uint8_t *octets = malloc(size);
	struct record_peek peek;
	struct record r;
	uint64_t generation = 0;

	if (octets == NULL || size < SEGMENT_BLOCK + RECORD_HEADER ||
	    pread_all(fd, octets, size, 0) != 0)
		goto out;
	record_peek(octets + SEGMENT_BLOCK, &peek);
	if (record_decode(slice_of(octets + SEGMENT_BLOCK,
	    size - SEGMENT_BLOCK), peek.generation, &r) == PARSE_OK)
		generation = peek.generation;
out:
	free(octets);
	return generation;
}

static void
found_add(struct recovery *v, const struct found *f)
{
	struct found *more;

	if (v->n == v->n_max) {
		more = reallocarray(v->found, v->n_max + 64, sizeof(*more));
		if (more == NULL) {
			v->failed = true;
			close(f->fd);
			return;
		}
		v->found = more;
		v->n_max += 64;
	}
	v->found[v->n++] = *f;
}

static void
spare_add(struct recovery *v, const struct found *f)
{
	if (f->size == v->q->config.segment_size)
		log_adopt_spare(v->q->log, f->number, f->fd);
	else {
		close(f->fd);
		segment_file_remove(&v->q->files, f->number);
	}
}

static void
header_damaged(struct recovery *v, struct found *f)
{
	f->headless = true;
	f->generation = guess_generation(f->fd, f->size);
	v->corrupt++;
	log_error("segment-header-damaged", LOG_NUM("segment", f->number),
	    LOG_BOOL("used", f->generation != 0));
	if (f->generation != 0)
		found_add(v, f);
	else
		close(f->fd);	/* left as it is, for a person to look at */
}

static void
segment_found(void *arg, uint64_t number)
{
	struct recovery *v = arg;
	struct found f = { .number = (uint32_t)number };
	uint8_t head[SEGMENT_HEADER] = { 0 };
	struct stat st;

	f.fd = segment_file_open(&v->q->files, f.number);
	if (f.fd == -1 || fstat(f.fd, &st) == -1) {
		log_error("segment-unreadable", LOG_NUM("segment", number),
		    LOG_ERRNO(errno));
		v->failed = true;
		return;
	}
	f.size = (size_t)st.st_size;
	if (f.size >= SEGMENT_HEADER)
		pread_all(f.fd, head, sizeof(head), 0);
	switch (segment_header_decode(head, &f.header)) {
	case SEGMENT_BLANK:
		spare_add(v, &f);
		break;
	case SEGMENT_UNKNOWN:
		log_error("segment-version-unknown",
		    LOG_NUM("segment", number), LOG_CSTR("remedy",
		    "made by a newer version: use that one"));
		v->failed = true;
		close(f.fd);
		break;
	case SEGMENT_DAMAGED:
		header_damaged(v, &f);
		break;
	case SEGMENT_OK:
		f.generation = f.header.generation;
		found_add(v, &f);
	}
}

static int
found_compare(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->generation < y->generation ? -1 :
	    x->generation > y->generation;
}

static void
voids_add(struct recovery *v, const struct segment_header *h)
{
	for (uint32_t i = 0; i < h->n_voids; i++) {
		log_adopt_void(v->q->log, &h->voids[i]);
		if (v->n_voids < SEGMENT_VOIDS_MAX)
			v->voids[v->n_voids++] = h->voids[i];
	}
}

static void
headers_read(struct recovery *v)
{
	struct queue *q = v->q;

	for (size_t i = 0; i < v->n; i++) {
		const struct segment_header *h = &v->found[i].header;

		if (v->found[i].headless)
			continue;
		if (h->tail > v->tail)
			v->tail = h->tail;
		if (h->id_ceiling > q->id_ceiling)
			q->id_ceiling = h->id_ceiling;
		if (h->clock.spool_ms > q->last_mark.spool_ms)
			q->last_mark = h->clock;
		q->nonce = h->nonce;
	}
	if (v->n > 0)
		voids_add(v, &v->found[v->n - 1].header);
}

/* Segments that were given up go to the spares; the others to the log. */
static int
segments_adopt(struct recovery *v)
{
	size_t kept = 0;

	for (size_t i = 0; i < v->n; i++) {
		struct found *f = &v->found[i];
		struct log_segment s = { .number = f->number,
		    .generation = f->generation, .fd = f->fd,
		    .end = SEGMENT_BLOCK, .closed = true };

		if (f->generation < v->tail) {
			spare_add(v, f);
			continue;
		}
		if (kept > 0 &&
		    v->found[kept - 1].generation == f->generation) {
			log_error("segment-twice", LOG_NUM("segment",
			    f->number));
			close(f->fd);
			continue;
		}
		if (log_adopt(v->q->log, &s) == -1)
			return -1;
		v->found[kept++] = *f;
	}
	v->n = kept;
	return 0;
}

static int
segments_find(struct recovery *v)
{
	if (files_each(v->q->files.segments, 16, segment_found, v) == -1) {
		log_error("spool-unreadable", LOG_ERRNO(errno));
		return -1;
	}
	if (v->failed)
		return -1;
	if (v->n > 0)
		qsort(v->found, v->n, sizeof(*v->found), found_compare);
	headers_read(v);
	while (v->q->nonce == 0)
		arc4random_buf(&v->q->nonce, sizeof(v->q->nonce));
	return segments_adopt(v);
}

/* ---- the index ---- */

static bool
is_index_usable(struct recovery *v)
{
	const struct index_meta *m = &v->meta;
	struct queue *q = v->q;

	if (!index_get_meta(q->index, &v->meta))
		return false;
	if (m->nonce != q->nonce)
		return false;
	if (m->end.generation == 0)
		return true;
	return log_segment(q->log, m->replay.generation) != NULL &&
	    log_segment(q->log, m->end.generation) != NULL;
}

static void
index_adopt(struct recovery *v)
{
	const struct index_meta *m = &v->meta;
	size_t n, max = log_n_segments(v->q->log) + 64;
	struct index_live *live = calloc(max, sizeof(*live));
	struct queue *q = v->q;

	q->replay = m->replay;
	q->position = m->end;
	q->counters = m->counters;
	q->open = m->open;
	q->held = m->held;
	q->n_messages = m->messages;
	if (m->id_ceiling > q->id_ceiling)
		q->id_ceiling = m->id_ceiling;
	if (m->clock.spool_ms > q->last_mark.spool_ms)
		q->last_mark = m->clock;
	n = live == NULL ? 0 : index_get_live(q->index, live, max);
	for (size_t i = 0; i < n; i++)
		log_live_set(q->log, live[i].generation, live[i].live);
	free(live);
}

static int
index_start(struct recovery *v)
{
	struct queue *q = v->q;
	const char *why;

	index_guard_dir(q->files.index);
	q->index = index_open(q->files.index, q->config.index_path,
	    q->config.index_size, &why);
	if (q->index == NULL) {
		log_error("index-unusable", LOG_CSTR("error", why));
		return -1;
	}
	if (is_index_usable(v)) {
		index_adopt(v);
		return 0;
	}
	v->rebuild = true;
	v->meta = (struct index_meta){ 0 };
	if (v->n > 0)
		log_warning("index-made-again", LOG_CSTR("reason",
		    why != NULL ? why : "it was not there"));
	return index_reset(q->index);
}

/* ---- reading the log ---- */

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
static int
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

static int
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

/* ---- afterwards ---- */

static void
large_found(void *arg, uint64_t id)
{
	struct queue *q = arg;

	if (queue_load(q, id) != NULL)
		return;
	log_info("large-orphan-removed", LOG_QID(id));
	large_file_remove(&q->files, id);
}

/* Q2.  Only damage can have broken it: say so, once, and go on from there. */
static void
law_check(struct queue *q)
{
	int64_t off = queue_difference(q);

	if (off == 0)
		return;
	log_error("count-differs", LOG_INT("difference", off),
	    LOG_NUM("open", q->open), LOG_NUM("accepted", q->counters.accepted));
	q->counters.accepted -= (uint64_t)off;
}

void
queue_wait(struct queue *q)
{
	while (log_busy(q->log))
		if (!worker_wait(q->sync) && !worker_wait(q->disk))
			break;
}

/* A segment to write to, a ceiling of queue ids, a mark of the clocks. */
static void
first_records(struct queue *q)
{
	uint64_t first;

	log_tend(q->log, q->replay.generation);
	queue_put_clock(q);
	queue_lease_ids(q, 0, &first);
	log_flush(q->log);
	queue_wait(q);
}

static void
log_header(void *ctx, struct segment_header *h)
{
	struct queue *q = ctx;

	h->nonce = q->nonce;
	h->id_ceiling = q->id_ceiling;
	h->counters = q->counters;
	h->clock = (struct clock_mark){ queue_now(q), clock_boot_ms(),
	    clock_wall_ms() };
}

static void
log_failed(void *ctx, uint32_t segment, int error)
{
	(void)ctx;
	log_error("sync-failed", LOG_NUM("segment", segment),
	    LOG_ERRNO(error), LOG_CSTR("effect",
	    "segment closed, the batch answered 4xx"));
}

int
queue_threads(struct queue *q)
{
	index_guard();
	if ((q->sync = worker_new()) == NULL ||
	    (q->disk = worker_new()) == NULL)
		return -1;
	return 0;
}

static int
log_start(struct queue *q)
{
	struct log_config c = { .files = &q->files, .sync = q->sync,
	    .disk = q->disk, .segment_size = q->config.segment_size,
	    .spares = 1, .sync_delay_us = q->config.sync_delay_us,
	    .hooks = { log_header, log_failed }, .ctx = q };

	q->log = log_new(&c);
	return q->log == NULL ? -1 : 0;
}

static int
recover(struct recovery *v)
{
	struct queue *q = v->q;
	struct message *m;

	q->recovering = true;
	while (q->life == 0)
		arc4random_buf(&q->life, sizeof(q->life));
	if (segments_find(v) == -1 || index_start(v) == -1 ||
	    log_replay(v) == -1)
		return -1;
	spool_clock_resume(&q->clock, &q->last_mark, q->seen_ms,
	    clock_boot_ms(), clock_wall_ms());
	files_each(q->files.large, 16, large_found, q);
	law_check(q);
	if (q->next_id < q->id_ceiling)
		q->next_id = q->id_ceiling;
	if (q->next_id == 0)
		q->next_id = 1;
	if (q->id_ceiling < q->next_id)
		q->id_ceiling = q->next_id;
	if (v->rebuild && flush_to_index(q) != 0)
		return -1;
	q->recovering = false;
	RB_FOREACH(m, message_tree, &q->messages) {
		m->life = q->life;
		message_doubt(m);	/* Q4 */
	}
	return 0;
}

int
queue_open(struct queue *q, const struct queue_config *config)
{
	struct recovery v = { .q = q };
	uint64_t began = clock_boot_ms();
	const char *what;
	int ret;

	q->config = *config;
	RB_INIT(&q->messages);
	TAILQ_INIT(&q->by_arrival);
	if (spool_files_open(&q->files, config->root, &what) == -1) {
		log_error("spool-unusable", LOG_CSTR("name", what),
		    LOG_ERRNO(errno));
		return -1;
	}
	if (log_start(q) == -1)
		return -1;
	ret = recover(&v);
	free(v.found);
	if (ret == -1)
		return -1;
	first_records(q);
	log_notice("queue-recovered", LOG_NUM("messages", q->n_messages),
	    LOG_NUM("recipients", q->open), LOG_NUM("records", v.records),
	    LOG_NUM("corrupt", v.corrupt), LOG_BOOL("rebuilt", v.rebuild),
	    LOG_NUM("ms", clock_boot_ms() - began));
	return 0;
}

void
queue_close(struct queue *q)
{
	struct settled *settled;
	struct message *m;

	if (q->log != NULL) {
		log_flush(q->log);
		queue_wait(q);
	}
	if (q->index != NULL && !q->recovering)
		queue_checkpoint_now(q);
	while (q->disk != NULL && worker_wait(q->disk))
		continue;
	worker_free(q->sync);
	worker_free(q->disk);
	queue_checkpoint_free(q);
	index_guard_dir(-1);
	index_close(q->index);
	while ((m = RB_ROOT(&q->messages)) != NULL) {
		RB_REMOVE(message_tree, &q->messages, m);
		message_free(m);
	}
	log_free(q->log);
	spool_files_close(&q->files);
	free(q->gone);
	while ((settled = RB_ROOT(&q->settled)) != NULL)
		queue_forget(q, settled->id);
	*q = (struct queue){ 0 };
}
