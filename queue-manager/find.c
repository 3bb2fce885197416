/* What segments there are, and which of them count. */
#include <sys/stat.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bsd/stdlib.h>

#include "common/log/log.h"
#include "queue-manager/recover.h"

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

int
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
