/* Records, blobs and keys from an index that anybody may have written. */
#include <stdlib.h>
#include <string.h>

#include "common/checksum/crc32c.h"
#include "common/ipc/codec.h"
#include "common/mailbox/index_record.h"
#include "common/mailbox/vanished.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(int truth)
{
	if (!truth)
		abort();
}

/* The same, whoever takes it apart. */
static void
check_columns(struct slice in, const struct index_chunk *c, enum parse expected)
{
	static struct index_columns columns;
	unsigned i = 0;

	check(
	    index_columns_parse(in, INDEX_VIEW_COLUMNS, &columns) == expected);
	if (expected != PARSE_OK)
		return;
	check(columns.present == c->present);
	for (uint64_t left = c->present; left != 0; left &= left - 1, i++) {
		const struct index_record *r =
		    &c->record[__builtin_ctzll(left)];

		check(columns.number[INDEX_MODSEQ][i] == r->modseq);
		check(columns.number[INDEX_INO][i] == r->ino);
		check(columns.number[INDEX_KEYWORDS][i] == r->keywords);
	}
	check(i == columns.n);
}

static void
check_chunk(struct slice in)
{
	static struct index_chunk c, d;
	uint8_t out[CHUNK_MAX], again[CHUNK_MAX];
	enum parse result = index_chunk_parse(in, &c);
	size_t len;

	check_columns(in, &c, result);
	if (result != PARSE_OK)
		return;
	len = index_chunk_pack(&c, out);
	if (len == 0) {
		check(c.present == 0);
		return;
	}
	check(index_chunk_parse(slice_of(out, len), &d) == PARSE_OK);
	check(index_chunk_pack(&d, again) == len);
	check(memcmp(out, again, len) == 0 && c.present == d.present);
}

/* With the checksum that it should have, so that more is looked at. */
static void
check_chunk_fixed(const uint8_t *data, size_t size)
{
	static uint8_t fixed[CHUNK_MAX];
	uint32_t crc;

	if (size < CHUNK_HEAD || size > sizeof(fixed))
		return;
	memcpy(fixed, data, size);
	crc = crc32c(0, data + CHUNK_HEAD, size - CHUNK_HEAD);
	for (int i = 0; i < 4; i++)
		fixed[1 + i] = (uint8_t)(crc >> 8 * i);
	check_chunk(slice_of(fixed, size));
}

static void
check_view(struct slice in)
{
	uint8_t out[VIEW_LEN];
	struct index_view v;

	if (index_view_parse(in, &v) != PARSE_OK)
		return;
	index_view_pack(&v, out);
	check(memcmp(out, in.at, VIEW_LEN) == 0);
	for (size_t i = 0; i < v.rows.len / VIEW_ROW_LEN; i++) {
		uint8_t row[VIEW_ROW_LEN];
		uint64_t present;
		uint32_t number;

		index_view_row(v.rows, i, &number, &present);
		index_view_row_pack(number, present, row);
		check(memcmp(row, v.rows.at + i * VIEW_ROW_LEN, sizeof(row)) ==
		      0);
	}
}

/* With the checksums that it should have, so that more is looked at. */
static void
check_view_fixed(const uint8_t *data, size_t size)
{
	static uint8_t fixed[VIEW_LEN + 64 * VIEW_ROW_LEN];
	struct ipc_writer w;

	if (size < VIEW_LEN || size > sizeof(fixed))
		return;
	memcpy(fixed, data, size);
	ipc_writer_init(&w, fixed + VIEW_LEN - 8, 8);
	ipc_put_u32(&w, crc32c(0, fixed + VIEW_LEN, size - VIEW_LEN));
	ipc_put_u32(&w, crc32c(0, fixed, VIEW_LEN - 4));
	check_view(slice_of(fixed, size));
}

static void
check_vanished(struct slice in)
{
	static struct vanished v, w;
	static uint8_t out[VANISHED_SIZE];
	size_t len;

	if (vanished_parse(in, &v) != PARSE_OK)
		return;
	check(v.len <= VANISHED_MAX);
	len = vanished_pack(&v, out);
	check(len == in.len && memcmp(out, in.at, len) == 0);
	vanished_add(&v, 5, 9, INT64_MAX);
	vanished_remove(&v, 7);
	check(v.len <= VANISHED_MAX && !vanished_has(&v, 7));
	if (v.len > 0) {	/* what we make of it, we read again */
		len = vanished_pack(&v, out);
		check(vanished_parse(slice_of(out, len), &w) == PARSE_OK);
	}
}

/* With the checksum that it should have, so that more is looked at. */
static void
check_vanished_fixed(const uint8_t *data, size_t size)
{
	static uint8_t fixed[VANISHED_SIZE];
	uint32_t crc;

	if (size < VANISHED_HEAD || size > sizeof(fixed))
		return;
	memcpy(fixed, data, size);
	crc = crc32c(0, data, size - 4);
	for (int i = 0; i < 4; i++)
		fixed[size - 4 + (size_t)i] = (uint8_t)(crc >> 8 * i);
	check_vanished(slice_of(fixed, size));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size), blob;
	uint32_t uid;

	check_chunk(in);
	check_chunk_fixed(data, size);
	check_view(in);
	check_view_fixed(data, size);
	check_vanished(in);
	check_vanished_fixed(data, size);
	if (index_blob_parse(in, &blob) == PARSE_OK)
		check(blob.len + INDEX_BLOB_HEAD_LEN == size);
	if (index_key_parse(in, INDEX_CHUNK, 0x61626364, &uid)) {
		uint8_t key[INDEX_KEY_LEN];

		index_key_pack(INDEX_CHUNK, 0x61626364, uid, data[9], key);
		check(memcmp(key, data, sizeof(key)) == 0);
	}
	return 0;
}
