/*
 * What the index keeps of a message, packed (pure).  All of it can be found
 * again in the Maildir, so a record that does not parse is simply not there.
 */
#ifndef COMMON_MAILBOX_INDEX_RECORD_H
#define COMMON_MAILBOX_INDEX_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/slice/slice.h"

struct index_record {
	uint64_t	modseq;
	uint64_t	ino;		/* tells the original from a copy */
	uint64_t	crlf_size;	/* valid when has_size */
	int64_t		date;		/* valid when has_date */
	uint32_t	keywords;
	uint8_t		flags;		/* FLAG_* */
	bool		has_size;
	bool		has_date;
};

enum { INDEX_RECORD_LEN = 44 };

void index_record_pack(const struct index_record *,
    uint8_t to[INDEX_RECORD_LEN]);
/* PARSE_BAD: another version, length or checksum. */
enum parse index_record_parse(struct slice, struct index_record *);

/*
 * A key: table, uidvalidity, uid, kind; numbers big-endian, so that the
 * order of keys is that of UIDs.
 */
enum index_table {
	INDEX_MESSAGE = 1,
	INDEX_BLOB = 2,
	INDEX_VANISHED = 3,
	INDEX_USAGE = 4
};
enum { INDEX_KEY_LEN = 10 };

void index_key_pack(enum index_table, uint32_t uidvalidity, uint32_t uid,
    uint8_t kind, uint8_t to[INDEX_KEY_LEN]);
/* false: no key of this table and uidvalidity. */
bool index_key_parse(struct slice, enum index_table, uint32_t uidvalidity,
    uint32_t *uid);

/* Blobs carry their checksum in front. */
enum { INDEX_BLOB_HEAD_LEN = 5 };
void index_blob_head(struct slice blob, uint8_t to[INDEX_BLOB_HEAD_LEN]);
enum parse index_blob_parse(struct slice value, struct slice *blob);

#endif
