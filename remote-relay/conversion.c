#include "remote-relay/conversion.h"

#include <errno.h>
#include <stddef.h>

void
conversions_init(struct conversions *all, struct turns *turns)
{
	*all = (struct conversions){ .turns = turns,
		.held_max = CONVERSIONS_HELD_MAX };
	TAILQ_INIT(&all->waiting);
}

/* Look at it from the next turn on. */
static void
admit(struct conversion *c)
{
	c->waits = false;
	c->all->n++;
	turns_add(c->all->turns, &c->turn);
}

/* Its place is free. */
static void
leave(struct conversion *c)
{
	struct conversions *all = c->all;
	struct conversion *next;

	turns_remove(all->turns, &c->turn);
	c->all = NULL;
	all->n--;
	if ((next = TAILQ_FIRST(&all->waiting)) == NULL)
		return;
	TAILQ_REMOVE(&all->waiting, next, entry);
	admit(next);
}

/* It stays until it has been sent. */
static enum downgrade_verdict
hold(struct conversions *all, struct conversion *c)
{
	size_t size = downgrade_memory(c->d);

	if (size <= CONVERSION_LITTLE)
		return DOWNGRADE_OK;
	if (size > all->held_max || all->held > all->held_max - size) {
		downgrade_free(c->d);
		c->d = NULL;
		errno = ENOBUFS;
		return DOWNGRADE_FAILED;
	}
	all->held += size;
	c->holder = all;
	c->holds = size;
	return DOWNGRADE_OK;
}

static void
on_turn(void *ctx)
{
	struct conversion *c = ctx;
	enum downgrade_verdict v = DOWNGRADE_FAILED;
	int saved;

	if (c->d == NULL)
		c->d = downgrade_begin(&c->source, c->flags);
	if (c->d != NULL)
		v = downgrade_plan(c->d);
	if (v == DOWNGRADE_MORE) {
		turns_add(c->all->turns, &c->turn);
		return;
	}
	if (v == DOWNGRADE_OK)
		v = hold(c->all, c);
	saved = errno;
	leave(c);
	errno = saved;
	c->done(c->ctx, v);
}

void
conversion_begin(struct conversions *all, struct conversion *c,
    const struct downgrade_source *source, unsigned flags,
    void (*done)(void *ctx, enum downgrade_verdict), void *ctx)
{
	*c = (struct conversion){ .all = all,
		.source = *source,
		.flags = flags,
		.turn = { .run = on_turn, .ctx = c },
		.done = done,
		.ctx = ctx };
	if (all->n < CONVERSIONS_AT_ONCE) {
		admit(c);
		return;
	}
	c->waits = true;
	TAILQ_INSERT_TAIL(&all->waiting, c, entry);
}

void
conversion_clear(struct conversion *c)
{
	if (c->all != NULL && c->waits)
		TAILQ_REMOVE(&c->all->waiting, c, entry);
	else if (c->all != NULL)
		leave(c);
	if (c->holder != NULL)
		c->holder->held -= c->holds;
	c->all = c->holder = NULL;
	downgrade_free(c->d);
	c->d = NULL;
}
