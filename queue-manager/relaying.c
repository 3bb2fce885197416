/*
 * Deliveries to other hosts: recipients of one message at one destination go
 * together, as a parcel, to remote-relay (common/ipc/relay.h).  Each of them
 * ends its attempt by itself; what was under way when remote-relay went away
 * is asked again, and soon.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/relay.h"
#include "common/log/log.h"
#include "queue-manager/daemon.h"

enum {
	/* Parcels of one destination in memory; more wait in the index. */
	WAITING_MAX = 1000,
	WAIT_MS = 60 * 1000,
	/* Those that a rest has put off come back within that time. */
	SPREAD_MS = 60 * 1000
};

/* On its way together: one route, domain and sender. */
struct parcel {
	struct outbound_job job;	/* first: a job is its parcel */
	struct message	*m;
	uint64_t	 destination;
	uint64_t	 domain;	/* as the index knows it */
	bool		 running;
	bool		 answered;	/* by the destination, whatever it said */
	bool		 down;
	bool		 deferred;
	uint32_t	 n;
	struct recipient *of[];		/* in order of their numbers */
};

/* ---- what it is called ---- */

static uint64_t
hash_more(uint64_t h, struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.at[i]) * 1099511628211ULL;
	return (h ^ 0xff) * 1099511628211ULL;	/* no octet of either */
}

uint64_t
relaying_destination(const struct target *t)
{
	uint64_t h = hash_more(14695981039346656037ULL, t->route);

	h = hash_more(h, t->domain);
	return h == 0 ? 1 : h;
}

/* Whose turn it is: who logged in, or who the envelope says it is from. */
static uint64_t
sender_key(const struct message *m)
{
	struct slice who = m->auth.len > 0 ? m->auth : m->reverse_path;

	return who.len == 0 ? m->id : index_destination(who);
}

/* ---- into the line ---- */

static struct parcel *
parcel_new(struct recipient *const *of, uint32_t n)
{
	struct parcel *p = calloc(1, sizeof(*p) + n * sizeof(p->of[0]));

	if (p == NULL)
		return NULL;
	p->m = of[0]->message;
	p->destination = relaying_destination(of[0]->target);
	p->domain = index_destination(of[0]->target->domain);
	for (p->n = 0; p->n < n; p->n++) {
		p->of[p->n] = of[p->n];
		of[p->n]->parcel = p;
	}
	return p;
}

static void
parcel_free(struct parcel *p)
{
	assert(p->job.state == OUTBOUND_IDLE);
	for (uint32_t i = 0; i < p->n; i++)
		p->of[i]->parcel = NULL;
	free(p);
}

static void
parcel_drop(struct parcel *p, struct recipient *r)
{
	for (uint32_t i = 0; i < p->n; i++) {
		if (p->of[i] != r)
			continue;
		memmove(&p->of[i], &p->of[i + 1],
		    (p->n - i - 1) * sizeof(p->of[0]));
		p->n--;
		r->parcel = NULL;
		return;
	}
}

void
relaying_withdraw(struct daemon *d, struct recipient *r)
{
	struct parcel *p = r->parcel;

	if (p == NULL)
		return;
	parcel_drop(p, r);
	if (p->n > 0 || p->running)
		return;
	outbound_remove(d->outbound, &p->job);
	parcel_free(p);
}

void
relaying_reroute(struct daemon *d)
{
	struct message *m, *next;

	d->routes++;
	RB_FOREACH_SAFE(m, message_tree, &d->queue.messages, next) {
		bool any = false;

		for (uint32_t i = 0; i < m->n; i++) {
			struct recipient *r = m->recipients[i];

			if (r->parcel == NULL || r->parcel->running)
				continue;
			relaying_withdraw(d, r);
			any = true;
		}
		if (any)
			dispatch_message(d, m);
	}
}

static void
line_up(struct daemon *d, struct recipient *const *of, uint32_t n)
{
	struct parcel *p = parcel_new(of, n);

	if (p != NULL && outbound_add(d->outbound, &p->job, p->destination,
	    sender_key(p->m), of[0]->attempts == 0) == 0)
		return;
	if (p != NULL)
		parcel_free(p);
	for (uint32_t i = 0; i < n; i++)
		attempt_postponed(d, of[i], 1000);
}

/*
 * There is no use in an attempt now: its destination rests after failures, or
 * so much is waiting for it that this one waits in the index.
 */
static bool
put_off(struct daemon *d, struct recipient *r)
{
	static const char rests[] =
	    "Its destination could not be reached and is left alone for now";
	uint64_t now = queue_now(&d->queue);
	uint64_t key = relaying_destination(r->target);
	uint64_t until = outbound_rests(d->outbound, key, now);
	struct flush f = { .outbound = key };

	if (until == 0 && outbound_waiting(d->outbound, key) < WAITING_MAX)
		return false;
	if (attempt_is_too_old(d, r)) {
		attempt_expired(d, r);
		return true;
	}
	if (until == 0) {
		/* Or sooner, as room comes free. */
		f.destination = index_destination(r->target->domain);
		flush_begin(d, &f);
		attempt_postponed(d, r, WAIT_MS + arc4random_uniform(WAIT_MS));
		return true;
	}
	attempt_postponed(d, r, until - now + arc4random_uniform(SPREAD_MS));
	if (r->code == 0) {
		r->code = 451;
		memcpy(r->enhanced, (const uint8_t[]){ 4, 4, 1 }, 3);
		recipient_reason(r, SLICE_LITERAL(rests));
	}
	return true;
}

static bool
is_due(const struct daemon *d, const struct recipient *r, uint64_t now)
{
	return r->state == RECIPIENT_RELAY && !r->busy && r->parcel == NULL &&
	    r->giving_up == 0 && r->due_ms <= now && r->routes == d->routes;
}

/* Not all of its recipients are known yet: more may go along. */
static bool
is_growing(const struct message *m)
{
	for (uint32_t i = 0; i < m->n; i++) {
		const struct recipient *r = m->recipients[i];

		if (r->state == RECIPIENT_NEW && r->attempts == 0 &&
		    r->giving_up == 0)
			return true;
	}
	return false;
}

static int
slice_order(struct slice a, struct slice b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len == 0 ? 0 : memcmp(a.at, b.at, len);

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

static int
together(const struct recipient *a, const struct recipient *b)
{
	int order = slice_order(a->target->domain, b->target->domain);

	if (order == 0)
		order = slice_order(a->target->route, b->target->route);
	return order != 0 ? order :
	    slice_order(a->target->sender, b->target->sender);
}

static int
compare(const void *x, const void *y)
{
	const struct recipient *a = *(struct recipient *const *)x;
	const struct recipient *b = *(struct recipient *const *)y;
	int order = together(a, b);

	if (order != 0)
		return order;
	return a->number < b->number ? -1 : a->number > b->number;
}

static void
make_parcels(struct daemon *d, struct recipient **due, uint32_t n)
{
	uint32_t most = (uint32_t)d->set->recipients_per_relay;

	qsort(due, n, sizeof(*due), compare);
	for (uint32_t from = 0, to; from < n; from = to) {
		for (to = from + 1; to < n && to - from < most; to++)
			if (together(due[from], due[to]) != 0)
				break;
		line_up(d, due + from, to - from);
	}
}

void
relaying_dispatch(struct daemon *d, struct message *m)
{
	uint64_t now = queue_now(&d->queue);
	struct recipient **due;
	uint32_t n = 0, kept = 0;

	for (uint32_t i = 0; i < m->n; i++)
		n += is_due(d, m->recipients[i], now);
	if (n == 0 || m->asking > 0 || is_growing(m) || (due = calloc(n, sizeof(*due))) == NULL)
		return;		/* chores come by again */
	for (uint32_t i = 0; i < m->n && kept < n; i++)
		if (is_due(d, m->recipients[i], now) &&
		    !put_off(d, m->recipients[i]))
			due[kept++] = m->recipients[i];
	make_parcels(d, due, kept);
	free(due);
}

/* ---- away ---- */

static struct relay
relay_of(const struct daemon *d, const struct parcel *p, uint64_t offset)
{
	const struct message *m = p->m;
	const struct target *t = p->of[0]->target;
	struct relay y = { .queue_id = m->id, .nonce = d->queue.nonce,
	    .content_size = m->content_octets, .content_offset = offset,
	    .arrival = m->wall_ms / 1000,
	    .reverse_path = recipient_sender(p->of[0]),
	    .auth = m->auth, .route = t->route, .domain = t->domain };

	if (m->flags & ENVELOPE_8BITMIME)
		y.flags |= RELAY_8BIT;
	if (m->flags & ENVELOPE_BINARYMIME)
		y.flags |= RELAY_BINARY;
	if (m->flags & ENVELOPE_SMTPUTF8)
		y.flags |= RELAY_SMTPUTF8;
	/* What its sender asked for is nothing that the owner of a list
	 * would understand: RFC 3461 section 5.2.7.1. */
	if (t->sender.len == 0) {
		y.envid = m->envid;
		y.ret = m->ret;
	}
	return y;
}

/* Those that do not fit into one message to remote-relay go in another. */
static void
split(struct daemon *d, struct parcel *p, uint32_t kept)
{
	uint32_t n = p->n - kept;

	p->n = kept;
	for (uint32_t i = 0; i < n; i++)
		p->of[kept + i]->parcel = NULL;
	line_up(d, p->of + kept, n);
}

static size_t
relay_body(struct daemon *d, struct parcel *p, uint64_t offset,
    uint8_t body[RELAY_BODY_MAX])
{
	const struct relay y = relay_of(d, p, offset);
	struct relay_part part;
	uint32_t n;

	relay_begin(&part, &y, body);
	for (n = 0; n < p->n; n++) {
		const struct recipient *r = p->of[n];
		const struct relay_recipient to = { r->number, r->address,
		    r->original, r->notify };

		if (!relay_add(&part, &to))
			break;
	}
	if (n < p->n)
		split(d, p, n);
	return relay_end(&part);
}

/* It did not come to an attempt. */
static void
not_now(struct daemon *d, struct parcel *p, uint64_t ms)
{
	outbound_finish(d->outbound, &p->job, OUTBOUND_NO_VERDICT,
	    queue_now(&d->queue), 0);
	for (uint32_t i = 0; ms > 0 && i < p->n; i++)
		attempt_postponed(d, p->of[i], ms);
	parcel_free(p);
}

static void
unfit(struct daemon *d, struct parcel *p)
{
	static const struct attempt bad = { .code = 550,
	    .enhanced = { 5, 1, 3 }, .text = SLICE_LITERAL("Bad address") };
	struct message *m = p->m;

	m->pins++;
	outbound_finish(d->outbound, &p->job, OUTBOUND_NO_VERDICT,
	    queue_now(&d->queue), 0);
	while (p->n > 0) {
		struct recipient *r = p->of[0];

		parcel_drop(p, r);
		attempt_failed(d, r, &bad);
	}
	parcel_free(p);
	giveup_consider(d, m);
	message_unpin(m);
}

static void
send_away(struct daemon *d, struct parcel *p)
{
	static uint8_t body[RELAY_BODY_MAX];
	uint64_t offset, id;
	size_t len;
	int fd;

	if (p->m->held) {		/* meanwhile */
		not_now(d, p, 0);
		return;
	}
	if ((fd = content_open(d, p->m, &offset)) == -1) {
		not_now(d, p, 5000);
		return;
	}
	if ((len = relay_body(d, p, offset, body)) == 0) {
		close(fd);
		unfit(d, p);
		return;
	}
	id = ipc_pending_add(d->relays, d->relay, p);
	for (uint32_t i = 0; i < p->n; i++)
		p->of[i]->busy = true;
	p->running = true;
	p->m->pins++;
	ipc_send(d->relay, IPC_RELAY, id, slice_of(body, len), &fd, 1);
}

void
relaying_run(struct daemon *d)
{
	struct outbound_job *j;

	while (d->relay != NULL && !ipc_channel_full(d->relay) &&
	    !ipc_pending_full(d->relays)) {
		j = outbound_start(d->outbound, queue_now(&d->queue));
		if (j == NULL)
			break;
		send_away(d, (struct parcel *)j);
	}
}

/* ---- and back ---- */

/* The destination is back: what waits for it comes now. */
static void
follow(struct daemon *d, const struct parcel *p)
{
	struct flush f = { .destination = p->domain,
	    .outbound = p->destination };

	log_info("destination-back", LOG_QID(p->m->id));
	flush_begin(d, &f);
	flush_memory(d, &f);
}

/* All of it is answered for. */
static void
parcel_ended(struct daemon *d, struct parcel *p)
{
	struct message *m = p->m;
	bool back = outbound_finish(d->outbound, &p->job,
	    p->down ? OUTBOUND_DOWN : p->answered ? OUTBOUND_ALIVE :
	    OUTBOUND_NO_VERDICT, queue_now(&d->queue), arc4random());

	if (back)
		follow(d, p);
	if (!m->over)
		giveup_consider(d, m);
	content_let_go(d, m, p->deferred);
	parcel_free(p);
	message_unpin(m);
}

static struct recipient *
recipient_of(const struct parcel *p, const struct relayed *v)
{
	for (uint32_t i = 0; v->queue_id == p->m->id && i < p->n; i++)
		if (p->of[i]->number == v->number)
			return p->of[i];
	return NULL;
}

static void
attempt_ended(struct daemon *d, struct parcel *p, struct recipient *r,
    const struct relayed *v)
{
	struct attempt a = { .code = v->code, .text = v->text,
	    .unknown = v->unknown, .dsn_passed = v->dsn_passed,
	    .remote_mta = v->remote_mta };

	memcpy(a.enhanced, v->enhanced, sizeof(a.enhanced));
	parcel_drop(p, r);
	r->busy = false;
	p->down |= v->host_down;
	p->answered |= !v->host_down && !v->unknown;
	p->deferred |= v->result == RELAY_DEFERRED;
	if (v->result == RELAY_DELIVERED)
		attempt_delivered(d, r, &a);
	else if (v->result == RELAY_DEFERRED)
		attempt_deferred(d, r, &a);
	else
		attempt_failed(d, r, &a);
}

static int
on_relayed(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct daemon *d = ctx;
	struct recipient *r;
	struct relayed v;
	struct parcel *p;

	if (relayed_decode(m->body, &v) == -1)
		return -1;
	p = ipc_pending_peek(d->relays, ch, m->id);
	if (p == NULL || (r = recipient_of(p, &v)) == NULL ||
	    v.last != (p->n == 1))
		return -1;
	attempt_ended(d, p, r, &v);
	if (!v.last)
		return 0;
	(void)ipc_pending_take(d->relays, ch, m->id);
	parcel_ended(d, p);
	return 0;
}

static void
on_turn(void *ctx, struct ipc_channel *ch)
{
	(void)ch;
	dispatch_run(ctx);
}

static void
on_lost(struct daemon *d, struct parcel *p)
{
	struct message *m = p->m;

	while (p->n > 0) {
		struct recipient *r = p->of[0];

		parcel_drop(p, r);
		r->busy = false;
		r->unknown = true;
		attempt_postponed(d, r, 1000);
	}
	outbound_finish(d->outbound, &p->job, OUTBOUND_NO_VERDICT,
	    queue_now(&d->queue), 0);
	parcel_free(p);
	message_unpin(m);
}

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct daemon *d = ctx;
	struct parcel *p;
	unsigned n = 0;

	if (d->relay == ch)
		d->relay = NULL;
	for (; (p = ipc_pending_take_any(d->relays, ch)) != NULL; n++)
		on_lost(d, p);
	if (n > 0)
		log_warning("relays-lost-sight-of", LOG_NUM("count", n));
}

static const struct ipc_handler handlers[] = {
	{ IPC_RELAYED, on_relayed },
};

static const struct ipc_events events = {
	.handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_closed,
	.drained = on_turn,
	.turn = on_turn,
};

int
relaying_open(struct daemon *d, int fd)
{
	struct ipc_channel *ch = ipc_channel_new(d->stage.base, fd,
	    IPC_QUEUE_MANAGER, IPC_REMOTE_RELAY, &events, d);

	if (ch == NULL)
		return -1;
	d->relay = ch;
	if (d->open)
		dispatch_run(d);
	return 0;
}

void
relaying_clear(struct daemon *d)
{
	struct message *m;
	struct parcel *p;

	while (d->relay != NULL &&
	    (p = ipc_pending_take_any(d->relays, d->relay)) != NULL) {
		outbound_remove(d->outbound, &p->job);
		parcel_free(p);
	}
	RB_FOREACH(m, message_tree, &d->queue.messages)
		for (uint32_t i = 0; i < m->n; i++)
			relaying_withdraw(d, m->recipients[i]);
}
