/*
 * Memory of one command: taken piece by piece, given back all at once.
 */
#ifndef IMAPD_SESSION_ARENA_H
#define IMAPD_SESSION_ARENA_H

#include <stddef.h>

#include "common/slice/slice.h"

#define ARENA_MAX (2 * 1024 * 1024)	/* octets of one command's arguments */

struct arena {
	struct arena_block	*blocks;
	size_t			 used;
};

/* Aligned for anything, zeroed; NULL past ARENA_MAX or without memory. */
void *arena_alloc(struct arena *, size_t n, size_t size);
/* A copy with one NUL behind it; at is NULL without memory. */
struct slice arena_copy(struct arena *, struct slice);
void arena_clear(struct arena *);

#endif
