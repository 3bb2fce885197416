#include "remote-relay/turns.h"

#include <errno.h>
#include <stddef.h>

/* A timer that is due at once is looked at behind a poll, not within it. */
static void
wake(struct turns *t)
{
	static const struct timeval now = { 0, 0 };

	if (!evtimer_pending(t->next, NULL))
		evtimer_add(t->next, &now);
}

static void
on_next(evutil_socket_t fd, short what, void *ctx)
{
	struct turns *t = ctx;
	struct turn *first = TAILQ_FIRST(&t->queue);

	(void)fd;
	(void)what;
	if (first == NULL)
		return;
	turns_remove(t, first);
	if (!TAILQ_EMPTY(&t->queue))
		wake(t);
	first->run(first->ctx);
}

int
turns_init(struct turns *t, struct event_base *base)
{
	TAILQ_INIT(&t->queue);
	t->next = evtimer_new(base, on_next, t);
	if (t->next == NULL)
		errno = ENOMEM;
	return t->next != NULL ? 0 : -1;
}

void
turns_clear(struct turns *t)
{
	if (t->next != NULL)
		event_free(t->next);
	t->next = NULL;
}

void
turns_add(struct turns *t, struct turn *turn)
{
	if (turn->queued)
		return;
	turn->queued = true;
	TAILQ_INSERT_TAIL(&t->queue, turn, entry);
	wake(t);
}

void
turns_remove(struct turns *t, struct turn *turn)
{
	if (!turn->queued)
		return;
	turn->queued = false;
	TAILQ_REMOVE(&t->queue, turn, entry);
}
