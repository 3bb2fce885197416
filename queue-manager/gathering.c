#include "queue-manager/gathering.h"

#include <assert.h>

/* Counted over the last 100 to 200 ms: up to FEW, nobody waits at all; MANY
 * wait a part of the limit, and a FLOOD all of it. */
enum { SLOT_MS = 100, FEW = 4, MANY = 20, FLOOD = 200, PART = 4, WHOLE = 1024 };

static void
count(struct gathering *g, uint64_t now)
{
	uint64_t age = now - g->slot_ms;

	if (now < g->slot_ms || age >= SLOT_MS) {
		g->former = age < 2 * SLOT_MS ? g->count : 0;
		g->count = 0;
		g->slot_ms = now;
	}
	g->count++;
}

/* Of the limit, in units of 1 / WHOLE. */
static unsigned
share(const struct gathering *g)
{
	unsigned lately = g->former + g->count, part = WHOLE / PART;

	if (lately <= FEW)
		return 0;
	if (lately < MANY)
		return part * (lately - FEW) / (MANY - FEW);
	if (lately >= FLOOD)
		return WHOLE;
	return part + (WHOLE - part) * (lately - MANY) / (FLOOD - MANY);
}

void
gathering_join(struct gathering *g, uint64_t now)
{
	unsigned s;

	count(g, now);
	if (g->n++ == 0) {
		g->first_ms = now;
		g->share = 0;
	}
	if ((s = share(g)) > g->share)
		g->share = s;
	g->last_ms = now;
}

void
gathering_expects(struct gathering *g, uint64_t now)
{
	g->last_ms = now;
}

void
gathering_leave(struct gathering *g)
{
	assert(g->n > 0);
	g->n--;
}

void
gathering_begun(struct gathering *g)
{
	g->n = 0;
}

uint64_t
gathering_ends(const struct gathering *g, uint64_t limit)
{
	uint64_t wait = limit * g->share / WHOLE;
	uint64_t last = g->last_ms + GATHERING_PAUSE_MS;

	if (g->n == 0)
		return UINT64_MAX;
	return g->first_ms + wait < last ? g->first_ms + wait : last;
}
