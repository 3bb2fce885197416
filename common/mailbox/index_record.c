#include "common/mailbox/index_record.h"

#include <endian.h>
#include <string.h>

#include "common/checksum/crc32c.h"
#include "common/ipc/codec.h"
#include "common/mailbox/maildir_name.h"

enum { CHUNK_VERSION = 2, VIEW_VERSION = 2, BLOB_VERSION = 1 };

/*
 * ---- chunks ----
 *
 * version, CRC-32C; which UIDs are there, which of them have a size, and a
 * date; then the flags of those that are there, and five columns of numbers.  A
 * column is the least number of it, how many octets each takes beside that (0,
 * 1, 2, 4 or 8), and these.  To look at a folder is to read all of its chunks:
 * nothing here is decided octet by octet.
 */

enum { BITS_LEN = 3 * 8, COLUMN_HEAD = 1 + 8 };

/* A date as a number that orders as dates do. */
#define DATE_SIGN (UINT64_C(1) << 63)

static uint64_t
column_value(const struct index_record *r, enum index_column c)
{
	switch (c) {
	case INDEX_KEYWORDS:
		return r->keywords;
	case INDEX_MODSEQ:
		return r->modseq;
	case INDEX_INO:
		return r->ino;
	case INDEX_SIZE:
		return r->crlf_size;
	default:
		return (uint64_t)r->date ^ DATE_SIGN;
	}
}

/* Where a column says nothing of a record any number would do. */
static bool
column_has(const struct index_record *r, enum index_column c)
{
	return c == INDEX_SIZE   ? r->has_size
	       : c == INDEX_DATE ? r->has_date
				 : true;
}

static void
put_le(uint8_t **to, uint64_t v, unsigned width)
{
	for (unsigned i = 0; i < width; i++, v >>= 8)
		*(*to)++ = (uint8_t)v;
}

static uint64_t
get_le(const uint8_t *at, unsigned width)
{
	uint64_t v = 0;

	for (unsigned i = width; i-- > 0;)
		v = v << 8 | at[i];
	return v;
}

static void
put_column(uint8_t **to, const struct index_chunk *c, enum index_column column)
{
	uint64_t least = UINT64_MAX, most = 0, left;
	unsigned width;

	for (left = c->present; left != 0; left &= left - 1) {
		const struct index_record *r =
		    &c->record[__builtin_ctzll(left)];
		uint64_t v = column_value(r, column);

		if (!column_has(r, column))
			continue;
		least = v < least ? v : least;
		most = v > most ? v : most;
	}
	least = least > most ? 0 : least;
	most -= least;
	width = most == 0	   ? 0 :
		most <= UINT8_MAX  ? 1 :
		most <= UINT16_MAX ? 2 :
		most <= UINT32_MAX ? 4 :
				     8;
	*(*to)++ = (uint8_t)width;
	put_le(to, least, 8);
	for (left = c->present; left != 0; left &= left - 1) {
		const struct index_record *r =
		    &c->record[__builtin_ctzll(left)];

		put_le(to, column_has(r, column) ?
			column_value(r, column) - least : 0, width);
	}
}

/*
 * n numbers of one width, and the least of the column added to each: a loop for
 * each width, which the compiler does many at a time.
 */
static void
take_numbers(
    const uint8_t *at, unsigned width, unsigned n, uint64_t least, uint64_t *to)
{
	uint16_t two;
	uint32_t four;
	uint64_t eight;

	switch (width) {
	case 0:
		for (unsigned i = 0; i < n; i++)
			to[i] = least;
		break;
	case 1:
		for (unsigned i = 0; i < n; i++)
			to[i] = least + at[i];
		break;
	case 2:
		for (unsigned i = 0; i < n; i++, at += sizeof(two)) {
			memcpy(&two, at, sizeof(two));
			to[i] = least + le16toh(two);
		}
		break;
	case 4:
		for (unsigned i = 0; i < n; i++, at += sizeof(four)) {
			memcpy(&four, at, sizeof(four));
			to[i] = least + le32toh(four);
		}
		break;
	default:
		for (unsigned i = 0; i < n; i++, at += sizeof(eight)) {
			memcpy(&eight, at, sizeof(eight));
			to[i] = least + le64toh(eight);
		}
	}
}

/* to NULL: it is passed over. */
static bool
take_column(const uint8_t **at, const uint8_t *end, unsigned n, uint64_t *to)
{
	uint64_t least;
	unsigned width;

	if (end - *at < COLUMN_HEAD)
		return false;
	width = **at;
	least = get_le(*at + 1, 8);
	*at += COLUMN_HEAD;
	if ((width != 0 && width != 1 && width != 2 && width != 4 &&
		width != 8) || (size_t)(end - *at) < (size_t)n * width)
		return false;
	if (to != NULL)
		take_numbers(*at, width, n, least, to);
	*at += (size_t)n * width;
	return true;
}

static uint64_t
bits_of(const struct index_chunk *c, enum index_column column)
{
	uint64_t bits = 0;

	for (unsigned n = 0; n < CHUNK_UIDS; n++)
		if ((c->present & UINT64_C(1) << n) != 0 &&
		    column_has(&c->record[n], column))
			bits |= UINT64_C(1) << n;
	return bits;
}

size_t
index_chunk_pack(const struct index_chunk *c, uint8_t to[CHUNK_MAX])
{
	uint8_t *at = to + CHUNK_HEAD, *crc = to + 1;
	size_t len;

	if (c->present == 0)
		return 0;
	put_le(&at, c->present, 8);
	put_le(&at, bits_of(c, INDEX_SIZE), 8);
	put_le(&at, bits_of(c, INDEX_DATE), 8);
	for (uint64_t left = c->present; left != 0; left &= left - 1)
		*at++ = c->record[__builtin_ctzll(left)].flags;
	for (int column = 0; column < INDEX_COLUMNS; column++)
		put_column(&at, c, (enum index_column)column);
	len = (size_t)(at - to);
	to[0] = CHUNK_VERSION;
	put_le(&crc, crc32c(0, to + CHUNK_HEAD, len - CHUNK_HEAD), 4);
	return len;
}

static void
fill_records(struct index_chunk *c, const struct index_columns *from)
{
	unsigned i = 0;

	for (uint64_t left = c->present; left != 0; left &= left - 1, i++) {
		unsigned n = (unsigned)__builtin_ctzll(left);
		bool has_size = from->sizes >> n & 1;
		bool has_date = from->dates >> n & 1;
		struct index_record *r = &c->record[n];

		r->modseq = from->number[INDEX_MODSEQ][i];
		r->ino = from->number[INDEX_INO][i];
		r->crlf_size = has_size ? from->number[INDEX_SIZE][i] : 0;
		r->date =
		    has_date
			? (int64_t)(from->number[INDEX_DATE][i] ^ DATE_SIGN)
			: 0;
		r->keywords = from->number[INDEX_KEYWORDS][i];
		r->flags = from->flags[i] & FLAG_ALL;
		r->has_size = has_size;
		r->has_date = has_date;
	}
}

static bool
parse_columns(const uint8_t *at, const uint8_t *end, enum index_column few,
    struct index_columns *c)
{
	if (end - at < BITS_LEN)
		return false;
	c->present = get_le(at, 8);
	c->sizes = get_le(at + 8, 8);
	c->dates = get_le(at + 16, 8);
	c->n = (unsigned)__builtin_popcountll(c->present);
	c->flags = at + BITS_LEN;
	if (c->n == 0 || ((c->sizes | c->dates) & ~c->present) != 0 ||
	    end - c->flags < (ptrdiff_t)c->n)
		return false;
	at = c->flags + c->n;
	for (enum index_column i = 0; i < INDEX_COLUMNS; i++)
		if (!take_column(&at, end, c->n, i < few ? c->number[i] : NULL))
			return false;
	return at == end;
}

enum parse
index_columns_parse(
    struct slice in, enum index_column few, struct index_columns *c)
{
	const uint8_t *at = (const uint8_t *)in.at;

	if (in.len < CHUNK_HEAD || in.len > CHUNK_MAX ||
	    at[0] != CHUNK_VERSION ||
	    get_le(at + 1, 4) !=
		crc32c(0, at + CHUNK_HEAD, in.len - CHUNK_HEAD))
		return PARSE_BAD;
	return parse_columns(at + CHUNK_HEAD, at + in.len, few, c) ? PARSE_OK
								   : PARSE_BAD;
}

enum parse
index_chunk_parse(struct slice in, struct index_chunk *c)
{
	struct index_columns columns;

	c->present = 0;
	if (index_columns_parse(in, INDEX_COLUMNS, &columns) != PARSE_OK)
		return PARSE_BAD;
	c->present = columns.present;
	fill_records(c, &columns);
	return PARSE_OK;
}

/* ---- views ---- */

void
index_view_pack(const struct index_view *v, uint8_t to[VIEW_LEN])
{
	struct ipc_writer w;

	ipc_writer_init(&w, to, VIEW_LEN);
	ipc_put_u8(&w, VIEW_VERSION);
	ipc_put_u64(&w, (uint64_t)v->cur_sec);
	ipc_put_u32(&w, v->cur_nsec);
	ipc_put_u64(&w, v->cur_ino);
	ipc_put_u64(&w, (uint64_t)v->new_sec);
	ipc_put_u32(&w, v->new_nsec);
	ipc_put_u64(&w, v->new_ino);
	ipc_put_u32(&w, v->count);
	ipc_put_u32(&w, v->unseen);
	ipc_put_u32(&w, v->first_unseen);
	ipc_put_u32(&w, crc32c(0, v->rows.at, v->rows.len));
	ipc_put_u32(&w, crc32c(0, to, VIEW_LEN - 4));
}

void
index_view_row_pack(uint32_t number, uint64_t present, uint8_t to[VIEW_ROW_LEN])
{
	put_le(&to, number, 4);
	put_le(&to, present, 8);
}

void
index_view_row(struct slice rows, size_t i, uint32_t *number, uint64_t *present)
{
	const uint8_t *at = (const uint8_t *)rows.at + i * VIEW_ROW_LEN;

	*number = (uint32_t)get_le(at, 4);
	*present = get_le(at + 4, 8);
}

enum parse
index_view_parse(struct slice in, struct index_view *v)
{
	struct ipc_reader r;
	uint32_t crc, rows_crc;
	uint8_t version;

	if (in.len < VIEW_LEN)
		return PARSE_BAD;
	v->rows = slice_skip(in, VIEW_LEN);
	ipc_reader_init(&r, slice_of(in.at, VIEW_LEN));
	version = ipc_get_u8(&r);
	v->cur_sec = (int64_t)ipc_get_u64(&r);
	v->cur_nsec = ipc_get_u32(&r);
	v->cur_ino = ipc_get_u64(&r);
	v->new_sec = (int64_t)ipc_get_u64(&r);
	v->new_nsec = ipc_get_u32(&r);
	v->new_ino = ipc_get_u64(&r);
	v->count = ipc_get_u32(&r);
	v->unseen = ipc_get_u32(&r);
	v->first_unseen = ipc_get_u32(&r);
	rows_crc = ipc_get_u32(&r);
	crc = ipc_get_u32(&r);
	return ipc_reader_end(&r) == 0 && version == VIEW_VERSION &&
		       v->rows.len % VIEW_ROW_LEN == 0 &&
		       crc == crc32c(0, in.at, VIEW_LEN - 4) &&
		       rows_crc == crc32c(0, v->rows.at, v->rows.len)
		   ? PARSE_OK
		   : PARSE_BAD;
}

static void
put_be32(uint8_t *to, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t
get_be32(const char *from)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 8 | (uint8_t)from[i];
	return v;
}

void
index_key_pack(enum index_table table, uint32_t uidvalidity, uint32_t uid,
    uint8_t kind, uint8_t to[INDEX_KEY_LEN])
{
	to[0] = (uint8_t)table;
	put_be32(to + 1, uidvalidity);
	put_be32(to + 5, uid);
	to[9] = kind;
}

bool
index_key_parse(struct slice in, enum index_table table, uint32_t uidvalidity,
    uint32_t *uid)
{
	if (in.len != INDEX_KEY_LEN || (uint8_t)in.at[0] != table ||
	    get_be32(in.at + 1) != uidvalidity)
		return false;
	*uid = get_be32(in.at + 5);
	return true;
}

void
index_blob_head(struct slice blob, uint8_t to[INDEX_BLOB_HEAD_LEN])
{
	to[0] = BLOB_VERSION;
	put_be32(to + 1, crc32c(0, blob.at, blob.len));
}

enum parse
index_blob_parse(struct slice value, struct slice *blob)
{
	if (value.len < INDEX_BLOB_HEAD_LEN || value.at[0] != BLOB_VERSION)
		return PARSE_BAD;
	*blob = slice_skip(value, INDEX_BLOB_HEAD_LEN);
	if (get_be32(value.at + 1) != crc32c(0, blob->at, blob->len))
		return PARSE_BAD;
	return PARSE_OK;
}
