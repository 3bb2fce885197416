/*
 * Who is behind a recipient.  directory is asked once; what it answers is
 * numbered and durable before the first delivery.  An address that stands for
 * itself alone needs no record: it keeps its number.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/stdlib.h>

#include "common/ipc/directory.h"
#include "common/log/log.h"
#include "queue-manager/daemon.h"

/* Octets of an answer that came before its last part. */
struct part {
	struct part	*next;
	char		 octets[];
};

/* A question, and the answer as it comes in. */
struct expansion {
	struct daemon	*d;
	struct message	*m;
	uint32_t	 number;
	bool		 incomplete;	/* memory was short */
	struct part	*parts;		/* what targets point into */
	/* Those of the part that came last point into the channel's buffer:
	 * it is all over when that is gone. */
	struct directory_target *targets;
	uint32_t	 n, n_max;
};

static void
expansion_free(struct expansion *x)
{
	struct part *p;

	while ((p = x->parts) != NULL) {
		x->parts = p->next;
		free(p);
	}
	message_unpin(x->m);
	free(x->targets);
	free(x);
}

static struct recipient *
expansion_recipient(const struct expansion *x)
{
	return x->m->over ? NULL : message_recipient(x->m, x->number);
}

static int
target_add(struct expansion *x, const struct directory_target *t)
{
	if (x->n == ENVELOPE_RECIPIENTS_MAX ||
	    t->address.len > ENVELOPE_ADDRESS_MAX ||
	    t->reverse_path.len > ENVELOPE_ADDRESS_MAX)
		return -1;
	if (x->n == x->n_max) {
		uint32_t max = x->n_max == 0 ? 1 : x->n_max * 2 + 6;
		struct directory_target *more = reallocarray(x->targets, max,
		    sizeof(*more));

		if (more == NULL)
			return -1;
		x->targets = more;
		x->n_max = max;
	}
	x->targets[x->n++] = *t;
	return 0;
}

/* Another recipient of the message gets it already. */
static bool
is_taken(const struct expansion *x, struct slice address)
{
	for (uint32_t i = 0; i < x->m->n; i++) {
		const struct recipient *r = x->m->recipients[i];

		if (r->number != x->number &&
		    slice_equal_nocase(r->address, address))
			return true;
	}
	return false;
}

/* ---- more than itself: a record ---- */

/* What became of the expansion, for when its record is durable. */
struct expanded {
	struct daemon	*d;
	struct message	*m;
	uint32_t	 number;
};

static void
on_durable(void *arg, int error)
{
	struct expanded *x = arg;
	struct recipient *r = x->m->over ? NULL :
	    message_recipient(x->m, x->number);

	if (error != 0 && r != NULL) {
		r->busy = false;
		attempt_postponed(x->d, r, 10000);
	} else if (error == 0 && !x->m->over)
		dispatch_message(x->d, x->m);
	message_unpin(x->m);
	free(x);
}

/* A list: its members' troubles are for somebody else (RFC 3461 section
 * 5.2.7.1).  One alone is a forwarding with a rewritten path. */
static bool
is_list(const struct expansion *x)
{
	return x->n > 1 && x->targets[0].reverse_path.len > 0;
}

/*
 * RFC 3461 sections 5.2.7.1 to 5.2.7.3.  A list's members have none of what
 * the sender asked for; those of an alias with several have all but SUCCESS,
 * of which the sender hears now.
 */
static uint32_t
members_notify(const struct expansion *x, const struct recipient *r)
{
	uint32_t notify = r->notify & ~(uint32_t)ENVELOPE_NOTIFY_SUCCESS;

	if (is_list(x))
		return 0;
	if (x->n < 2 || r->notify == 0)
		return r->notify;
	return notify == 0 ? ENVELOPE_NOTIFY_NEVER : notify;
}

static bool
are_mailboxes(const struct expansion *x, const struct recipient *r)
{
	for (uint32_t i = 0; i < x->n; i++)
		if (x->targets[i].kind != DIRECTORY_TARGET_LOCAL ||
		    x->targets[i].reverse_path.len > 0)
			return false;
	return members_notify(x, r) == r->notify;
}

static struct event_target
event_of(const struct expansion *x, const struct recipient *r,
    const struct directory_target *t)
{
	static const enum event_target_kind kinds[] = {
		[DIRECTORY_TARGET_LOCAL] = EVENT_TARGET_LOCAL,
		[DIRECTORY_TARGET_RELAY] = EVENT_TARGET_RELAY,
		[DIRECTORY_TARGET_REFUSED] = EVENT_TARGET_REFUSED,
	};
	struct event_target e = { .kind = kinds[t->kind],
	    .notify = members_notify(x, r), .with_original = !is_list(x),
	    .address = t->address, .route = t->route, .domain = t->domain,
	    .sender = t->reverse_path, .code = t->refusal.code,
	    .text = t->refusal.text };

	memcpy(e.enhanced, t->refusal.enhanced, sizeof(e.enhanced));
	if (e.text.len > QUEUE_REASON_MAX)
		e.text.len = QUEUE_REASON_MAX;
	return e;
}

static int
put_mailboxes(struct expansion *x, struct expanded *done)
{
	struct slice *to = calloc(x->n + 1, sizeof(*to));
	uint32_t n = 0;
	int error;

	if (to == NULL)
		return ENOMEM;
	for (uint32_t i = 0; i < x->n; i++)
		if (!is_taken(x, x->targets[i].address))
			to[n++] = x->targets[i].address;
	error = queue_put_expanded(&x->d->queue, x->m, x->number, to, n,
	    on_durable, done);
	free(to);
	return error;
}

static int
put_targets(struct expansion *x, const struct recipient *r,
    struct expanded *done)
{
	struct event_target *to = calloc(x->n + 1, sizeof(*to));
	uint32_t n = 0;
	int error;

	if (to == NULL)
		return ENOMEM;
	for (uint32_t i = 0; i < x->n; i++)
		if (!is_taken(x, x->targets[i].address))
			to[n++] = event_of(x, r, &x->targets[i]);
	error = queue_put_targets(&x->d->queue, x->m, x->number, to, n,
	    on_durable, done);
	free(to);
	return error;
}

static int
put_record(struct expansion *x, struct recipient *r)
{
	struct expanded *done = malloc(sizeof(*done));
	int error;

	if (done == NULL)
		return ENOMEM;
	*done = (struct expanded){ x->d, x->m, x->number };
	x->m->pins++;
	/* The report stands before the record: after a crash in between the
	 * sender hears of it twice. */
	if (x->n > 1 && (r->notify & ENVELOPE_NOTIFY_SUCCESS))
		report_expanded(x->d, r, is_list(x));
	error = are_mailboxes(x, r) ? put_mailboxes(x, done) :
	    put_targets(x, r, done);
	if (error == 0)
		return 0;
	message_unpin(x->m);
	free(done);
	return error;
}

static void
record(struct expansion *x, struct recipient *r)
{
	static const struct attempt too_many = { .code = 550,
	    .enhanced = { 5, 4, 6 }, .text = SLICE_LITERAL(
	    "The address stands for too many others") };
	int error = x->m->n + x->n > ENVELOPE_RECIPIENTS_MAX ? EFBIG :
	    put_record(x, r);

	if (error == 0) {
		flush_soon(x->d);
		return;
	}
	r->busy = false;
	if (error == EFBIG) {
		attempt_failed(x->d, r, &too_many);
		giveup_consider(x->d, x->m);
	} else
		attempt_postponed(x->d, r, 10000);
}

/* ---- itself ---- */

static void
refused(struct expansion *x, struct recipient *r,
    const struct directory_refusal *why)
{
	struct attempt a = { .code = why->code, .text = why->text };

	memcpy(a.enhanced, why->enhanced, sizeof(a.enhanced));
	r->busy = false;
	if (a.code < 500)
		attempt_deferred(x->d, r, &a);
	else
		attempt_failed(x->d, r, &a);
	giveup_consider(x->d, x->m);
}

static void
itself(struct expansion *x, struct recipient *r)
{
	const struct directory_target *t = &x->targets[0];
	const struct target target = { t->route, t->domain, t->reverse_path };

	r->busy = false;
	if ((t->kind == DIRECTORY_TARGET_RELAY || t->reverse_path.len > 0) &&
	    recipient_target(r, &target) == -1) {
		attempt_postponed(x->d, r, 10000);
		return;
	}
	r->state = t->kind == DIRECTORY_TARGET_RELAY ? RECIPIENT_RELAY :
	    RECIPIENT_FINAL;
	r->routes = x->d->routes;
	x->m->dirty = true;
}

/*
 * Who it is has been decided for good when it was expanded; what changes is
 * the way there.  An address that is no longer on another host keeps its own.
 */
static void
rerouted(struct expansion *x, struct recipient *r)
{
	const struct directory_target *t = &x->targets[0];
	struct target to = *r->target;

	r->busy = false;
	r->routes = x->d->routes;
	if (x->incomplete || x->n != 1 || t->kind != DIRECTORY_TARGET_RELAY ||
	    !slice_equal_nocase(t->address, r->address) ||
	    (slice_equal(t->route, to.route) &&
	    slice_equal(t->domain, to.domain)))
		return;
	log_info("rerouted", LOG_QID(x->m->id), LOG_NUM("recipient",
	    r->number), LOG_STR("from", to.route), LOG_STR("to", t->route));
	to.route = t->route;
	to.domain = t->domain;
	if (recipient_target(r, &to) == -1)
		attempt_postponed(x->d, r, 10000);
	x->m->dirty = true;
}

static void
is_somebody(struct expansion *x, struct recipient *r)
{
	const struct directory_target *t = &x->targets[0];

	if (x->n == 1 && t->kind == DIRECTORY_TARGET_REFUSED)
		refused(x, r, &t->refusal);
	else if (x->n == 1 && slice_equal_nocase(t->address, r->address))
		itself(x, r);
	else
		record(x, r);
}

static void
is_not(struct expansion *x, struct recipient *r, enum directory_verdict v)
{
	static const struct attempt unknown = { .code = 550,
	    .enhanced = { 5, 1, 1 },
	    .text = SLICE_LITERAL("No such user here") };
	static const struct attempt denied = { .code = 550,
	    .enhanced = { 5, 7, 1 }, .text = SLICE_LITERAL("Relaying denied") };
	static const struct attempt later = { .code = 451,
	    .enhanced = { 4, 3, 0 },
	    .text = SLICE_LITERAL("The address cannot be looked up now") };

	r->busy = false;
	if (v == DIRECTORY_UNKNOWN)
		attempt_failed(x->d, r, &unknown);
	else if (v == DIRECTORY_NO_RELAY)
		attempt_failed(x->d, r, &denied);
	else
		attempt_deferred(x->d, r, &later);
	giveup_consider(x->d, x->m);
}

/* Whoever accepted it said that its sender may; here it is looked at again,
 * by what the channel is that it came on. */
static bool
may_go(const struct expansion *x, enum directory_verdict v)
{
	if (x->n == 0)
		return false;
	return v == DIRECTORY_LOCAL || v == DIRECTORY_RELAY_DOMAIN ||
	    (v == DIRECTORY_NO_RELAY && x->m->may_relay);
}

static void
use_answer(struct expansion *x, enum directory_verdict v)
{
	struct recipient *r = expansion_recipient(x);

	if (r == NULL)
		return;
	if (r->state == RECIPIENT_RELAY)
		rerouted(x, r);
	else if (x->incomplete)
		is_not(x, r, DIRECTORY_TEMPFAIL);
	else if (may_go(x, v))
		is_somebody(x, r);
	else
		is_not(x, r, v == DIRECTORY_LOCAL ||
		    v == DIRECTORY_RELAY_DOMAIN ? DIRECTORY_UNKNOWN : v);
}

/* Deliveries begin, and further questions are asked, when all that were asked
 * together are answered: then those that go together are known. */
static void
answered(struct expansion *x, enum directory_verdict v)
{
	use_answer(x, v);
	if (--x->m->asking == 0 && !x->m->over)
		dispatch_message(x->d, x->m);
	expansion_free(x);
}

/* ---- the channel ---- */

static void
on_lost(struct expansion *x)
{
	struct recipient *r = expansion_recipient(x);

	if (r != NULL) {
		r->busy = false;
		attempt_postponed(x->d, r, 1000);
	}
	x->m->asking--;
	expansion_free(x);
}

/* The channel's buffer does not last until the next part. */
static struct slice
keep_part(struct expansion *x, struct slice body)
{
	struct part *p = malloc(sizeof(*p) + body.len);

	if (p == NULL) {
		x->incomplete = true;
		return slice_of(NULL, 0);
	}
	memcpy(p->octets, body.at, body.len);
	p->next = x->parts;
	x->parts = p;
	return slice_of(p->octets, body.len);
}

static void
take_part(struct expansion *x, struct slice body)
{
	struct directory_expanded e;
	struct directory_target t;

	if (directory_expanded_decode(body, &e) == -1)
		return;
	while (!x->incomplete && directory_expanded_next(&e, &t))
		if (target_add(x, &t) == -1)
			x->incomplete = true;
}

static int
on_expanded(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct daemon *d = ctx;
	struct directory_expanded e;
	struct expansion *x;

	if (directory_expanded_decode(m->body, &e) == -1)
		return -1;
	x = e.last ? ipc_pending_take(d->expansions, ch, m->id) :
	    ipc_pending_peek(d->expansions, ch, m->id);
	if (x == NULL)
		return -1;
	take_part(x, e.last ? m->body : keep_part(x, m->body));
	if (e.last)
		answered(x, e.verdict);
	return 0;
}

static void
on_turn(void *ctx, struct ipc_channel *ch)
{
	(void)ch;
	dispatch_run(ctx);
}

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct daemon *d = ctx;
	struct expansion *x;

	if (d->directory == ch)
		d->directory = NULL;
	while ((x = ipc_pending_take_any(d->expansions, ch)) != NULL)
		on_lost(x);
}

static int
on_tables_new(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	(void)ch, (void)m;
	relaying_reroute(ctx);
	return 0;
}

static const struct ipc_handler handlers[] = {
	{ IPC_EXPANDED, on_expanded },
	{ IPC_TABLES_NEW, on_tables_new },
};

static const struct ipc_events events = {
	.handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_closed,
	.turn = on_turn,
};

int
expand_open(struct daemon *d, int fd)
{
	struct ipc_channel *ch = ipc_channel_new(d->stage.base, fd,
	    IPC_QUEUE_MANAGER, IPC_DIRECTORY, &events, d);

	if (ch == NULL)
		return -1;
	d->directory = ch;	/* the former one ends by itself */
	relaying_reroute(d);	/* who knows by which tables */
	return 0;
}

void
expand_recipient(struct daemon *d, struct recipient *r)
{
	struct directory_ask ask = { r->address, r->message->reverse_path,
		(r->message->flags & ENVELOPE_FORWARDED) != 0 };
	struct expansion *x;
	char body[DIRECTORY_BODY_MAX];
	uint64_t id = 0;
	size_t len;

	if (d->directory == NULL) {
		attempt_postponed(d, r, 1000);
		return;
	}
	/* Asked when those before are answered, or at the next tick. */
	if (ipc_channel_full(d->directory) || ipc_pending_full(d->expansions))
		return;
	len = directory_ask_encode(&ask, body);
	x = calloc(1, sizeof(*x));
	if (x != NULL)
		id = ipc_pending_add(d->expansions, d->directory, x);
	if (len == 0 || id == 0) {
		free(x);
		attempt_postponed(d, r, 10000);
		return;
	}
	*x = (struct expansion){ .d = d, .m = r->message,
	    .number = r->number };
	x->m->pins++;
	x->m->asking++;
	r->busy = true;
	ipc_send(d->directory, IPC_EXPAND, id, slice_of(body, len), NULL, 0);
}
