/*
 * What a segment file holds: a block with its header, then batches of
 * records.  Pure functions over octets; the files are in files.h.
 *
 *	octets 0..511		header
 *	from SEGMENT_BLOCK on	batches, each beginning at a multiple of
 *				SEGMENT_BLOCK, the last record of each marked
 *				RECORD_LAST
 *
 * Invariants:
 *  S1  A sector that holds a part of a durable batch is never written again
 *	in this generation: a batch begins in a block of its own.
 *  S2  A batch is written only after the batch before it was durable, so
 *	that only the last one can be torn.
 *  S3  The header fits one sector of 512 octets: it is there or it is not.
 */
#ifndef QUEUE_MANAGER_SPOOL_SEGMENT_H
#define QUEUE_MANAGER_SPOOL_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice/slice.h"
#include "queue-manager/spool/record.h"

enum {
	SEGMENT_VERSION = 1,
	SEGMENT_BLOCK = 4096,
	SEGMENT_HEADER = 512,
	SEGMENT_VOIDS_MAX = 16,
	GENERATION_RANDOM_BITS = 40
};

/* Cumulative, in expanded recipients, since the spool was made. */
struct counters {
	uint64_t	accepted, delivered, bounced, expired, deleted;
};

/* The spool's own time and what the machine's clocks said then. */
struct clock_mark {
	uint64_t	spool_ms;
	uint64_t	boot_ms;
	int64_t		wall_ms;
};

/* From batch on, nothing in that segment counts: its sync failed. */
struct segment_void {
	uint64_t	generation;
	uint32_t	batch;
};

struct segment_header {
	uint64_t	generation;
	uint64_t	size;		/* of the file */
	uint64_t	nonce;		/* of the spool */
	uint64_t	tail;		/* segments below it are dead */
	uint64_t	id_ceiling;	/* as RECORD_IDS */
	struct counters	counters;	/* before its first record */
	struct clock_mark clock;
	uint32_t	n_voids;
	struct segment_void voids[SEGMENT_VOIDS_MAX];
};

/* The number in a generation that counts; the rest is random. */
static inline uint64_t
generation_ordinal(uint64_t generation)
{
	return generation >> GENERATION_RANDOM_BITS;
}

void segment_header_encode(const struct segment_header *,
    uint8_t to[SEGMENT_HEADER]);

enum segment_header_state {
	SEGMENT_OK,
	SEGMENT_BLANK,		/* never used: all zeros */
	SEGMENT_UNKNOWN,	/* a version that we do not know: hands off */
	SEGMENT_DAMAGED
};

enum segment_header_state segment_header_decode(
    const uint8_t from[SEGMENT_HEADER], struct segment_header *);

static inline size_t
segment_round(size_t at)
{
	return (at + SEGMENT_BLOCK - 1) & ~(size_t)(SEGMENT_BLOCK - 1);
}

/* Walking through a segment. */
struct segment_scan {
	struct slice	 in;		/* the whole file */
	uint64_t	 generation;
	size_t		 at;
	uint32_t	 batch;		/* of the last valid record, or 0 */
	bool		 mid_batch;	/* its batch goes on */
};

struct segment_item {
	enum {
		ITEM_RECORD,	/* intact */
		ITEM_CORRUPT,	/* [offset, offset + len) is damaged, intact
				 * records of this generation follow */
		ITEM_TORN,	/* damaged or cut off, and nothing follows */
		ITEM_END	/* the log ends cleanly at offset */
	}		 kind;
	size_t		 offset, len;
	struct record	 record;
};

void segment_scan_begin(struct segment_scan *, struct slice in,
    uint64_t generation, size_t at);
/* The next item; after ITEM_TORN and ITEM_END there is none. */
void segment_scan_next(struct segment_scan *, struct segment_item *);

#endif
