/* Records come back as they were, and no flipped bit gets through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/mailbox/index_record.h"
#include "common/mailbox/maildir_name.h"

static void
test_chunk(void **state)
{
	static const struct index_record largest = { .modseq = UINT64_MAX,
		.ino = UINT64_MAX,
		.crlf_size = UINT64_MAX,
		.date = INT64_MIN,
		.keywords = (1u << 26) - 1,
		.flags = 0x3f,
		.has_size = true,
		.has_date = true };
	static struct index_chunk in, out;
	static uint8_t b[CHUNK_MAX + 1];
	size_t len;

	(void)state;
	assert_int_equal(index_chunk_pack(&in, b), 0);
	in.present = 1 | UINT64_C(1) << 40 | UINT64_C(1) << 63;
	in.record[0] = (struct index_record){ .modseq = 300, .ino = 42 };
	in.record[40] = largest;
	in.record[63] =
	    (struct index_record){ .modseq = 1, .date = -1, .has_date = true };
	len = index_chunk_pack(&in, b);
	assert_int_equal(index_chunk_parse(slice_of(b, len), &out), PARSE_OK);
	assert_true(out.present == in.present);
	assert_memory_equal(&out.record[40], &largest, sizeof(largest));
	assert_true(out.record[0].modseq == 300 && out.record[0].ino == 42 &&
		    !out.record[0].has_size && out.record[63].date == -1);
	for (size_t i = 0; i < len * 8; i++) {
		b[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(
		    index_chunk_parse(slice_of(b, len), &out), PARSE_BAD);
		b[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_int_equal(
	    index_chunk_parse(slice_of(b, len + 1), &out), PARSE_BAD);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(
		    index_chunk_parse(slice_of(b, i), &out), PARSE_BAD);
	in.present = UINT64_MAX;
	for (int n = 0; n < CHUNK_UIDS; n++)
		in.record[n] = largest;
	len = index_chunk_pack(&in, b);
	assert_true(len <= CHUNK_MAX);
	assert_int_equal(index_chunk_parse(slice_of(b, len), &out), PARSE_OK);
	assert_memory_equal(&in, &out, sizeof(in));
}

static void
expect_same(const struct index_record *a, const struct index_record *b)
{
	assert_true(a->modseq == b->modseq && a->ino == b->ino &&
	    a->keywords == b->keywords && a->crlf_size == b->crlf_size &&
	    a->date == b->date && a->flags == b->flags &&
	    a->has_size == b->has_size && a->has_date == b->has_date);
}

static void
expect_columns(struct slice in, const struct index_chunk *c)
{
	static struct index_columns columns;
	unsigned i = 0;

	assert_int_equal(
	    index_columns_parse(in, INDEX_VIEW_COLUMNS, &columns), PARSE_OK);
	assert_true(columns.present == c->present);
	for (unsigned n = 0; n < CHUNK_UIDS; n++) {
		if ((c->present >> n & 1) == 0)
			continue;
		assert_true(
		    columns.number[INDEX_MODSEQ][i] == c->record[n].modseq &&
		    columns.number[INDEX_INO][i] == c->record[n].ino &&
		    columns.number[INDEX_KEYWORDS][i] ==
			c->record[n].keywords &&
		    columns.flags[i] == c->record[n].flags);
		i++;
	}
	assert_int_equal(i, columns.n);
}

/* Each width that a column may have, of numbers far from 0 and of both signs. */
static void
test_chunk_columns(void **state)
{
	static const uint64_t steps[] = { 0, 1, 4, 5, 1000, 1041, 1 << 20,
		UINT64_C(1) << 26, UINT64_C(1) << 27, UINT64_C(1) << 57 };
	static struct index_chunk in, out;
	static uint8_t b[CHUNK_MAX];
	size_t len;

	(void)state;
	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++)
		for (uint64_t mask = 1; mask != 0; mask <<= 7) {
			in.present = mask == 1 ? UINT64_MAX : ~mask * 0x9e3779b9;
			for (unsigned n = 0; n < CHUNK_UIDS; n++)
				in.record[n] = (struct index_record){
					.modseq = 7 + n * steps[s],
					.ino = UINT64_MAX - n * steps[s],
					.keywords = n * steps[s],
					.crlf_size = n % 3 ? n * steps[s] : 0,
					.date = n % 5 ? (int64_t)(n * steps[s]) -
					    1000000 : 0,
					.flags = n & FLAG_ALL,
					.has_size = n % 3,
					.has_date = n % 5 };
			len = index_chunk_pack(&in, b);
			assert_true(len > 0 && len <= CHUNK_MAX);
			assert_int_equal(index_chunk_parse(slice_of(b, len),
			    &out), PARSE_OK);
			assert_true(in.present == out.present);
			expect_columns(slice_of(b, len), &in);
			for (unsigned n = 0; n < CHUNK_UIDS; n++)
				if (in.present >> n & 1)
					expect_same(&in.record[n],
					    &out.record[n]);
		}
}

/* A mailbox as they are: a million messages in about 40 MB, the tables of LMDB
 * included (three of these in a page of 4096). */
static void
test_chunk_is_small(void **state)
{
	static struct index_chunk c;
	static uint8_t b[CHUNK_MAX];

	(void)state;
	c.present = UINT64_MAX;
	for (unsigned n = 0; n < CHUNK_UIDS; n++)
		c.record[n] = (struct index_record){ .modseq = (1 << 21) + n,
			.ino = 30000000 + n,
			.crlf_size = 40000,
			.flags = 1,
			.has_size = true };
	assert_true(index_chunk_pack(&c, b) <= 500);
	for (unsigned n = 0; n < CHUNK_UIDS; n++) {
		c.record[n].date = 1732166400 + n;
		c.record[n].has_date = true;
	}
	assert_true(index_chunk_pack(&c, b) <= 600);
}

static void
test_view(void **state)
{
	uint8_t b[VIEW_LEN + 2 * VIEW_ROW_LEN];
	struct index_view in = { 1732166400, -5, 999999999, 1, 42, UINT64_MAX,
		1000000, 7, 5, slice_of(b + VIEW_LEN, sizeof(b) - VIEW_LEN) };
	struct index_view out;
	uint64_t present;
	uint32_t number;

	(void)state;
	index_view_row_pack(3, UINT64_C(1) << 63, b + VIEW_LEN);
	index_view_row_pack(UINT32_MAX, 1, b + VIEW_LEN + VIEW_ROW_LEN);
	index_view_pack(&in, b);
	assert_int_equal(
	    index_view_parse(slice_of(b, sizeof(b)), &out), PARSE_OK);
	assert_int_equal(out.rows.len, 2 * VIEW_ROW_LEN);
	index_view_row(out.rows, 0, &number, &present);
	assert_true(number == 3 && present == UINT64_C(1) << 63);
	index_view_row(out.rows, 1, &number, &present);
	assert_true(number == UINT32_MAX && present == 1);
	assert_true(out.unseen == 7 && out.first_unseen == 5);
	assert_true(out.cur_sec == in.cur_sec && out.new_sec == -5 &&
		    out.cur_nsec == in.cur_nsec && out.new_ino == UINT64_MAX &&
		    out.count == 1000000);
	for (size_t i = 0; i < sizeof(b); i++) {
		b[i] ^= 1;
		assert_int_equal(
		    index_view_parse(slice_of(b, sizeof(b)), &out), PARSE_BAD);
		b[i] ^= 1;
		assert_int_equal(
		    index_view_parse(slice_of(b, i), &out), PARSE_BAD);
	}
}

static void
test_keys_in_order(void **state)
{
	static const uint32_t uids[] = { 1, 255, 256, 65536, 1u << 31, UINT32_MAX };
	uint8_t a[INDEX_KEY_LEN], b[INDEX_KEY_LEN];
	uint32_t uid;

	(void)state;
	index_key_pack(INDEX_CHUNK, 7, 0, 0, a);
	for (size_t i = 0; i < sizeof(uids) / sizeof(uids[0]); i++) {
		index_key_pack(INDEX_CHUNK, 7, uids[i], 0, b);
		assert_true(memcmp(a, b, sizeof(a)) < 0);
		assert_true(index_key_parse(
				slice_of(b, sizeof(b)), INDEX_CHUNK, 7, &uid) &&
			    uid == uids[i]);
		assert_false(index_key_parse(
		    slice_of(b, sizeof(b)), INDEX_CHUNK, 8, &uid));
		assert_false(index_key_parse(slice_of(b, sizeof(b)),
		    INDEX_BLOB, 7, &uid));
		memcpy(a, b, sizeof(a));
	}
}

static void
test_blob(void **state)
{
	char b[INDEX_BLOB_HEAD_LEN + 3];
	struct slice blob;

	(void)state;
	memcpy(b + INDEX_BLOB_HEAD_LEN, "abc", 3);
	index_blob_head(slice_str("abc"), (uint8_t *)b);
	assert_int_equal(index_blob_parse(slice_of(b, sizeof(b)), &blob), PARSE_OK);
	assert_true(slice_equal(blob, slice_str("abc")));
	b[6] ^= 1;
	assert_int_equal(index_blob_parse(slice_of(b, sizeof(b)), &blob), PARSE_BAD);
	assert_int_equal(index_blob_parse(slice_of(b, 4), &blob), PARSE_BAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chunk),
		cmocka_unit_test(test_chunk_is_small),
		cmocka_unit_test(test_chunk_columns),
		cmocka_unit_test(test_view),
		cmocka_unit_test(test_keys_in_order),
		cmocka_unit_test(test_blob),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
