#include "common/mailbox/index_record.h"

#include "common/checksum/crc32c.h"
#include "common/ipc/codec.h"
#include "common/mailbox/maildir_name.h"

enum { RECORD_VERSION = 1, BLOB_VERSION = 1, HAS_SIZE = 1, HAS_DATE = 2 };

void
index_record_pack(const struct index_record *r, uint8_t to[INDEX_RECORD_LEN])
{
	struct ipc_writer w;

	ipc_writer_init(&w, to, INDEX_RECORD_LEN);
	ipc_put_u8(&w, RECORD_VERSION);
	ipc_put_u8(&w, r->flags);
	ipc_put_u16(&w, (uint16_t)((r->has_size ? HAS_SIZE : 0) |
	    (r->has_date ? HAS_DATE : 0)));
	ipc_put_u32(&w, r->keywords);
	ipc_put_u64(&w, r->modseq);
	ipc_put_u64(&w, r->ino);
	ipc_put_u64(&w, r->has_size ? r->crlf_size : 0);
	ipc_put_u64(&w, r->has_date ? (uint64_t)r->date : 0);
	ipc_put_u32(&w, crc32c(0, to, INDEX_RECORD_LEN - 4));
}

enum parse
index_record_parse(struct slice in, struct index_record *r)
{
	struct ipc_reader rd;
	uint8_t version;
	uint16_t has;
	uint32_t crc;

	ipc_reader_init(&rd, in);
	version = ipc_get_u8(&rd);
	r->flags = ipc_get_u8(&rd);
	has = ipc_get_u16(&rd);
	r->has_size = has & HAS_SIZE;
	r->has_date = has & HAS_DATE;
	r->keywords = ipc_get_u32(&rd);
	r->modseq = ipc_get_u64(&rd);
	r->ino = ipc_get_u64(&rd);
	r->crlf_size = ipc_get_u64(&rd);
	r->date = (int64_t)ipc_get_u64(&rd);
	crc = ipc_get_u32(&rd);
	if (ipc_reader_end(&rd) == -1 || version != RECORD_VERSION ||
	    crc != crc32c(0, in.at, INDEX_RECORD_LEN - 4) ||
	    (r->flags & ~FLAG_ALL) || (r->keywords >> 26) != 0 ||
	    has > (HAS_SIZE | HAS_DATE))
		return PARSE_BAD;
	return PARSE_OK;
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
