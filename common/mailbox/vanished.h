/*
 * The record of expunged UIDs (RFC 7162 section 3.2.7), one per folder, kept in
 * the index (pure: the index is folder_index.c's affair).
 *
 * What always holds:
 * X1  A UID that was expunged after the modification sequence floor is in a
 *     range, or is above highest.  So an answer that names the ranges above a
 *     client's modification sequence and all that is missing above highest names
 *     no UID too few; one for a client below floor names all that is missing.
 * X2  It is bounded: the oldest ranges are given up, and floor rises to them.
 * X3  A record that does not parse is not there.  Whoever makes a new one puts
 *     floor at the highest modification sequence that was ever handed out.
 */
#ifndef COMMON_MAILBOX_VANISHED_H
#define COMMON_MAILBOX_VANISHED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/slice/slice.h"

enum {
	VANISHED_MAX = 1024,	/* ranges */
	VANISHED_HEAD = 24,	/* octets before them, with the checksum */
	VANISHED_RANGE = 16,
	VANISHED_SIZE = VANISHED_HEAD + VANISHED_MAX * VANISHED_RANGE
};

struct vanished_range {
	uint64_t	modseq;
	uint32_t	first, last;	/* UIDs */
};

struct vanished {
	uint64_t	floor;
	uint32_t	highest;	/* UID that the index has known */
	uint32_t	len;
	struct vanished_range range[VANISHED_MAX];	/* modseq ascending */
};

/* Returns the length written. */
size_t vanished_pack(const struct vanished *, uint8_t to[VANISHED_SIZE]);
enum parse vanished_parse(struct slice, struct vanished *);

/* UIDs first..last were expunged at modseq, which is not below any before. */
void vanished_add(struct vanished *, uint32_t first, uint32_t last,
    uint64_t modseq);
/* The message is there after all (its file had only been overlooked). */
void vanished_remove(struct vanished *, uint32_t uid);
bool vanished_has(const struct vanished *, uint32_t uid);

#endif
