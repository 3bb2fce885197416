/*
 * A thread that does what may wait for a disk, one job after the other, so
 * that the event loop never does.  It is started before the filter on system
 * calls and touches nothing but the job it was given.
 */
#ifndef QUEUE_MANAGER_SPOOL_WORKER_H
#define QUEUE_MANAGER_SPOOL_WORKER_H

#include <stdbool.h>
#include <bsd/sys/queue.h>

struct job {
	TAILQ_ENTRY(job) entry;
	/* In the thread. */
	void	(*run)(struct job *);
	/* In the event loop, when worker_reap finds it finished; the job is
	 * then the caller's again. */
	void	(*done)(struct job *);
};

struct worker;

/* Starts the thread.  NULL with errno. */
struct worker *worker_new(void);
/* Waits for the jobs under way, drops the rest, ends the thread. */
void worker_free(struct worker *);
/* Readable when a job has finished. */
int worker_fd(const struct worker *);
void worker_submit(struct worker *, struct job *);
/* Call done() of all that has finished. */
void worker_reap(struct worker *);
/* Block until at least one job has finished, then reap: at start and stop,
 * and in tests.  False when none was under way. */
bool worker_wait(struct worker *);

#endif
