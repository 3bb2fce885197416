/*
 * What to try next.  A pure module: it has no clock, no sockets and no files;
 * it is told events and the time in milliseconds, and answers with what to
 * start.  Jobs that wait for a later attempt are not its business: they are
 * added when their time has come.
 *
 * - Destinations take turns, so that one with many jobs holds up no other.
 * - Fresh jobs go before retries; every FRESH_TO_RETRY-th start is a retry's,
 *   and retries never hold more than half of all places, so that neither
 *   starves.
 * - A destination has a window of jobs at once: it grows by one with each
 *   success and halves with each deferral.  After FAILURES_BEFORE_PAUSE
 *   deferrals in a row it rests, each time twice as long.
 * - Jobs that may wait for company gather while many come in, and begin
 *   together, those of one destination one after the other (gathering.h).
 */
#ifndef QUEUE_MANAGER_SCHEDULER_H
#define QUEUE_MANAGER_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>
#include <bsd/sys/queue.h>

struct scheduler;
struct scheduler_destination;

/* Part of what is to be done; the caller's memory.  All zero is idle. */
struct scheduler_job {
	TAILQ_ENTRY(scheduler_job) entry;
	struct scheduler_destination *destination;
	enum { JOB_IDLE, JOB_GATHERING, JOB_READY, JOB_RUNNING } state;
	bool	fresh, together;
};

struct scheduler_limits {
	unsigned	total;		/* jobs at once, at least 1 */
	unsigned	destination;	/* of them to one destination */
	uint64_t	backoff_min_ms, backoff_max_ms;
	uint64_t	lifetime_ms;	/* then it expires */
	uint64_t	gather_ms;	/* longest wait for company */
	unsigned gather_most;           /* so many do not wait for more */
};

struct scheduler *scheduler_new(const struct scheduler_limits *);
/* Forgets all jobs; they are the caller's. */
void scheduler_free(struct scheduler *);
/* A reload: running jobs run on. */
void scheduler_set_limits(struct scheduler *, const struct scheduler_limits *);

/* An idle job is ready now.  -1 when memory is short; it stays idle. */
int scheduler_add(struct scheduler *, struct scheduler_job *,
    uint64_t destination, bool fresh);
/*
 * The same for a job that is cheaper in company, as one for a mailbox is: it
 * may wait for others, at most gather_ms.  Its destination does several at
 * once in any case, so its window is open from the start.
 */
int scheduler_gather(struct scheduler *, struct scheduler_job *,
    uint64_t destination, bool fresh, uint64_t now_ms);
/* Others that may gather are on their way. */
void scheduler_expects(struct scheduler *, uint64_t now_ms);
/* Those that gather wait for no more. */
void scheduler_begin_gathered(struct scheduler *);
/* The next job, now running, or NULL when nothing may start. */
struct scheduler_job *scheduler_start(struct scheduler *, uint64_t now_ms);

enum scheduler_verdict {
	SCHEDULER_DONE,		/* settled, well or badly */
	SCHEDULER_DEFERRED,	/* the destination could not */
	SCHEDULER_NO_VERDICT	/* says nothing about the destination */
};

/* A running job has ended and is idle. */
void scheduler_finish(struct scheduler *, struct scheduler_job *,
    enum scheduler_verdict, uint64_t now_ms);
/* A job that is not idle is withdrawn. */
void scheduler_remove(struct scheduler *, struct scheduler_job *);

/* When a resting destination with ready jobs may go on, or those that gather
 * begin; UINT64_MAX: none. */
uint64_t scheduler_wakeup(const struct scheduler *, uint64_t now_ms);
/* All destinations may be tried at once (an operator's flush). */
void scheduler_flush(struct scheduler *);
/* This one, if its rest has begun up to then. */
void scheduler_end_rest(struct scheduler *, uint64_t destination,
    uint64_t begun_ms);
unsigned scheduler_running(const struct scheduler *);
/* Gathering ones among them. */
unsigned scheduler_ready(const struct scheduler *);

/*
 * How long to wait after the attempts-th attempt (from 1): twice as long
 * each time within the limits, less up to a quarter by random, so that what
 * failed together does not come back together.
 */
uint64_t scheduler_backoff(const struct scheduler_limits *, uint32_t attempts,
    uint32_t random);

#endif
