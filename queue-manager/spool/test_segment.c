/* Records and segments: torn, damaged and recycled ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue-manager/spool/segment.h"

enum { SIZE = 64 * 1024 };
#define GENERATION ((7ULL << GENERATION_RANDOM_BITS) | 0x1234567)
#define OLDER ((6ULL << GENERATION_RANDOM_BITS) | 0x7654321)

struct built {
	uint8_t	at[SIZE];
	size_t	end, offsets[64];
	unsigned n;
};

static void
add(struct built *b, uint64_t generation, uint32_t batch, uint64_t id,
    size_t len, uint16_t flags)
{
	struct record r = { .type = RECORD_MESSAGE, .flags = flags,
	    .batch = batch, .id = id, .generation = generation,
	    .payload = slice_of(NULL, len) };

	memset(b->at + b->end + RECORD_HEADER, (int)id, len);
	record_seal(b->at + b->end, &r);
	b->offsets[b->n++] = b->end;
	b->end += record_size(len);
	if (flags & RECORD_LAST)
		b->end = segment_round(b->end);
}

/* Three batches of two records: ids 1..6. */
static void
build(struct built *b)
{
	memset(b, 0, sizeof(*b));
	b->end = SEGMENT_BLOCK;
	for (uint32_t batch = 1; batch <= 3; batch++) {
		add(b, GENERATION, batch, batch * 2 - 1, 1001, 0);
		add(b, GENERATION, batch, batch * 2, 77, RECORD_LAST);
	}
}

/* "1 2 ! 4 $": ids, ! corrupt, ~ torn, $ clean end. */
static void
expect(const struct built *b, const char *want)
{
	struct segment_scan s;
	struct segment_item item;
	char got[256] = "";

	segment_scan_begin(&s, slice_of(b->at, SIZE), GENERATION, 0);
	do {
		char one[32];

		segment_scan_next(&s, &item);
		if (item.kind == ITEM_RECORD)
			snprintf(one, sizeof(one), "%u ",
			    (unsigned)item.record.id);
		else
			snprintf(one, sizeof(one), "%c ", "?!~$"[item.kind]);
		strncat(got, one, sizeof(got) - strlen(got) - 1);
	} while (item.kind == ITEM_RECORD || item.kind == ITEM_CORRUPT);
	assert_string_equal(got, want);
}

static void
test_scan(void **state)
{
	struct built *b = malloc(sizeof(*b));

	(void)state;
	build(b);
	expect(b, "1 2 3 4 5 6 $ ");
	/* One damaged in the middle is set aside; the rest is intact. */
	b->at[b->offsets[2] + 500] ^= 1;
	expect(b, "1 2 ! 4 5 6 $ ");
	/* Its length field too. */
	b->at[b->offsets[2] + 5] ^= 0x40;
	expect(b, "1 2 ! 4 5 6 $ ");
	/* The first of the last batch. */
	build(b);
	b->at[b->offsets[4] + 40] ^= 1;
	expect(b, "1 2 3 4 ! 6 $ ");
	/* The very last cannot be told from a torn one. */
	build(b);
	b->at[b->offsets[5] + 40] ^= 1;
	expect(b, "1 2 3 4 5 ~ ");
	/* A batch of which nothing came to the disk, and one cut short. */
	build(b);
	memset(b->at + b->offsets[4], 0, SIZE - b->offsets[4]);
	expect(b, "1 2 3 4 $ ");
	build(b);
	memset(b->at + b->offsets[5], 0, SIZE - b->offsets[5]);
	expect(b, "1 2 3 4 5 ~ ");
	free(b);
}

/* A recycled segment: what its former life left behind the end is nothing. */
static void
test_recycled(void **state)
{
	struct built *b = malloc(sizeof(*b));

	(void)state;
	memset(b, 0, sizeof(*b));
	b->end = SEGMENT_BLOCK;
	for (uint32_t batch = 1; batch <= 6; batch++)
		add(b, OLDER, batch, 100 + batch, 300, RECORD_LAST);
	b->end = SEGMENT_BLOCK;
	b->n = 0;
	add(b, GENERATION, 1, 1, 300, RECORD_LAST);
	expect(b, "1 $ ");
	b->end += 2 * SEGMENT_BLOCK;
	add(b, GENERATION, 3, 3, 300, RECORD_LAST);
	expect(b, "1 ! 3 $ ");
	free(b);
}

/* Every single flipped bit is noticed, and only its record is lost. */
static void
test_every_bit(void **state)
{
	struct built *b = malloc(sizeof(*b));
	struct record r;

	(void)state;
	build(b);
	for (size_t bit = 0; bit < 8 * (RECORD_HEADER + 77); bit++) {
		uint8_t *at = b->at + b->offsets[1];

		at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		assert_int_not_equal(record_decode(slice_of(at, 512),
		    GENERATION, &r), PARSE_OK);
		at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
	assert_int_equal(record_decode(slice_of(b->at + b->offsets[1], 512),
	    GENERATION, &r), PARSE_OK);
	free(b);
}

static void
test_header(void **state)
{
	struct segment_header h = { .generation = GENERATION, .size = SIZE,
	    .nonce = 5, .tail = 1, .id_ceiling = 99, .n_voids = 2,
	    .counters = { 10, 9, 1, 0, 0 }, .clock = { 1, 2, -3 },
	    .voids = { { OLDER, 4 }, { GENERATION, 1 } } }, got;
	uint8_t raw[SEGMENT_HEADER] = { 0 };

	(void)state;
	assert_int_equal(segment_header_decode(raw, &got), SEGMENT_BLANK);
	segment_header_encode(&h, raw);
	assert_int_equal(segment_header_decode(raw, &got), SEGMENT_OK);
	assert_memory_equal(&h.counters, &got.counters, sizeof(h.counters));
	assert_int_equal(got.clock.wall_ms, -3);
	assert_true(got.voids[0].generation == OLDER && got.voids[0].batch == 4);
	raw[20] ^= 1;
	assert_int_equal(segment_header_decode(raw, &got), SEGMENT_DAMAGED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_recycled),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_header),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
