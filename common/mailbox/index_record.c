#include "common/mailbox/index_record.h"

#include <string.h>

#include "common/checksum/crc32c.h"
#include "common/ipc/codec.h"
#include "common/mailbox/maildir_name.h"

enum {
	CHUNK_VERSION = 1,
	VIEW_VERSION = 1,
	BLOB_VERSION = 1,
	/* second octet of a record, beside the flags of a message */
	HAS_SIZE = 0x40,
	HAS_DATE = 0x80
};

/* ---- numbers of 1 to 10 octets, 7 bits in each, the lowest first ---- */

static void
put_varint(uint8_t **to, uint64_t v)
{
	for (; v > 0x7f; v >>= 7)
		*(*to)++ = (uint8_t)(v | 0x80);
	*(*to)++ = (uint8_t)v;
}

static bool
take_varint(const uint8_t **at, const uint8_t *end, uint64_t *v)
{
	*v = 0;
	for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
		uint8_t b = *(*at)++;

		if (shift == 63 && b > 1)
			return false;
		*v |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80)
			return true;
	}
	return false;
}

/* Small numbers of either sign become small ones. */
static uint64_t
zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static int64_t
unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

/* ---- chunks ---- */

static void
put_record(uint8_t **to, unsigned n, const struct index_record *r)
{
	*(*to)++ = (uint8_t)n;
	*(*to)++ = (uint8_t)(r->flags | (r->has_size ? HAS_SIZE : 0) |
			     (r->has_date ? HAS_DATE : 0));
	put_varint(to, r->keywords);
	put_varint(to, r->modseq);
	put_varint(to, r->ino);
	if (r->has_size)
		put_varint(to, r->crlf_size);
	if (r->has_date)
		put_varint(to, zigzag(r->date));
}

static bool
take_record(const uint8_t **at, const uint8_t *end, struct index_record *r)
{
	uint64_t date = 0;
	uint8_t flags = *(*at)++;

	r->has_size = flags & HAS_SIZE;
	r->has_date = flags & HAS_DATE;
	r->flags = flags & FLAG_ALL;
	r->crlf_size = 0;
	if (!take_varint(at, end, &r->keywords) ||
	    !take_varint(at, end, &r->modseq) ||
	    !take_varint(at, end, &r->ino) ||
	    (r->has_size && !take_varint(at, end, &r->crlf_size)) ||
	    (r->has_date && !take_varint(at, end, &date)))
		return false;
	r->date = unzigzag(date);
	return true;
}

static void
put_le32(uint8_t *to, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(v >> (8 * i));
}

size_t
index_chunk_pack(const struct index_chunk *c, uint8_t to[CHUNK_MAX])
{
	uint8_t *at = to + CHUNK_HEAD;
	size_t len;

	for (unsigned n = 0; n < CHUNK_UIDS; n++)
		if (c->present & UINT64_C(1) << n)
			put_record(&at, n, &c->record[n]);
	len = (size_t)(at - to);
	to[0] = CHUNK_VERSION;
	put_le32(to + 1, crc32c(0, to + CHUNK_HEAD, len - CHUNK_HEAD));
	return len > CHUNK_HEAD ? len : 0;
}

enum parse
index_chunk_parse(struct slice in, struct index_chunk *c)
{
	const uint8_t *at = (const uint8_t *)in.at, *end = at + in.len;
	uint8_t crc[4];
	int last = -1;

	c->present = 0;
	if (in.len < CHUNK_HEAD || in.len > CHUNK_MAX || at[0] != CHUNK_VERSION)
		return PARSE_BAD;
	put_le32(crc, crc32c(0, at + CHUNK_HEAD, in.len - CHUNK_HEAD));
	if (memcmp(crc, at + 1, 4) != 0)
		return PARSE_BAD;
	for (at += CHUNK_HEAD; end - at >= 2;
	     c->present |= UINT64_C(1) << last) {
		if (*at >= CHUNK_UIDS || *at <= last)
			return PARSE_BAD;
		last = *at++;
		if (!take_record(&at, end, &c->record[last]))
			return PARSE_BAD;
	}
	return at == end ? PARSE_OK : PARSE_BAD;
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
	ipc_put_u32(&w, crc32c(0, to, VIEW_LEN - 4));
}

enum parse
index_view_parse(struct slice in, struct index_view *v)
{
	struct ipc_reader r;
	uint8_t version;
	uint32_t crc;

	ipc_reader_init(&r, in);
	version = ipc_get_u8(&r);
	v->cur_sec = (int64_t)ipc_get_u64(&r);
	v->cur_nsec = ipc_get_u32(&r);
	v->cur_ino = ipc_get_u64(&r);
	v->new_sec = (int64_t)ipc_get_u64(&r);
	v->new_nsec = ipc_get_u32(&r);
	v->new_ino = ipc_get_u64(&r);
	v->count = ipc_get_u32(&r);
	crc = ipc_get_u32(&r);
	return ipc_reader_end(&r) == 0 && version == VIEW_VERSION &&
		       crc == crc32c(0, in.at, VIEW_LEN - 4)
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
