#include "queue-manager/gathering.h"

#include <assert.h>

/* Counted over the last 100 to 200 ms: up to FEW, nobody waits at all; from
 * MANY on, all of the limit. */
enum { SLOT_MS = 100, FEW = 4, MANY = 20 };

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

void
gathering_join(struct gathering *g, uint64_t now)
{
	count(g, now);
	if (g->n++ == 0)
		g->first_ms = now;
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

/* G3 */
static uint64_t
wait_ms(const struct gathering *g, uint64_t limit)
{
	unsigned lately = g->former + g->count;

	if (lately <= FEW)
		return 0;
	if (lately >= MANY)
		return limit;
	return limit * (lately - FEW) / (MANY - FEW);
}

uint64_t
gathering_ends(const struct gathering *g, uint64_t limit)
{
	uint64_t wait = wait_ms(g, limit);
	uint64_t last = g->last_ms + GATHERING_PAUSE_MS;

	if (g->n == 0)
		return UINT64_MAX;
	return g->first_ms + wait < last ? g->first_ms + wait : last;
}
