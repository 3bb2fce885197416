#include "queue-manager/spool/segment.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "common/checksum/crc32c.h"
#include "common/ipc/codec.h"

static const char magic[8] = "bulkseg\n";

static void
put_counters(struct ipc_writer *w, const struct counters *c)
{
	ipc_put_u64(w, c->accepted);
	ipc_put_u64(w, c->delivered);
	ipc_put_u64(w, c->bounced);
	ipc_put_u64(w, c->expired);
	ipc_put_u64(w, c->deleted);
}

static void
get_counters(struct ipc_reader *r, struct counters *c)
{
	c->accepted = ipc_get_u64(r);
	c->delivered = ipc_get_u64(r);
	c->bounced = ipc_get_u64(r);
	c->expired = ipc_get_u64(r);
	c->deleted = ipc_get_u64(r);
}

static uint32_t
header_crc(const uint8_t *h)
{
	return crc32c(0, h, SEGMENT_HEADER - 4);
}

void
segment_header_encode(const struct segment_header *h,
    uint8_t to[SEGMENT_HEADER])
{
	struct ipc_writer w;
	uint32_t crc;

	assert(h->n_voids <= SEGMENT_VOIDS_MAX);
	memset(to, 0, SEGMENT_HEADER);
	ipc_writer_init(&w, to, SEGMENT_HEADER - 4);
	ipc_put_raw(&w, magic, sizeof(magic));
	ipc_put_u32(&w, SEGMENT_VERSION);
	ipc_put_u64(&w, h->generation);
	ipc_put_u64(&w, h->size);
	ipc_put_u64(&w, h->nonce);
	ipc_put_u64(&w, h->tail);
	ipc_put_u64(&w, h->id_ceiling);
	put_counters(&w, &h->counters);
	ipc_put_u64(&w, h->clock.spool_ms);
	ipc_put_u64(&w, h->clock.boot_ms);
	ipc_put_u64(&w, (uint64_t)h->clock.wall_ms);
	ipc_put_u32(&w, h->n_voids);
	for (uint32_t i = 0; i < h->n_voids; i++) {
		ipc_put_u64(&w, h->voids[i].generation);
		ipc_put_u32(&w, h->voids[i].batch);
	}
	assert(!w.failed);	/* S3 */
	crc = htole32(header_crc(to));
	memcpy(to + SEGMENT_HEADER - 4, &crc, 4);
}

static bool
is_blank(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i] != 0)
			return false;
	return true;
}

static void
get_header(struct ipc_reader *r, struct segment_header *h)
{
	h->generation = ipc_get_u64(r);
	h->size = ipc_get_u64(r);
	h->nonce = ipc_get_u64(r);
	h->tail = ipc_get_u64(r);
	h->id_ceiling = ipc_get_u64(r);
	get_counters(r, &h->counters);
	h->clock.spool_ms = ipc_get_u64(r);
	h->clock.boot_ms = ipc_get_u64(r);
	h->clock.wall_ms = (int64_t)ipc_get_u64(r);
	h->n_voids = ipc_get_u32(r);
	for (uint32_t i = 0; i < h->n_voids && i < SEGMENT_VOIDS_MAX; i++) {
		h->voids[i].generation = ipc_get_u64(r);
		h->voids[i].batch = ipc_get_u32(r);
	}
}

enum segment_header_state
segment_header_decode(const uint8_t from[SEGMENT_HEADER],
    struct segment_header *h)
{
	struct ipc_reader r;
	char start[sizeof(magic)];
	uint32_t crc;

	if (is_blank(from, SEGMENT_HEADER))
		return SEGMENT_BLANK;
	*h = (struct segment_header){ 0 };
	memcpy(&crc, from + SEGMENT_HEADER - 4, 4);
	if (le32toh(crc) != header_crc(from))
		return SEGMENT_DAMAGED;
	ipc_reader_init(&r, slice_of(from, SEGMENT_HEADER - 4));
	ipc_get_raw(&r, start, sizeof(start));
	if (memcmp(start, magic, sizeof(magic)) != 0)
		return SEGMENT_DAMAGED;
	if (ipc_get_u32(&r) != SEGMENT_VERSION)
		return SEGMENT_UNKNOWN;
	get_header(&r, h);
	if (r.failed || h->generation == 0 || h->n_voids > SEGMENT_VOIDS_MAX)
		return SEGMENT_DAMAGED;
	return SEGMENT_OK;
}

void
segment_scan_begin(struct segment_scan *s, struct slice in,
    uint64_t generation, size_t at)
{
	assert(at % RECORD_ALIGN == 0);
	*s = (struct segment_scan){ .in = in, .generation = generation,
	    .at = at < SEGMENT_BLOCK ? SEGMENT_BLOCK : at };
}

static bool
decode_at(const struct segment_scan *s, size_t at, struct record *r)
{
	if (at >= s->in.len)
		return false;
	return record_decode(slice_skip(s->in, at), s->generation, r) ==
	    PARSE_OK;
}

/* The first intact record behind at, or in.len. */
static size_t
resynchronise(const struct segment_scan *s, size_t at)
{
	struct record_peek p;
	struct record r;

	for (at += RECORD_ALIGN; at + RECORD_HEADER <= s->in.len;
	    at += RECORD_ALIGN) {
		record_peek((const uint8_t *)s->in.at + at, &p);
		if (p.generation == s->generation && decode_at(s, at, &r))
			return at;
	}
	return s->in.len;
}

/* Where there is no record, was there one? */
static void
scan_end(struct segment_scan *s, struct segment_item *item)
{
	struct record_peek p = { 0 };
	size_t left = s->in.len - s->at;

	item->kind = s->mid_batch ? ITEM_TORN : ITEM_END;
	item->len = 0;
	if (left < RECORD_HEADER)
		return;
	record_peek((const uint8_t *)s->in.at + s->at, &p);
	if (p.generation != s->generation)
		return;
	item->kind = ITEM_TORN;
	item->len = p.payload > left - RECORD_HEADER ? left :
	    RECORD_HEADER + p.payload;
}

static void
scan_record(struct segment_scan *s, struct segment_item *item)
{
	item->kind = ITEM_RECORD;
	item->len = record_size(item->record.payload.len);
	s->batch = item->record.batch;
	s->mid_batch = !(item->record.flags & RECORD_LAST);
	s->at += item->len;
	if (!s->mid_batch)
		s->at = segment_round(s->at);
}

void
segment_scan_next(struct segment_scan *s, struct segment_item *item)
{
	size_t next;

	if (s->at > s->in.len)
		s->at = s->in.len;
	*item = (struct segment_item){ .offset = s->at };
	if (decode_at(s, s->at, &item->record)) {
		scan_record(s, item);
		return;
	}
	next = resynchronise(s, s->at);
	if (next >= s->in.len) {
		scan_end(s, item);
		return;
	}
	item->kind = ITEM_CORRUPT;
	item->len = next - s->at;
	s->at = next;
}
