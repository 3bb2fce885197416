/*
 * Work that is too long for one turn of the event loop, a bit of it per turn:
 * who has more to do queues up again, and between two of them the loop looks
 * for everything else that has happened.
 */
#ifndef REMOTE_RELAY_TURNS_H
#define REMOTE_RELAY_TURNS_H

#include <stdbool.h>

#include <bsd/sys/queue.h>
#include <event2/event.h>

/* Part of whoever has the work; all zero to start with. */
struct turn {
	TAILQ_ENTRY(turn) entry;
	bool queued;
	void (*run)(void *ctx);
	void *ctx;
};

struct turns {
	struct event *next;
	TAILQ_HEAD(turn_queue, turn) queue;
};

/* -1 with errno. */
int turns_init(struct turns *, struct event_base *);
void turns_clear(struct turns *);

/*
 * Call run(ctx) once from the event loop, behind all that are queued already.
 * One that is queued stays where it is.  turns_remove() before the turn goes.
 */
void turns_add(struct turns *, struct turn *);
void turns_remove(struct turns *, struct turn *);

#endif
