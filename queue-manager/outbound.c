#include "queue-manager/outbound.h"

#include <assert.h>
#include <stdlib.h>
#include <bsd/sys/tree.h>

enum {
	FRESH_TO_RETRY = 8,
	FAILURES_BEFORE_REST = 3,
	WINDOW_START = 5,
	FORGET_MS = 3600 * 1000		/* after the end of its rest */
};

enum kind { FRESH, RETRY, KINDS };

TAILQ_HEAD(jobs, outbound_job);
TAILQ_HEAD(flows, outbound_flow);

struct destination {
	RB_ENTRY(destination) node;
	uint64_t	 key;
	struct flows	 parked[KINDS];
	unsigned	 n_flows, ready, running;
	unsigned	 in_line;	/* flows that stand in a line */
	unsigned	 window, failures;
	uint64_t	 rests_until;	/* 0: does not rest */
	uint64_t	 rests_since;	/* while it does */
	uint64_t	 forget_at;
};

struct sender {
	RB_ENTRY(sender) node;
	TAILQ_ENTRY(sender) turn[KINDS];
	uint64_t	 key;
	struct flows	 line[KINDS];
	unsigned	 n_flows;
};

struct outbound_flow {
	RB_ENTRY(outbound_flow) node;
	TAILQ_ENTRY(outbound_flow) entry;	/* in a line, or parked */
	struct destination *d;
	struct sender	*s;
	struct jobs	 ready;
	unsigned	 n_jobs;		/* running ones, too */
	enum kind	 kind;
	enum { NOWHERE, IN_LINE, PARKED } place;
};

RB_HEAD(outbound_destination_tree, destination);
RB_HEAD(outbound_sender_tree, sender);
RB_HEAD(outbound_flow_tree, outbound_flow);
TAILQ_HEAD(turns, sender);

struct outbound {
	struct outbound_limits limits;
	struct outbound_destination_tree destinations;
	struct outbound_sender_tree senders;
	struct outbound_flow_tree flows;
	struct turns	 turns[KINDS];	/* senders with a line */
	unsigned	 running, running_retries, ready, starts;
	unsigned	 n_destinations, n_resting;
	uint64_t	 next_wake;	/* no rest ends before */
};

static int
compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int
destination_compare(const struct destination *a, const struct destination *b)
{
	return compare(a->key, b->key);
}

static int
sender_compare(const struct sender *a, const struct sender *b)
{
	return compare(a->key, b->key);
}

static int
flow_compare(const struct outbound_flow *a, const struct outbound_flow *b)
{
	int c = compare(a->d->key, b->d->key);

	if (c == 0)
		c = compare(a->s->key, b->s->key);
	return c == 0 ? compare(a->kind, b->kind) : c;
}

RB_PROTOTYPE(outbound_destination_tree, destination, node, destination_compare)
RB_GENERATE(outbound_destination_tree, destination, node, destination_compare)
RB_PROTOTYPE(outbound_sender_tree, sender, node, sender_compare)
RB_GENERATE(outbound_sender_tree, sender, node, sender_compare)
RB_PROTOTYPE(outbound_flow_tree, outbound_flow, node, flow_compare)
RB_GENERATE(outbound_flow_tree, outbound_flow, node, flow_compare)

struct outbound *
outbound_new(const struct outbound_limits *limits)
{
	struct outbound *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	RB_INIT(&o->destinations);
	RB_INIT(&o->senders);
	RB_INIT(&o->flows);
	TAILQ_INIT(&o->turns[FRESH]);
	TAILQ_INIT(&o->turns[RETRY]);
	o->next_wake = UINT64_MAX;
	outbound_set_limits(o, limits);
	return o;
}

void
outbound_free(struct outbound *o)
{
	struct outbound_flow *f;
	struct destination *d;
	struct sender *s;

	if (o == NULL)
		return;
	while ((f = RB_ROOT(&o->flows)) != NULL) {
		RB_REMOVE(outbound_flow_tree, &o->flows, f);
		free(f);
	}
	while ((s = RB_ROOT(&o->senders)) != NULL) {
		RB_REMOVE(outbound_sender_tree, &o->senders, s);
		free(s);
	}
	while ((d = RB_ROOT(&o->destinations)) != NULL) {
		RB_REMOVE(outbound_destination_tree, &o->destinations, d);
		free(d);
	}
	free(o);
}

void
outbound_set_limits(struct outbound *o, const struct outbound_limits *l)
{
	assert(l->total > 0 && l->destination > 0);
	o->limits = *l;
}

/* ---- destinations, senders, flows ---- */

static struct destination *
destination_find(const struct outbound *o, uint64_t key)
{
	struct destination find = { .key = key };

	return RB_FIND(outbound_destination_tree,
	    (struct outbound_destination_tree *)(uintptr_t)&o->destinations,
	    &find);
}

static struct destination *
destination_of(struct outbound *o, uint64_t key)
{
	struct destination *d = destination_find(o, key);

	if (d != NULL || (d = calloc(1, sizeof(*d))) == NULL)
		return d;
	d->key = key;
	d->window = WINDOW_START;
	TAILQ_INIT(&d->parked[FRESH]);
	TAILQ_INIT(&d->parked[RETRY]);
	RB_INSERT(outbound_destination_tree, &o->destinations, d);
	o->n_destinations++;
	return d;
}

/* What is known of a destination outlives its jobs while it has failed. */
static void
destination_forget(struct outbound *o, struct destination *d)
{
	if (d->n_flows > 0 || d->failures > 0)
		return;
	assert(d->running == 0 && d->rests_until == 0);
	RB_REMOVE(outbound_destination_tree, &o->destinations, d);
	o->n_destinations--;
	free(d);
}

static struct sender *
sender_of(struct outbound *o, uint64_t key)
{
	struct sender find = { .key = key }, *s;

	s = RB_FIND(outbound_sender_tree, &o->senders, &find);
	if (s != NULL || (s = calloc(1, sizeof(*s))) == NULL)
		return s;
	s->key = key;
	TAILQ_INIT(&s->line[FRESH]);
	TAILQ_INIT(&s->line[RETRY]);
	RB_INSERT(outbound_sender_tree, &o->senders, s);
	return s;
}

static void
sender_forget(struct outbound *o, struct sender *s)
{
	if (s->n_flows > 0)
		return;
	RB_REMOVE(outbound_sender_tree, &o->senders, s);
	free(s);
}

static struct outbound_flow *
flow_of(struct outbound *o, struct destination *d, struct sender *s,
    enum kind kind)
{
	struct outbound_flow find = { .d = d, .s = s, .kind = kind }, *f;

	f = RB_FIND(outbound_flow_tree, &o->flows, &find);
	if (f != NULL || (f = calloc(1, sizeof(*f))) == NULL)
		return f;
	f->d = d;
	f->s = s;
	f->kind = kind;
	TAILQ_INIT(&f->ready);
	RB_INSERT(outbound_flow_tree, &o->flows, f);
	d->n_flows++;
	s->n_flows++;
	return f;
}

/* ---- where a flow stands ---- */

static bool
may_start(const struct outbound *o, const struct destination *d)
{
	return d->rests_until == 0 && d->running < d->window &&
	    d->running < o->limits.destination;
}

static void
line_up(struct outbound *o, struct outbound_flow *f, bool first)
{
	struct sender *s = f->s;

	if (TAILQ_EMPTY(&s->line[f->kind]))
		TAILQ_INSERT_TAIL(&o->turns[f->kind], s, turn[f->kind]);
	if (first)
		TAILQ_INSERT_HEAD(&s->line[f->kind], f, entry);
	else
		TAILQ_INSERT_TAIL(&s->line[f->kind], f, entry);
	f->place = IN_LINE;
	f->d->in_line++;
}

static void
park(struct outbound_flow *f)
{
	TAILQ_INSERT_TAIL(&f->d->parked[f->kind], f, entry);
	f->place = PARKED;
}

static void
leave(struct outbound *o, struct outbound_flow *f)
{
	struct sender *s = f->s;

	if (f->place == PARKED)
		TAILQ_REMOVE(&f->d->parked[f->kind], f, entry);
	if (f->place == IN_LINE) {
		TAILQ_REMOVE(&s->line[f->kind], f, entry);
		f->d->in_line--;
		if (TAILQ_EMPTY(&s->line[f->kind]))
			TAILQ_REMOVE(&o->turns[f->kind], s, turn[f->kind]);
	}
	f->place = NOWHERE;
}

/* As many flows stand in line as have a place to start in. */
static void
call_up(struct outbound *o, struct destination *d)
{
	struct outbound_flow *f;

	while (may_start(o, d) && d->in_line < d->window - d->running) {
		f = TAILQ_FIRST(&d->parked[FRESH]);
		if (f == NULL)
			f = TAILQ_FIRST(&d->parked[RETRY]);
		if (f == NULL)
			break;
		leave(o, f);
		line_up(o, f, true);
	}
}

/* A job less: in its flow, and what hangs on that. */
static void
flow_less(struct outbound *o, struct outbound_flow *f)
{
	struct destination *d = f->d;
	struct sender *s = f->s;

	if (TAILQ_EMPTY(&f->ready))
		leave(o, f);
	if (--f->n_jobs == 0) {
		RB_REMOVE(outbound_flow_tree, &o->flows, f);
		d->n_flows--;
		s->n_flows--;
		free(f);
		sender_forget(o, s);
	}
	call_up(o, d);
	destination_forget(o, d);
}

/* ---- jobs ---- */

int
outbound_add(struct outbound *o, struct outbound_job *j, uint64_t destination,
    uint64_t sender, bool fresh)
{
	struct destination *d = destination_of(o, destination);
	struct sender *s = d == NULL ? NULL : sender_of(o, sender);
	struct outbound_flow *f = s == NULL ? NULL :
	    flow_of(o, d, s, fresh ? FRESH : RETRY);

	assert(j->state == OUTBOUND_IDLE);
	if (f == NULL) {
		if (s != NULL)
			sender_forget(o, s);
		if (d != NULL)
			destination_forget(o, d);
		return -1;
	}
	TAILQ_INSERT_TAIL(&f->ready, j, entry);
	f->n_jobs++;
	j->flow = f;
	j->state = OUTBOUND_READY;
	d->ready++;
	o->ready++;
	if (f->place == NOWHERE) {
		if (may_start(o, d))
			line_up(o, f, false);
		else
			park(f);
	}
	return 0;
}

static void
end_rest(struct outbound *o, struct destination *d)
{
	d->rests_until = 0;
	o->n_resting--;
	d->window = 1;		/* one finds out */
	call_up(o, d);
}

static void
wake(struct outbound *o, uint64_t now)
{
	struct destination *d;
	uint64_t next = UINT64_MAX;

	if (o->n_resting == 0 || now < o->next_wake)
		return;
	RB_FOREACH(d, outbound_destination_tree, &o->destinations) {
		if (d->rests_until == 0)
			continue;
		if (d->rests_until <= now)
			end_rest(o, d);
		else if (d->rests_until < next)
			next = d->rests_until;
	}
	o->next_wake = next;
}

/* Which kind's turn is it?  KINDS when nothing may start. */
static enum kind
choose(const struct outbound *o)
{
	bool fresh = !TAILQ_EMPTY(&o->turns[FRESH]);
	bool retry = !TAILQ_EMPTY(&o->turns[RETRY]) &&
	    o->running_retries < (o->limits.total + 1) / 2;

	if (fresh && retry)
		return o->starts % FRESH_TO_RETRY == 0 ? RETRY : FRESH;
	return fresh ? FRESH : retry ? RETRY : KINDS;
}

/* The first flow of the sender whose turn it is, if it may start now. */
static struct outbound_flow *
next_flow(struct outbound *o, enum kind kind)
{
	struct sender *s = TAILQ_FIRST(&o->turns[kind]);
	struct outbound_flow *f = TAILQ_FIRST(&s->line[kind]);

	leave(o, f);
	if (!may_start(o, f->d)) {
		park(f);	/* meanwhile its destination is busy */
		return NULL;
	}
	/* Behind the others, sender and flow. */
	if (!TAILQ_EMPTY(&s->line[kind])) {
		TAILQ_REMOVE(&o->turns[kind], s, turn[kind]);
		TAILQ_INSERT_TAIL(&o->turns[kind], s, turn[kind]);
	}
	return f;
}

static struct outbound_job *
run(struct outbound *o, struct outbound_flow *f)
{
	struct outbound_job *j = TAILQ_FIRST(&f->ready);
	struct destination *d = f->d;

	TAILQ_REMOVE(&f->ready, j, entry);
	j->state = OUTBOUND_RUNNING;
	d->ready--;
	d->running++;
	o->ready--;
	o->running++;
	o->running_retries += f->kind == RETRY;
	o->starts++;
	if (!TAILQ_EMPTY(&f->ready)) {
		if (may_start(o, d) && TAILQ_EMPTY(&d->parked[f->kind]))
			line_up(o, f, false);
		else
			park(f);	/* behind those that wait there */
	}
	call_up(o, d);
	return j;
}

struct outbound_job *
outbound_start(struct outbound *o, uint64_t now)
{
	struct outbound_flow *f;
	enum kind k;

	if (o->running >= o->limits.total)
		return NULL;
	wake(o, now);
	while ((k = choose(o)) != KINDS)
		if ((f = next_flow(o, k)) != NULL)
			return run(o, f);
	return NULL;
}

static void
stop_running(struct outbound *o, struct outbound_job *j)
{
	struct outbound_flow *f = j->flow;

	assert(j->state == OUTBOUND_RUNNING && f->d->running > 0);
	f->d->running--;
	o->running--;
	o->running_retries -= f->kind == RETRY;
	j->state = OUTBOUND_IDLE;
}

/* Twice as long each time, less up to a quarter. */
static uint64_t
rest_ms(const struct outbound *o, unsigned times, uint32_t random)
{
	uint64_t ms = o->limits.rest_min_ms;

	while (--times > 0 && ms < o->limits.rest_max_ms)
		ms *= 2;
	if (ms > o->limits.rest_max_ms)
		ms = o->limits.rest_max_ms;
	return ms - (uint64_t)((double)ms / 4 * random / UINT32_MAX);
}

static void
failed(struct outbound *o, struct destination *d, uint64_t now,
    uint32_t random)
{
	d->window = d->window > 1 ? d->window / 2 : 1;
	/* Those that were under way together fail together: that is one
	 * failure more, not many. */
	if (d->rests_until != 0)
		return;
	d->failures++;
	d->forget_at = now + o->limits.rest_max_ms + FORGET_MS;
	if (d->failures < FAILURES_BEFORE_REST)
		return;
	d->rests_since = now;
	d->rests_until = now + 1 +
	    rest_ms(o, d->failures - FAILURES_BEFORE_REST + 1, random);
	d->forget_at = d->rests_until + FORGET_MS;
	o->n_resting++;
	if (d->rests_until < o->next_wake)
		o->next_wake = d->rests_until;
}

static bool
answered(struct outbound *o, struct destination *d)
{
	bool back = d->failures > 0;

	if (d->rests_until != 0)
		end_rest(o, d);
	d->failures = 0;
	if (back && d->window < WINDOW_START)
		d->window = WINDOW_START;
	else if (d->window < o->limits.destination)
		d->window++;
	return back;
}

bool
outbound_finish(struct outbound *o, struct outbound_job *j,
    enum outbound_verdict verdict, uint64_t now, uint32_t random)
{
	struct destination *d = j->flow->d;
	bool back = false;

	stop_running(o, j);
	if (verdict == OUTBOUND_ALIVE)
		back = answered(o, d);
	else if (verdict == OUTBOUND_DOWN)
		failed(o, d, now, random);
	flow_less(o, j->flow);
	return back;
}

void
outbound_remove(struct outbound *o, struct outbound_job *j)
{
	if (j->state == OUTBOUND_IDLE)
		return;
	if (j->state == OUTBOUND_RUNNING)
		stop_running(o, j);
	else {
		TAILQ_REMOVE(&j->flow->ready, j, entry);
		j->flow->d->ready--;
		o->ready--;
		j->state = OUTBOUND_IDLE;
	}
	flow_less(o, j->flow);
}

/* ---- looking ---- */

uint64_t
outbound_rests(const struct outbound *o, uint64_t key, uint64_t now)
{
	const struct destination *d = destination_find(o, key);

	return d == NULL || d->rests_until <= now ? 0 : d->rests_until;
}

unsigned
outbound_failures(const struct outbound *o, uint64_t key)
{
	const struct destination *d = destination_find(o, key);

	return d == NULL ? 0 : d->failures;
}

unsigned
outbound_waiting(const struct outbound *o, uint64_t key)
{
	const struct destination *d = destination_find(o, key);

	return d == NULL ? 0 : d->ready;
}

uint64_t
outbound_wakeup(const struct outbound *o, uint64_t now)
{
	if (o->n_resting == 0 || o->ready == 0)
		return UINT64_MAX;
	return o->next_wake < now ? now : o->next_wake;
}

void
outbound_flush(struct outbound *o)
{
	struct destination *d, *next;

	RB_FOREACH_SAFE(d, outbound_destination_tree, &o->destinations, next)
		if (d->rests_until != 0)
			end_rest(o, d);
}

void
outbound_end_rest(struct outbound *o, uint64_t key, uint64_t begun)
{
	struct destination *d = destination_find(o, key);

	if (d != NULL && d->rests_until != 0 && d->rests_since <= begun)
		end_rest(o, d);
}

void
outbound_tidy(struct outbound *o, uint64_t now)
{
	struct destination *d, *next;

	RB_FOREACH_SAFE(d, outbound_destination_tree, &o->destinations, next) {
		if (d->n_flows > 0 || d->rests_until > now ||
		    d->forget_at > now)
			continue;
		if (d->rests_until != 0)
			end_rest(o, d);
		d->failures = 0;
		destination_forget(o, d);
	}
}

unsigned
outbound_running(const struct outbound *o)
{
	return o->running;
}

unsigned
outbound_ready(const struct outbound *o)
{
	return o->ready;
}

unsigned
outbound_destinations(const struct outbound *o)
{
	return o->n_destinations;
}
