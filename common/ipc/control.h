/*
 * Operators and the queue: QUEUE_ASK, QUEUE_ROWS, QUEUE_DONE.
 *
 * One question is answered by any number of QUEUE_ROWS (each with at least
 * one row) and then one QUEUE_DONE.  A list comes in pages, and so does what
 * is to be done with many messages: ask again with after set to the answer's
 * next until that is 0.
 */
#ifndef COMMON_IPC_CONTROL_H
#define COMMON_IPC_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ipc/codec.h"
#include "common/slice/slice.h"

enum queue_verb {
	QUEUE_LIST = 1,	/* what waits, in order of queue id */
	QUEUE_SHOW,	/* one message with all its recipients */
	QUEUE_FLUSH,	/* try now: all, or those of one destination */
	QUEUE_RETRY,	/* try one message now */
	QUEUE_HOLD,	/* no attempt until released */
	QUEUE_RELEASE,
	QUEUE_DELETE,	/* settle as deleted: no delivery and no bounce */
	QUEUE_COUNT	/* the counters alone */
};

enum {
	QUEUE_PAGE_MAX = 1000,		/* rows of one page */
	QUEUE_ASK_MAX = 1024,		/* octets of a body */
	QUEUE_ROWS_MAX = 36000,
	QUEUE_DONE_MAX = 1024,
	QUEUE_REASON_MAX = 256,
	QUEUE_MTA_MAX = 300,
	QUEUE_ROUTE_MAX = 64,
	QUEUE_DESTINATION_MAX = 640
};

struct queue_ask {
	enum queue_verb	verb;
	/* SHOW; RETRY, HOLD, RELEASE, DELETE: 0 for all of destination. */
	uint64_t	queue_id;
	uint64_t	after;		/* 0, or next of the page before */
	uint32_t	limit;		/* 1..QUEUE_PAGE_MAX messages, for LIST
					 * and where queue_id is 0 */
	struct slice	destination;	/* a domain or address; empty: all.
					 * DELETE: of a message with others,
					 * too, those recipients alone */
};

enum queue_row_state {
	QUEUE_ROW_ACTIVE = 1,	/* being tried, or next in line */
	QUEUE_ROW_DEFERRED,	/* waits for its next attempt */
	QUEUE_ROW_HELD
};

/* A message, followed by n_recipients rows of its own: those not settled. */
struct queue_row {
	uint64_t	queue_id;
	enum queue_row_state state;
	int64_t		arrival;	/* seconds since 1970 */
	uint64_t	content_octets;
	struct slice	reverse_path;
	uint32_t	n_recipients;	/* not settled, in all */
	uint16_t	n_listed;	/* of them, that follow here */
};

struct queue_recipient_row {
	uint32_t	number;
	uint32_t	attempts;	/* so far */
	int64_t		next_attempt;	/* seconds since 1970; 0: now */
	struct slice	address;
	struct slice	reason;		/* of the last failure; may be empty */
	struct slice	route;		/* where it is at another host */
	/* Until when its destination rests after failures, or 0. */
	int64_t		rests_until;
};

enum queue_status {
	QUEUE_OK,
	QUEUE_NOT_FOUND,	/* no such message waits */
	QUEUE_BUSY,		/* a delivery is under way; ask again */
	QUEUE_FAILED		/* it could not be made durable */
};

/* In expanded recipients.  accepted is always the sum of the others. */
struct queue_counters {
	uint64_t	accepted, delivered, bounced, expired, deleted;
	uint64_t	held, queued;
};

struct queue_done {
	enum queue_status status;
	uint64_t	next;		/* ask again after this; or 0 */
	uint64_t	affected;	/* messages */
	uint64_t	busy;		/* and those that could not be: a delivery
					 * is under way */
	struct queue_counters counters;
};

/* encode: length, 0 when a field is over its limit.  decode: 0 or -1. */
size_t queue_ask_encode(const struct queue_ask *, void *buf);
int queue_ask_decode(struct slice body, struct queue_ask *);
size_t queue_done_encode(const struct queue_done *, void *buf);
int queue_done_decode(struct slice body, struct queue_done *);

/*
 * Rows are written one after the other into a writer over QUEUE_ROWS_MAX
 * octets; one that does not fit any more sets failed and is to be begun again
 * in the next body.  Read in the same order until the reader is empty; failed
 * tells of a malformed body.
 */
void queue_row_put(struct ipc_writer *, const struct queue_row *);
void queue_recipient_row_put(struct ipc_writer *,
    const struct queue_recipient_row *);
int queue_row_get(struct ipc_reader *, struct queue_row *);
int queue_recipient_row_get(struct ipc_reader *, struct queue_recipient_row *);

#endif
