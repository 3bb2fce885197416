#include "queue-manager/scheduler.h"

#include <assert.h>
#include <stdlib.h>
#include <bsd/sys/tree.h>

#include "queue-manager/gathering.h"

enum {
	FRESH_TO_RETRY = 8,
	FAILURES_BEFORE_PAUSE = 4,
	WINDOW_START = 8,
	IN_A_ROW_MAX = 128
};

TAILQ_HEAD(jobs, scheduler_job);

enum kind { FRESH, RETRY, KINDS };

struct scheduler_destination {
	RB_ENTRY(scheduler_destination) node;
	TAILQ_ENTRY(scheduler_destination) turn[KINDS];
	bool		 in_turn[KINDS];
	uint64_t	 key;
	struct jobs	 ready[KINDS];
	TAILQ_ENTRY(scheduler_destination) gatherer;
	bool		 gathers;
	struct jobs	 gathering[KINDS];
	unsigned	 running, window, failures;
	unsigned	 in_a_row;	/* of its jobs that began together */
	uint64_t	 rests_until;
	uint64_t	 rests_since;	/* while it does */
};

RB_HEAD(scheduler_tree, scheduler_destination);
TAILQ_HEAD(turns, scheduler_destination);

struct scheduler {
	struct scheduler_limits limits;
	struct scheduler_tree	destinations;
	/* Those with ready jobs of a kind that may start one: not resting,
	 * window not full.  The others are found through their own events. */
	struct turns	turns[KINDS];
	struct turns	gatherers;	/* those with gathering jobs */
	struct gathering gathering;
	unsigned	running, running_retries, ready, starts;
	unsigned	resting;
};

static int
destination_compare(const struct scheduler_destination *a,
    const struct scheduler_destination *b)
{
	return a->key < b->key ? -1 : a->key > b->key;
}

RB_PROTOTYPE(scheduler_tree, scheduler_destination, node,
    destination_compare)
RB_GENERATE(scheduler_tree, scheduler_destination, node, destination_compare)

struct scheduler *
scheduler_new(const struct scheduler_limits *limits)
{
	struct scheduler *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	assert(limits->total > 0 && limits->destination > 0);
	s->limits = *limits;
	RB_INIT(&s->destinations);
	TAILQ_INIT(&s->turns[FRESH]);
	TAILQ_INIT(&s->turns[RETRY]);
	TAILQ_INIT(&s->gatherers);
	return s;
}

void
scheduler_free(struct scheduler *s)
{
	struct scheduler_destination *d;

	if (s == NULL)
		return;
	while ((d = RB_ROOT(&s->destinations)) != NULL) {
		RB_REMOVE(scheduler_tree, &s->destinations, d);
		free(d);
	}
	free(s);
}

void
scheduler_set_limits(struct scheduler *s, const struct scheduler_limits *l)
{
	assert(l->total > 0 && l->destination > 0);
	s->limits = *l;
}

static unsigned
window(const struct scheduler *s, const struct scheduler_destination *d)
{
	return d->window < s->limits.destination ? d->window :
	    s->limits.destination;
}

/* Put d in or out of turn, as it is now. */
static void
refresh(struct scheduler *s, struct scheduler_destination *d)
{
	bool may = d->rests_until == 0 && d->running < window(s, d);

	for (enum kind k = FRESH; k < KINDS; k++) {
		bool want = may && !TAILQ_EMPTY(&d->ready[k]);

		if (want && !d->in_turn[k])
			TAILQ_INSERT_TAIL(&s->turns[k], d, turn[k]);
		if (!want && d->in_turn[k])
			TAILQ_REMOVE(&s->turns[k], d, turn[k]);
		d->in_turn[k] = want;
	}
}

static struct scheduler_destination *
destination_of(struct scheduler *s, uint64_t key, unsigned window_start)
{
	struct scheduler_destination find = { .key = key }, *d;

	d = RB_FIND(scheduler_tree, &s->destinations, &find);
	if (d != NULL || (d = calloc(1, sizeof(*d))) == NULL)
		return d;
	d->key = key;
	d->window = window_start;
	for (enum kind k = FRESH; k < KINDS; k++) {
		TAILQ_INIT(&d->ready[k]);
		TAILQ_INIT(&d->gathering[k]);
	}
	RB_INSERT(scheduler_tree, &s->destinations, d);
	return d;
}

static bool
has_jobs(const struct scheduler_destination *d)
{
	return d->running > 0 || d->gathers ||
	    !TAILQ_EMPTY(&d->ready[FRESH]) || !TAILQ_EMPTY(&d->ready[RETRY]);
}

/* What is known of a destination is kept only while it has jobs. */
static void
forget_if_idle(struct scheduler *s, struct scheduler_destination *d)
{
	if (has_jobs(d) || d->failures > 0)
		return;
	RB_REMOVE(scheduler_tree, &s->destinations, d);
	free(d);
}

static enum kind
kind_of(const struct scheduler_job *j)
{
	return j->fresh ? FRESH : RETRY;
}

int
scheduler_add(struct scheduler *s, struct scheduler_job *j, uint64_t key,
    bool fresh)
{
	struct scheduler_destination *d = destination_of(s, key,
	    WINDOW_START);

	assert(j->state == JOB_IDLE);
	if (d == NULL)
		return -1;
	j->destination = d;
	j->fresh = fresh;
	j->together = false;
	j->state = JOB_READY;
	TAILQ_INSERT_TAIL(&d->ready[kind_of(j)], j, entry);
	s->ready++;
	refresh(s, d);
	return 0;
}

/* ---- gathering ---- */

int
scheduler_gather(struct scheduler *s, struct scheduler_job *j, uint64_t key,
    bool fresh, uint64_t now)
{
	struct scheduler_destination *d = destination_of(s, key,
	    s->limits.destination);

	assert(j->state == JOB_IDLE);
	if (d == NULL)
		return -1;
	j->destination = d;
	j->fresh = fresh;
	j->together = true;
	j->state = JOB_GATHERING;
	TAILQ_INSERT_TAIL(&d->gathering[kind_of(j)], j, entry);
	if (!d->gathers)
		TAILQ_INSERT_TAIL(&s->gatherers, d, gatherer);
	d->gathers = true;
	s->ready++;
	gathering_join(&s->gathering, now);
	return 0;
}

void
scheduler_expects(struct scheduler *s, uint64_t now)
{
	gathering_expects(&s->gathering, now);
}

static void
leave_gatherers(struct scheduler *s, struct scheduler_destination *d)
{
	TAILQ_REMOVE(&s->gatherers, d, gatherer);
	d->gathers = false;
}

static void
stop_gathering(struct scheduler *s, struct scheduler_job *j)
{
	struct scheduler_destination *d = j->destination;

	TAILQ_REMOVE(&d->gathering[kind_of(j)], j, entry);
	gathering_leave(&s->gathering);
	if (TAILQ_EMPTY(&d->gathering[FRESH]) &&
	    TAILQ_EMPTY(&d->gathering[RETRY]))
		leave_gatherers(s, d);
}

/* All of d's that gather are ready. */
static void
begin_together(struct scheduler *s, struct scheduler_destination *d)
{
	struct scheduler_job *j;

	for (enum kind k = FRESH; k < KINDS; k++) {
		TAILQ_FOREACH(j, &d->gathering[k], entry)
			j->state = JOB_READY;
		TAILQ_CONCAT(&d->ready[k], &d->gathering[k], entry);
	}
	leave_gatherers(s, d);
	refresh(s, d);
}

void
scheduler_begin_gathered(struct scheduler *s)
{
	struct scheduler_destination *d;

	while ((d = TAILQ_FIRST(&s->gatherers)) != NULL)
		begin_together(s, d);
	gathering_begun(&s->gathering);
}

static void
begin_when_due(struct scheduler *s, uint64_t now)
{
	if (gathering_ends(&s->gathering, s->limits.gather_ms) > now &&
	    s->gathering.n < s->limits.gather_most)
		return;
	scheduler_begin_gathered(s);
}

/* ---- starting ---- */

static void
end_rest(struct scheduler *s, struct scheduler_destination *d)
{
	d->rests_until = 0;
	s->resting--;
	refresh(s, d);
	if (!has_jobs(d))
		d->failures = 0;
	forget_if_idle(s, d);
}

static void
wake(struct scheduler *s, uint64_t now)
{
	struct scheduler_destination *d, *next;

	if (s->resting == 0)
		return;
	RB_FOREACH_SAFE(d, scheduler_tree, &s->destinations, next)
		if (d->rests_until != 0 && d->rests_until <= now)
			end_rest(s, d);
}

/* Which kind's turn is it?  KINDS when nothing may start. */
static enum kind
choose(const struct scheduler *s)
{
	bool fresh = !TAILQ_EMPTY(&s->turns[FRESH]);
	bool retry = !TAILQ_EMPTY(&s->turns[RETRY]) &&
	    s->running_retries < (s->limits.total + 1) / 2;

	if (fresh && retry)
		return s->starts % FRESH_TO_RETRY == 0 ? RETRY : FRESH;
	return fresh ? FRESH : retry ? RETRY : KINDS;
}

/* Jobs that have gathered begin in a row, so that their destination meets
 * them at once; others take turns. */
static bool
goes_on(struct scheduler_destination *d, const struct scheduler_job *j)
{
	if (j->together && ++d->in_a_row < IN_A_ROW_MAX)
		return true;
	d->in_a_row = 0;
	return false;
}

struct scheduler_job *
scheduler_start(struct scheduler *s, uint64_t now)
{
	struct scheduler_destination *d;
	struct scheduler_job *j;
	enum kind k;

	begin_when_due(s, now);
	if (s->running >= s->limits.total)
		return NULL;
	wake(s, now);
	if ((k = choose(s)) == KINDS)
		return NULL;
	d = TAILQ_FIRST(&s->turns[k]);
	j = TAILQ_FIRST(&d->ready[k]);
	TAILQ_REMOVE(&d->ready[k], j, entry);
	if (!goes_on(d, j)) {
		TAILQ_REMOVE(&s->turns[k], d, turn[k]);
		d->in_turn[k] = false;	/* refresh puts it at the end */
	}
	j->state = JOB_RUNNING;
	d->running++;
	s->running++;
	s->running_retries += k == RETRY;
	s->ready--;
	s->starts++;
	refresh(s, d);
	return j;
}

static void
stop_running(struct scheduler *s, struct scheduler_job *j)
{
	assert(j->state == JOB_RUNNING && j->destination->running > 0);
	j->destination->running--;
	s->running--;
	s->running_retries -= !j->fresh;
	j->state = JOB_IDLE;
}

static void
destination_failed(struct scheduler *s, struct scheduler_destination *d,
    uint64_t now)
{
	unsigned over;

	d->window = d->window > 1 ? d->window / 2 : 1;
	if (++d->failures < FAILURES_BEFORE_PAUSE || d->rests_until != 0)
		return;
	over = d->failures - FAILURES_BEFORE_PAUSE + 1;
	d->rests_since = now;
	d->rests_until = now + scheduler_backoff(&s->limits, over, 0);
	s->resting++;
}

void
scheduler_finish(struct scheduler *s, struct scheduler_job *j,
    enum scheduler_verdict verdict, uint64_t now)
{
	struct scheduler_destination *d = j->destination;

	stop_running(s, j);
	if (verdict == SCHEDULER_DONE) {
		d->failures = 0;
		if (d->window < s->limits.destination)
			d->window++;
	} else if (verdict == SCHEDULER_DEFERRED)
		destination_failed(s, d, now);
	refresh(s, d);
	if (d->rests_until == 0 && !has_jobs(d))
		d->failures = 0;
	forget_if_idle(s, d);
}

void
scheduler_remove(struct scheduler *s, struct scheduler_job *j)
{
	struct scheduler_destination *d = j->destination;

	if (j->state == JOB_IDLE)
		return;
	if (j->state == JOB_RUNNING)
		stop_running(s, j);
	else {
		if (j->state == JOB_GATHERING)
			stop_gathering(s, j);
		else
			TAILQ_REMOVE(&d->ready[kind_of(j)], j, entry);
		s->ready--;
		j->state = JOB_IDLE;
	}
	refresh(s, d);
	forget_if_idle(s, d);
}

uint64_t
scheduler_wakeup(const struct scheduler *s, uint64_t now)
{
	uint64_t at = gathering_ends(&s->gathering, s->limits.gather_ms);
	struct scheduler_destination *d;

	if (s->resting == 0)
		return at < now ? now : at;
	RB_FOREACH(d, scheduler_tree,
	    (struct scheduler_tree *)&s->destinations)
		if (d->rests_until != 0 && d->rests_until < at)
			at = d->rests_until;
	return at < now ? now : at;
}

void
scheduler_flush(struct scheduler *s)
{
	wake(s, UINT64_MAX);
	scheduler_begin_gathered(s);
}

void
scheduler_end_rest(struct scheduler *s, uint64_t key, uint64_t begun)
{
	struct scheduler_destination find = { .key = key }, *d;

	d = RB_FIND(scheduler_tree, &s->destinations, &find);
	if (d != NULL && d->rests_until != 0 && d->rests_since <= begun)
		end_rest(s, d);
}

unsigned
scheduler_running(const struct scheduler *s)
{
	return s->running;
}

unsigned
scheduler_ready(const struct scheduler *s)
{
	return s->ready;
}

uint64_t
scheduler_backoff(const struct scheduler_limits *l, uint32_t attempts,
    uint32_t random)
{
	unsigned doublings = attempts > 1 ? attempts - 1 : 0;
	uint64_t ms = l->backoff_min_ms;

	while (doublings-- > 0 && ms < l->backoff_max_ms)
		ms *= 2;
	if (ms > l->backoff_max_ms)
		ms = l->backoff_max_ms;
	return ms - (uint64_t)((double)ms / 4 * random / UINT32_MAX);
}
