/* What time brings: syncs, retries, the index, old segments. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "common/log/log.h"
#include "queue-manager/daemon.h"

enum {
	SOON_MS = 10,		/* what somebody waits for, for company */
	LATER_MS = 50,		/* what nobody does */
	START_MIN_MS = 5,
	START_MAX_MS = 1000,	/* the tick looks, too */
	SETTLED_SOON_MS = 1500,	/* younger messages are not indexed */
	KEEP_MS = 3000,		/* due within that: stays in memory */
	DUE_A_TURN = 1000,	/* messages brought into memory */
	DUE_TURNS = 10,		/* in one tick */
	MEMORY_FOR_MOVES = 2,	/* times active_messages; intake stops at 4 */
	CLOCK_MARK_S = 60,
	TIDY_MS = 60 * 1000
};

static void
add_timer(struct event *timer, uint64_t ms)
{
	struct timeval in = { (time_t)(ms / 1000),
	    (suseconds_t)(ms % 1000) * 1000 };

	evtimer_add(timer, &in);
}

void
flush_now(struct daemon *d)
{
	d->urgent = false;
	log_flush(d->queue.log);
	dispatch_run(d);
}

void
flush_soon(struct daemon *d)
{
	if (!d->urgent)
		add_timer(d->soon, SOON_MS);
	d->urgent = true;
}

void
flush_later(struct daemon *d)
{
	if (!evtimer_pending(d->soon, NULL))
		add_timer(d->soon, LATER_MS);
}

static void
on_soon(int fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	/* While batches follow each other, the next takes it along. */
	if (!d->urgent && log_in_flight(d->queue.log))
		flush_later(d);
	else
		flush_now(d);
}

static void
on_start(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dispatch_run(arg);
}

void
start_later(struct daemon *d)
{
	uint64_t now = queue_now(&d->queue);
	uint64_t at = scheduler_wakeup(d->scheduler, now);
	uint64_t in;

	if (at == UINT64_MAX ||
	    (evtimer_pending(d->start, NULL) && d->start_ms <= at))
		return;
	in = at - now > START_MAX_MS ? START_MAX_MS : at - now;
	if (in < START_MIN_MS)
		in = START_MIN_MS;
	d->start_ms = now + in;
	add_timer(d->start, in);
}

static void
compact(struct daemon *d)
{
	queue_compact(&d->queue, MEMORY_FOR_MOVES * d->set->active_messages);
}

static void
on_sync(int fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	worker_reap(d->queue.sync);
	log_tend(d->queue.log, d->queue.replay.generation);
	compact(d);
	intake_resume(d);
	dispatch_run(d);
}

static void
on_disk(int fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	worker_reap(d->queue.disk);
	log_tend(d->queue.log, d->queue.replay.generation);
}

/*
 * More is due than memory should hold: the newest wait in the index.  What is
 * not there yet, or under way, stays.
 */
static bool
put_away(struct daemon *d, struct message *m)
{
	if (d->queue.n_memory <= d->set->active_messages || !m->indexed ||
	    m->dirty || m->pins > 0)
		return false;
	for (uint32_t i = 0; i < m->n; i++)
		dispatch_withdraw(d, m->recipients[i]);
	return queue_unload(&d->queue, m);
}

/* What is in memory and due, and what of it waits for nothing any more. */
static void
look_at_memory(struct daemon *d)
{
	struct message *m, *next;

	RB_FOREACH_REVERSE_SAFE(m, message_tree, &d->queue.messages, next)
		if (!put_away(d, m))
			dispatch_message(d, m);
	queue_sweep(&d->queue, queue_now(&d->queue) + KEEP_MS);
}

/* Those that the index says are due.  A message that stays in memory is met
 * again from the start of the list; one that is there already costs little. */
static size_t
load_due(struct daemon *d)
{
	uint64_t ids[DUE_A_TURN], now = queue_now(&d->queue);
	struct message *m;
	size_t n;

	n = index_due(d->queue.index, now, &d->due, ids, DUE_A_TURN);
	if (n == 0)
		d->due = (struct index_cursor){ 0 };
	for (size_t i = 0; i < n && memory_has_place(d); i++)
		if (queue_find(&d->queue, ids[i]) == NULL &&
		    (m = queue_load(&d->queue, ids[i])) != NULL)
			dispatch_message(d, m);
	return n;
}

static void
check_law(struct daemon *d)
{
	int64_t off = queue_difference(&d->queue);

	if (off != 0)
		log_error("count-differs", LOG_INT("difference", off));
}

static void
on_tick(int fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct queue *q = &d->queue;

	(void)fd;
	(void)what;
	look_at_memory(d);
	for (unsigned i = 0; i < DUE_TURNS && memory_has_place(d); i++)
		if (load_due(d) == 0)
			break;
	flush_go_on(d);
	queue_checkpoint(q, SETTLED_SOON_MS);
	compact(d);
	log_tend(q->log, q->replay.generation);
	log_try_again(q->log);
	intake_lease(d);
	if (queue_now(q) - q->last_mark.spool_ms > CLOCK_MARK_S * 1000)
		queue_put_clock(q);
	if (queue_now(q) - d->tidied_ms > TIDY_MS) {
		d->tidied_ms = queue_now(q);
		outbound_tidy(d->outbound, d->tidied_ms);
	}
	check_law(d);
	flush_now(d);
}

static int
watch(struct daemon *d, struct worker *w, event_callback_fn f,
    struct event **e)
{
	*e = event_new(d->stage.base, worker_fd(w), EV_READ | EV_PERSIST, f, d);
	return *e == NULL || event_add(*e, NULL) == -1 ? -1 : 0;
}

int
chores_start(struct daemon *d)
{
	static const struct timeval second = { .tv_sec = 1 };

	if (watch(d, d->queue.sync, on_sync, &d->sync_event) == -1 ||
	    watch(d, d->queue.disk, on_disk, &d->disk_event) == -1)
		return -1;
	d->soon = evtimer_new(d->stage.base, on_soon, d);
	d->start = evtimer_new(d->stage.base, on_start, d);
	d->tick = event_new(d->stage.base, -1, EV_PERSIST, on_tick, d);
	if (d->soon == NULL || d->start == NULL || d->tick == NULL)
		return -1;
	return event_add(d->tick, &second);
}

void
chores_stop(struct daemon *d)
{
	struct event *all[] = { d->sync_event, d->disk_event, d->soon,
	    d->start, d->tick };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i] != NULL)
			event_free(all[i]);
}
