/*
 * The index: which messages are not settled, so that memory need hold only
 * those that are being worked on, and a restart need read only the end of the
 * log.  A cache: lost, damaged or of another version, it is made again from
 * the segments.
 *
 * Four tables in one LMDB environment (keys big-endian, so that they sort):
 *	message		id -> place, state (message.h), CRC-32C
 *	due		due time, id -> nothing; not for held messages
 *	destination	hash of an address' domain or of the address, id -> nothing
 *	meta		"meta" -> struct index_meta; 's', generation -> live octets
 *
 * Invariant X1: meta is written in the transaction that brings the tables to
 * the same point of the log.  A message that is not settled is in `message`,
 * or its record stands at meta.replay or behind it.
 *
 * Writing is for one thread, reading for the event loop.
 */
#ifndef QUEUE_MANAGER_SPOOL_INDEX_H
#define QUEUE_MANAGER_SPOOL_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice/slice.h"
#include "queue-manager/spool/log.h"
#include "queue-manager/spool/segment.h"

struct index;

struct index_meta {
	uint64_t	nonce;		/* of the spool that it is about */
	struct place	replay;		/* where reading the log begins */
	struct place	end;		/* what counters and live are as of */
	struct counters	counters;
	struct clock_mark clock;
	uint64_t	id_ceiling;
	uint64_t	open, held;	/* recipients: not settled; of them held */
	uint64_t	messages;	/* not settled */
};

struct index_live {
	uint64_t	generation, live;
};

/* One message as it is now, or its end. */
struct index_op {
	uint64_t	id;
	uint8_t		*value;		/* heap; NULL: settled, delete it */
	size_t		 len;
};

/* One transaction. */
struct index_batch {
	struct index_op	*ops;
	size_t		 n;
	bool		 with_meta;
	struct index_meta meta;
	struct index_live *live;
	size_t		 n_live;
};

/*
 * Open the one in dir (a descriptor, and its path as LMDB wants one).  What
 * is there but unusable is removed, *why says what it was, and an empty one
 * is made.  NULL with *why when even that fails.
 */
struct index *index_open(int dir, const char *path, size_t map_size,
    const char **why);
void index_close(struct index *);
/* Empty it: it does not belong to this spool. */
int index_reset(struct index *);

/* False when it holds none: it is new, or being made again. */
bool index_get_meta(struct index *, struct index_meta *);
/* At most max; how many there are. */
size_t index_get_live(struct index *, struct index_live *, size_t max);

/* 0, ENOSPC, EBADMSG when the index is damaged, or another errno.  In the
 * writing thread. */
int index_write(struct index *, const struct index_batch *);

enum index_answer { INDEX_FOUND, INDEX_NONE, INDEX_CORRUPT };

/* place and state of a message: a buffer that the caller frees. */
enum index_answer index_get(struct index *, uint64_t id, uint8_t **value,
    struct slice *state, struct place *place);
/* Ids of messages that are due up to now, earliest first, at most max, from
 * the (due, id) in *after on, which is moved behind the last. */
struct index_cursor {
	uint64_t	first, id;
};
size_t index_due(struct index *, uint64_t now, struct index_cursor *after,
    uint64_t *ids, size_t max);
/* When the first one is due; UINT64_MAX: none. */
uint64_t index_next_due(struct index *);
/* Ids greater than after, ascending; of one destination, or of all (0). */
size_t index_list(struct index *, uint64_t destination, uint64_t after,
    uint64_t *ids, size_t max);

/* Never 0.  Letters' case does not count. */
uint64_t index_destination(struct slice address_or_domain);

/* Build a value for an index_op: place, then the state's octets. */
enum { INDEX_VALUE_HEAD = 16, INDEX_VALUE_TAIL = 4 };
void index_value_seal(uint8_t *value, size_t len, const struct place *);

/*
 * A damaged map can kill us inside LMDB.  After index_guard (before the filter
 * on system calls) SIGSEGV, SIGBUS and SIGABRT first leave a mark in dir, once
 * index_guard_dir has named it, so that the next start makes the index again
 * instead of dying in the same place.
 */
void index_guard(void);
void index_guard_dir(int dir);

#endif
