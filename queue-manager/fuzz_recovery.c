/*
 * A good segment with up to sixteen octets changed, each by six octets of
 * input: where (32 bits), what, and whether the record's sum is made right
 * again.  Whatever that does to it, a scan ends, items follow one another
 * without overlap, and records that were not touched are found.
 */
#include <assert.h>
#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/checksum/crc32c.h"
#include "queue-manager/message.h"
#include "queue-manager/spool/segment.h"

enum { SIZE = 64 * 1024, RECORDS = 12, MUTATIONS = 16 };
#define GENERATION ((3ULL << GENERATION_RANDOM_BITS) | 0xabcdef)

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct good {
	size_t	offset[RECORDS], len[RECORDS];
};

static void
build(uint8_t *at, struct good *g)
{
	size_t end = SEGMENT_BLOCK;

	memset(at, 0, SIZE);
	for (unsigned i = 0; i < RECORDS; i++) {
		struct record r = { .type = (uint16_t)(1 + i % 6),
		    .flags = i % 3 == 2 ? RECORD_LAST : 0,
		    .batch = 1 + i / 3, .id = i, .generation = GENERATION,
		    .payload = slice_of(NULL, 100 + 300 * i) };

		memset(at + end + RECORD_HEADER, (int)i, r.payload.len);
		record_seal(at + end, &r);
		g->offset[i] = end;
		g->len[i] = RECORD_HEADER + r.payload.len;
		end += record_size(r.payload.len);
		if (r.flags & RECORD_LAST)
			end = segment_round(end);
	}
}

static void
mutate(uint8_t *at, const uint8_t *in, uint32_t *where)
{
	memcpy(where, in, 4);
	*where = le32toh(*where) % SIZE;
	at[*where] = in[4];
}

/* What a record says is judged as recovery judges it. */
static void
judge(const struct record *r)
{
	struct event_message e;
	struct event_expanded x;
	struct event_result v;
	struct place p = { r->generation, 4096, (uint32_t)r->payload.len };

	if (r->type == RECORD_MESSAGE && event_message_get(r->payload, &e) == 0)
		message_free(message_from_record(r->id, &p, &e));
	(void)event_expanded_get(r->payload, &x);
	(void)event_result_get(r->payload, &v);
}

static void
scan(const uint8_t *at, bool found[SIZE / 8])
{
	struct segment_scan s;
	struct segment_item item;
	size_t end = 0, items = 0;

	segment_scan_begin(&s, slice_of(at, SIZE), GENERATION, 0);
	do {
		segment_scan_next(&s, &item);
		assert(item.offset >= end && item.offset + item.len <= SIZE);
		items++;
		assert(items < SIZE);
		end = item.offset + item.len;
		if (item.kind == ITEM_RECORD) {
			found[item.offset / 8] = true;
			judge(&item.record);
		}
	} while (item.kind == ITEM_RECORD || item.kind == ITEM_CORRUPT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *at = malloc(SIZE);
	bool *found = calloc(SIZE / 8, sizeof(*found));
	bool touched[RECORDS] = { false };
	struct good g;

	assert(at != NULL && found != NULL);
	build(at, &g);
	for (size_t i = 0; i + 6 <= size && i < 6 * MUTATIONS; i += 6) {
		uint32_t where;

		mutate(at, data + i, &where);
		for (unsigned n = 0; n < RECORDS; n++) {
			if (where < g.offset[n] ||
			    where >= g.offset[n] + g.len[n])
				continue;
			touched[n] = true;
			if (data[i + 5] & 1) {
				uint32_t crc = htole32(crc32c(0,
				    at + g.offset[n] + 4, g.len[n] - 4));
				memcpy(at + g.offset[n], &crc, 4);
			}
		}
	}
	scan(at, found);
	/* A record whose sum is right may claim more room than it had, and
	 * hide those behind it; without such ones all are found. */
	for (unsigned n = 0; n < RECORDS && size >= 6; n++) {
		bool lied = false;

		for (size_t i = 0; i + 6 <= size && i < 6 * MUTATIONS; i += 6)
			lied |= data[i + 5] & 1;
		assert(lied || touched[n] || found[g.offset[n] / 8]);
	}
	free(at);
	free(found);
	return 0;
}
