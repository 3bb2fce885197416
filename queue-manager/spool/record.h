/*
 * One record of the log.
 *
 *	octets	field (little-endian)
 *	4	CRC-32C of all that follows, payload included
 *	4	length of the payload
 *	2	type (enum record_type)
 *	2	flags (enum record_flag)
 *	4	batch: one more than that of the batch before in this segment
 *	8	queue id, or 0
 *	8	generation of the segment
 *	n	payload, then zeros up to a multiple of RECORD_ALIGN
 *
 * The generation makes a record of the segment's former life worthless: one
 * that lies behind the new end is never replayed.  Its lower 40 bits are
 * random, so that nobody can send mail in which a resynchronising reader would
 * find a record.
 */
#ifndef QUEUE_MANAGER_SPOOL_RECORD_H
#define QUEUE_MANAGER_SPOOL_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "common/slice/slice.h"

enum {
	RECORD_HEADER = 32,
	RECORD_ALIGN = 8,
	RECORD_PAYLOAD_MAX = 8 * 1024 * 1024
};

enum record_type {
	RECORD_MESSAGE = 1,	/* envelope and content; or moved here */
	RECORD_EXPANDED,	/* who is behind a recipient */
	RECORD_RESULT,		/* what became of some recipients */
	RECORD_HOLD,		/* held or released by an operator */
	RECORD_IDS,		/* queue ids below this may have been used */
	RECORD_CLOCK,		/* spool, boot and wall clock at one moment */
	RECORD_TARGETS		/* EXPANDED, to other hosts, too */
};

enum record_flag {
	RECORD_LAST = 1u << 0,	/* ends its batch; zeros to the next block */
	RECORD_MOVED = 1u << 1	/* a MESSAGE known from before, compacted */
};

struct record {
	uint16_t	type, flags;
	uint32_t	batch;
	uint64_t	id;
	uint64_t	generation;
	struct slice	payload;
};

/* Octets that a record with this payload takes in the log. */
static inline size_t
record_size(size_t payload)
{
	return (RECORD_HEADER + payload + RECORD_ALIGN - 1) &
	    ~(size_t)(RECORD_ALIGN - 1);
}

/*
 * Write the header in front of a payload that already stands at
 * at + RECORD_HEADER, zero its padding, compute the CRC.  r->payload is only
 * asked for its length.
 */
void record_seal(uint8_t *at, const struct record *r);

/*
 * The record at the start of in.  PARSE_MORE: in ends before it does.
 * PARSE_BAD: no record of this generation, or damaged.  Type and flags are
 * not judged.  *r points into in.
 */
enum parse record_decode(struct slice in, uint64_t generation,
    struct record *r);

/* The fields of the header as they stand there, checked by nobody. */
struct record_peek {
	size_t		payload;
	uint16_t	type, flags;
	uint64_t	id, generation;
};

void record_peek(const uint8_t at[RECORD_HEADER], struct record_peek *);

#endif
