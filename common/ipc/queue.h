/*
 * Into the queue: QUEUE_IDS, CONTENT, CONTENT_KEPT, ENQUEUE, ENQUEUED,
 * ENQUEUE_REFUSED, ENQUEUE_ABORT; and FLUSH_ASK, FLUSH_BEGUN.
 *
 * A mail transaction takes one queue id from its lease when it begins.  As its
 * content grows past QUEUE_PART_MAX, each full memfd is sealed and sent as
 * CONTENT, parts 0, 1, 2, ... of that queue id, the next one after its
 * CONTENT_KEPT.  (A part that a milter has made anew may be less than full.)  ENQUEUE brings the envelope and the last part, usually part
 * 0.  A transaction that ends without ENQUEUE after a CONTENT is ended by
 * ENQUEUE_ABORT; one whose channel goes is forgotten.
 *
 * Every memfd has all of F_SEAL_WRITE, GROW, SHRINK and SEAL and exactly the
 * size announced.  Content is the whole message: smtpd's Received field first,
 * CRLF line ends, no bare CR or LF, no dot-stuffing.
 *
 * encode answers the length of the body, or 0 when it does not fit; buf has
 * room for the row's greatest size in messages.h.  decode answers 0, or -1
 * when malformed; slices point into the body.
 */
#ifndef COMMON_IPC_QUEUE_H
#define COMMON_IPC_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "common/ipc/envelope.h"
#include "common/slice/slice.h"

enum {
	QUEUE_PART_MAX = 256 * 1024,	/* octets in one memfd of content */
	QUEUE_ENVELOPE_INLINE = 32 * 1024, /* above: in a memfd of its own */
	QUEUE_SMALL_BODY_MAX = 64,
	QUEUE_REFUSED_MAX = 512,	/* octets of a body */
	QUEUE_TEXT_MAX = 400,
	QUEUE_ENQUEUE_MAX = 36000
};

/* QUEUE_IDS: use each once, in any order; a new lease adds to the old. */
struct queue_ids {
	uint64_t	first;
	uint32_t	count;
};

size_t queue_ids_encode(const struct queue_ids *, void *buf);
int queue_ids_decode(struct slice body, struct queue_ids *);

/* CONTENT (octets: of this memfd) and CONTENT_KEPT (octets: 0). */
struct queue_part {
	uint64_t	queue_id;
	uint32_t	part;
	uint32_t	octets;
};

size_t queue_part_encode(const struct queue_part *, void *buf);
int queue_part_decode(struct slice body, struct queue_part *);

struct queue_enqueue {
	uint64_t	queue_id;
	uint32_t	last_part;	/* how many CONTENT went before */
	uint32_t	last_octets;	/* of the first descriptor */
	uint64_t	content_octets;	/* of all parts */
	/* Octets of the envelope; above QUEUE_ENVELOPE_INLINE it stands in
	 * the second descriptor and envelope is empty. */
	uint32_t	envelope_octets;
	struct slice	envelope;
};

size_t queue_enqueue_encode(const struct queue_enqueue *, void *buf);
int queue_enqueue_decode(struct slice body, struct queue_enqueue *);

/* ENQUEUED and ENQUEUE_ABORT. */
size_t queue_id_encode(uint64_t queue_id, void *buf);
int queue_id_decode(struct slice body, uint64_t *queue_id);

/* ENQUEUE_REFUSED: what to tell the client. */
struct queue_refused {
	uint64_t	queue_id;
	uint16_t	code;		/* 4yz or 5yz */
	uint8_t		enhanced[3];	/* RFC 3463 */
	struct slice	text;		/* printable ASCII, one line */
};

size_t queue_refused_encode(const struct queue_refused *, void *buf);
int queue_refused_decode(struct slice body, struct queue_refused *);

/* FLUSH_ASK: what a client of smtpd wants tried now (ETRN, RFC 1985). */
enum queue_flush_kind {
	QUEUE_FLUSH_DOMAIN = 1,	/* a domain, or an address literal */
	QUEUE_FLUSH_BELOW,	/* "@": it, and all domains below it */
	QUEUE_FLUSH_ROUTE	/* "#": what goes by the route of that name */
};

enum { QUEUE_FLUSH_NAME_MAX = 255, QUEUE_FLUSH_BODY_MAX = 300 };

struct queue_flush_ask {
	enum queue_flush_kind kind;
	struct slice	name;	/* small letters, printable ASCII, no blanks */
};

size_t queue_flush_ask_encode(const struct queue_flush_ask *, void *buf);
int queue_flush_ask_decode(struct slice body, struct queue_flush_ask *);

/* FLUSH_BEGUN */
enum queue_flush_verdict {
	QUEUE_FLUSH_BEGUN = 1,
	QUEUE_FLUSH_NOTHING,	/* nothing waits */
	QUEUE_FLUSH_ALREADY,	/* it was begun within the last minute */
	QUEUE_FLUSH_BUSY	/* too many others were: not now */
};

struct queue_flush_answer {
	enum queue_flush_verdict verdict;
	uint32_t	waiting;	/* messages, with QUEUE_FLUSH_BEGUN */
	bool		more;		/* or more than that */
};

size_t queue_flush_answer_encode(const struct queue_flush_answer *, void *buf);
int queue_flush_answer_decode(struct slice body, struct queue_flush_answer *);

#endif
