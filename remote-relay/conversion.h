/*
 * Conversions of messages for hosts that take less than they are (common/
 * message/downgrade.h), found out a step per turn of the event loop.  At most
 * CONVERSIONS_AT_ONCE messages are looked at at the same time: the others wait
 * and hold no memory.  What is known of one is held until it has been sent; all
 * together CONVERSIONS_HELD_MAX octets, not counting those that hold little.
 */
#ifndef REMOTE_RELAY_CONVERSION_H
#define REMOTE_RELAY_CONVERSION_H

#include "common/message/downgrade.h"
#include "remote-relay/turns.h"

enum {
	CONVERSIONS_AT_ONCE = 4,
	CONVERSIONS_HELD_MAX = 64 * 1024 * 1024,
	CONVERSION_LITTLE = 128 * 1024
};

struct conversion;

struct conversions {
	struct turns *turns; /* borrowed */
	unsigned n;          /* that are looked at */
	size_t held, held_max;
	TAILQ_HEAD(conversion_queue, conversion) waiting;
};

/* Part of the transaction; all zero where nothing is converted. */
struct conversion {
	struct conversions *all;       /* NULL: none was begun, or it is
					* known how it went */
	TAILQ_ENTRY(conversion) entry; /* if it waits */
	bool waits;
	struct conversions *holder; /* of what it holds; NULL: little */
	size_t holds;
	struct turn turn;
	struct downgrade *d; /* NULL before its first turn */
	struct downgrade_source source;
	unsigned flags;
	void (*done)(void *ctx, enum downgrade_verdict);
	void *ctx;
};

void conversions_init(struct conversions *, struct turns *);

/*
 * done(ctx, verdict) follows from the event loop, never from inside this;
 * then d is the converted message, or of no use.  DOWNGRADE_FAILED with
 * ENOBUFS: too much is held by others now.  conversion_clear() at any time ends
 * it and frees d.
 */
void conversion_begin(struct conversions *, struct conversion *,
    const struct downgrade_source *, unsigned flags,
    void (*done)(void *ctx, enum downgrade_verdict), void *ctx);
void conversion_clear(struct conversion *);

#endif
