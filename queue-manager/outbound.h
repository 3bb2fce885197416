/*
 * Which delivery to another host is next.  A pure module like scheduler.h: it
 * is told events and the time in milliseconds, and answers with what to start.
 *
 * - Senders take turns, whatever each of them has waiting, and so do the
 *   destinations of one sender: a list with 50,000 recipients holds up
 *   neither another sender's letter nor, with many for one destination, its
 *   own letter for another.
 * - Fresh jobs go before retries; every FRESH_TO_RETRY-th start is a retry's,
 *   and retries never hold more than half of all places.
 * - A destination has a window of jobs at once, which grows with each success
 *   and halves with each failure.  After some failures in a row it rests,
 *   longer each time; then one job finds out whether it is back.
 *
 * A sender's jobs for one destination are a flow.  A flow whose destination
 * may start one stands in its sender's line; the others are parked at their
 * destination, and a place that comes free there lets one of them go on, in
 * order.  So every event costs the same, however much is waiting.
 */
#ifndef QUEUE_MANAGER_OUTBOUND_H
#define QUEUE_MANAGER_OUTBOUND_H

#include <stdbool.h>
#include <stdint.h>
#include <bsd/sys/queue.h>

struct outbound;
struct outbound_flow;

/* Part of what is to be sent; the caller's memory.  All zero is idle. */
struct outbound_job {
	TAILQ_ENTRY(outbound_job) entry;
	struct outbound_flow *flow;
	enum { OUTBOUND_IDLE, OUTBOUND_READY, OUTBOUND_RUNNING } state;
};

struct outbound_limits {
	unsigned	total;		/* jobs at once, at least 1 */
	unsigned	destination;	/* of them to one destination */
	uint64_t	rest_min_ms, rest_max_ms;
};

struct outbound *outbound_new(const struct outbound_limits *);
/* Forgets all jobs; they are the caller's. */
void outbound_free(struct outbound *);
/* A reload: running jobs run on. */
void outbound_set_limits(struct outbound *, const struct outbound_limits *);

/* An idle job is ready now.  -1 when memory is short; it stays idle. */
int outbound_add(struct outbound *, struct outbound_job *,
    uint64_t destination, uint64_t sender, bool fresh);
/* The next job, now running, or NULL when nothing may start. */
struct outbound_job *outbound_start(struct outbound *, uint64_t now_ms);

enum outbound_verdict {
	OUTBOUND_ALIVE,		/* it answered, whatever it said */
	OUTBOUND_DOWN,		/* it cannot be reached, or wants nothing */
	OUTBOUND_NO_VERDICT
};

/*
 * A running job has ended and is idle.  random makes rests differ.  True:
 * the destination had failed before and is back.
 */
bool outbound_finish(struct outbound *, struct outbound_job *,
    enum outbound_verdict, uint64_t now_ms, uint32_t random);
/* A ready or running job is withdrawn. */
void outbound_remove(struct outbound *, struct outbound_job *);

/* Until when this destination rests; 0: it does not. */
uint64_t outbound_rests(const struct outbound *, uint64_t destination,
    uint64_t now_ms);
/* Failures in a row. */
unsigned outbound_failures(const struct outbound *, uint64_t destination);
/* Jobs that are ready for it. */
unsigned outbound_waiting(const struct outbound *, uint64_t destination);
/* When a resting destination with ready jobs may go on; UINT64_MAX: none. */
uint64_t outbound_wakeup(const struct outbound *, uint64_t now_ms);
/* Each destination may be tried at once. */
void outbound_flush(struct outbound *);
/* This one, if its rest has begun up to then: what has failed since says that
 * it is of no use. */
void outbound_end_rest(struct outbound *, uint64_t destination,
    uint64_t begun_ms);
/* Forget failures that are long past; now and then. */
void outbound_tidy(struct outbound *, uint64_t now_ms);

unsigned outbound_running(const struct outbound *);
unsigned outbound_ready(const struct outbound *);
/* Destinations that it remembers. */
unsigned outbound_destinations(const struct outbound *);

#endif
