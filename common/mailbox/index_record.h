/*
 * What the index keeps of messages, packed (pure).  All of it can be found
 * again in the Maildir, so what does not parse is simply not there.
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
	uint64_t keywords;
	uint8_t		flags;		/* FLAG_* */
	bool		has_size;
	bool		has_date;
};

/*
 * The records of 64 UIDs, from a multiple of 64 on, are one value, in columns:
 * some 10 octets for each.
 */
enum {
	CHUNK_UIDS = 64,
	CHUNK_HEAD = 5, /* version, CRC-32C of the rest */
	CHUNK_MAX = CHUNK_HEAD + 3 * 8 + 5 * 9 + CHUNK_UIDS * (1 + 5 * 8)
};

struct index_chunk {
	uint64_t present; /* bit n: record[n] is there */
	struct index_record record[CHUNK_UIDS];
};

/* The length written; 0 when no record is present. */
size_t index_chunk_pack(const struct index_chunk *, uint8_t to[CHUNK_MAX]);
/* PARSE_BAD: another version, length or checksum. */
enum parse index_chunk_parse(struct slice, struct index_chunk *);

enum index_column {
	INDEX_KEYWORDS,
	INDEX_MODSEQ,
	INDEX_INO,
	INDEX_VIEW_COLUMNS, /* a view needs no others */
	INDEX_SIZE = INDEX_VIEW_COLUMNS,
	INDEX_DATE, /* as it orders, see index_record.c */
	INDEX_COLUMNS
};

/* The same records as they are stored: those that are present, side by side. */
struct index_columns {
	uint64_t present, sizes, dates; /* bits, as in struct index_chunk */
	unsigned n;
	const uint8_t *flags; /* n of them; in the value that was read */
	uint64_t number[INDEX_COLUMNS][CHUNK_UIDS];
};

/* Only the first few columns are taken out, but all is checked.  For who reads
 * all chunks of a folder: nothing is moved that he has no use for. */
enum parse index_columns_parse(
    struct slice, enum index_column few, struct index_columns *);

/*
 * A folder as it was when its directories had these times of change: which UIDs
 * there were, and what is counted.  Who finds the same times need not read the
 * directories, nor the records above.
 */
struct index_view {
	int64_t cur_sec, new_sec;
	uint32_t cur_nsec, new_nsec;
	uint64_t cur_ino, new_ino;
	uint32_t count;
	uint32_t unseen, first_unseen; /* a sequence number, 0: none */
	struct slice rows;             /* of VIEW_ROW_LEN octets, see below */
};

enum { VIEW_LEN = 61, VIEW_ROW_LEN = 12 };
/* What stands before the rows. */
void index_view_pack(const struct index_view *, uint8_t to[VIEW_LEN]);
/* rows point into what was parsed. */
enum parse index_view_parse(struct slice, struct index_view *);
/* A row: of the chunk of that number, which UIDs are there. */
void index_view_row_pack(
    uint32_t number, uint64_t present, uint8_t to[VIEW_ROW_LEN]);
void index_view_row(
    struct slice rows, size_t i, uint32_t *number, uint64_t *present);

/*
 * A key: table, number of the folder, UID (or UID / 64), kind; numbers
 * big-endian, so that the order of keys is that of UIDs.
 */
enum index_table {
	INDEX_BLOB = 2,
	INDEX_VANISHED = 3,
	INDEX_USAGE = 4,
	INDEX_VIEW = 5,
	INDEX_CHUNK = 6
};
enum { INDEX_KEY_LEN = 10 };

void index_key_pack(enum index_table, uint32_t identity, uint32_t uid,
    uint8_t kind, uint8_t to[INDEX_KEY_LEN]);
/* false: no key of this table and folder. */
bool index_key_parse(
    struct slice, enum index_table, uint32_t identity, uint32_t *uid);

/* Blobs carry their checksum in front. */
enum { INDEX_BLOB_HEAD_LEN = 5 };
void index_blob_head(struct slice blob, uint8_t to[INDEX_BLOB_HEAD_LEN]);
enum parse index_blob_parse(struct slice value, struct slice *blob);

#endif
