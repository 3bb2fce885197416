/* Records come back as they were, and no flipped bit gets through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/mailbox/index_record.h"

static void
test_record(void **state)
{
	struct index_record in = { .modseq = 1ull << 62, .ino = 42,
		.crlf_size = 1ull << 33, .date = -1, .keywords = 1u << 25,
		.flags = 0x3f, .has_size = true, .has_date = true }, out;
	uint8_t b[INDEX_RECORD_LEN + 1] = { 0 };

	(void)state;
	index_record_pack(&in, b);
	assert_int_equal(index_record_parse(
	    slice_of(b, INDEX_RECORD_LEN), &out), PARSE_OK);
	assert_true(out.modseq == in.modseq && out.ino == 42 &&
	    out.crlf_size == in.crlf_size && out.date == -1 &&
	    out.keywords == in.keywords && out.flags == 0x3f &&
	    out.has_size && out.has_date);
	assert_int_equal(index_record_parse(
	    slice_of(b, INDEX_RECORD_LEN + 1), &out), PARSE_BAD);
	for (size_t i = 0; i < INDEX_RECORD_LEN * 8; i++) {
		b[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(index_record_parse(
		    slice_of(b, INDEX_RECORD_LEN), &out), PARSE_BAD);
		b[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

static void
test_keys_in_order(void **state)
{
	static const uint32_t uids[] = { 1, 255, 256, 65536, 1u << 31, UINT32_MAX };
	uint8_t a[INDEX_KEY_LEN], b[INDEX_KEY_LEN];
	uint32_t uid;

	(void)state;
	index_key_pack(INDEX_MESSAGE, 7, 0, 0, a);
	for (size_t i = 0; i < sizeof(uids) / sizeof(uids[0]); i++) {
		index_key_pack(INDEX_MESSAGE, 7, uids[i], 0, b);
		assert_true(memcmp(a, b, sizeof(a)) < 0);
		assert_true(index_key_parse(slice_of(b, sizeof(b)),
		    INDEX_MESSAGE, 7, &uid) && uid == uids[i]);
		assert_false(index_key_parse(slice_of(b, sizeof(b)),
		    INDEX_MESSAGE, 8, &uid));
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
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_keys_in_order),
		cmocka_unit_test(test_blob),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
