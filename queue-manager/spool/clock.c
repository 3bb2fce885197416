#include "queue-manager/spool/clock.h"

#include <time.h>

enum { CLOCKS_AGREE_MS = 10000 };

/* How long we were down. */
static uint64_t
down(const struct clock_mark *last, uint64_t boot_ms, int64_t wall_ms)
{
	int64_t wall, boot;

	if (__builtin_sub_overflow(wall_ms, last->wall_ms, &wall))
		wall = 0;
	if (boot_ms >= last->boot_ms) {
		boot = (int64_t)(boot_ms - last->boot_ms);
		if (wall - boot < CLOCKS_AGREE_MS &&
		    boot - wall < CLOCKS_AGREE_MS)
			return (uint64_t)boot;	/* the same boot */
	}
	if (wall < 0)
		return 0;
	return wall > CLOCK_DOWN_MAX ? CLOCK_DOWN_MAX : (uint64_t)wall;
}

void
spool_clock_resume(struct spool_clock *c, const struct clock_mark *last,
    uint64_t seen_ms, uint64_t boot_ms, int64_t wall_ms)
{
	uint64_t spool = last->spool_ms;

	if (last->spool_ms > 0)
		spool += down(last, boot_ms, wall_ms);
	c->spool_ms = spool > seen_ms ? spool : seen_ms;
	if (c->spool_ms == 0)
		c->spool_ms = 1;
	c->boot_ms = boot_ms;
}

uint64_t
spool_clock_at(const struct spool_clock *c, uint64_t boot_ms)
{
	return c->spool_ms + (boot_ms - c->boot_ms);
}

static int64_t
clock_ms(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t
clock_boot_ms(void)
{
	return (uint64_t)clock_ms(CLOCK_BOOTTIME);
}

int64_t
clock_wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}
