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

/* A question, and the answer as it comes in. */
struct expansion {
	struct daemon	*d;
	struct message	*m;
	uint32_t	 number;
	char		*text;		/* the addresses, one after the other */
	size_t		 text_len, text_max;
	uint32_t	*lens;
	uint32_t	 n, n_max;
	bool		 elsewhere;	/* one of them is on another host */
};

static void
expansion_free(struct expansion *x)
{
	message_unpin(x->m);
	free(x->text);
	free(x->lens);
	free(x);
}

static struct recipient *
expansion_recipient(const struct expansion *x)
{
	return x->m->over ? NULL : message_recipient(x->m, x->number);
}

static int
address_add(struct expansion *x, struct slice a)
{
	if (x->n == ENVELOPE_RECIPIENTS_MAX)
		return -1;
	if (x->n == x->n_max) {
		uint32_t *more = reallocarray(x->lens, x->n_max * 2 + 8,
		    sizeof(*more));

		if (more == NULL)
			return -1;
		x->lens = more;
		x->n_max = x->n_max * 2 + 8;
	}
	if (x->text_max - x->text_len < a.len) {
		size_t max = x->text_max * 2 + a.len + 256;
		char *more = realloc(x->text, max);

		if (more == NULL)
			return -1;
		x->text = more;
		x->text_max = max;
	}
	memcpy(x->text + x->text_len, a.at, a.len);
	x->text_len += a.len;
	x->lens[x->n++] = (uint32_t)a.len;
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

static void
on_durable(void *arg, int error)
{
	struct expansion *x = arg;
	struct recipient *r = expansion_recipient(x);

	if (error != 0 && r != NULL) {
		r->busy = false;
		attempt_postponed(x->d, r, 10000);
	} else if (error == 0 && !x->m->over)
		dispatch_message(x->d, x->m);
	expansion_free(x);
}

static void
record(struct expansion *x, struct recipient *r)
{
	struct slice *to = calloc(x->n + 1, sizeof(*to));
	struct attempt too_many = { 550, { 5, 4, 6 },
	    SLICE_LITERAL("The address stands for too many others"),
	    false, false };
	size_t at = 0;
	uint32_t n = 0;
	int error = to == NULL ? ENOMEM : 0;

	for (uint32_t i = 0; error == 0 && i < x->n; i++) {
		struct slice a = slice_of(x->text + at, x->lens[i]);

		at += x->lens[i];
		if (!is_taken(x, a))
			to[n++] = a;
	}
	if (error == 0)
		error = queue_put_expanded(&x->d->queue, x->m, x->number, to,
		    n, on_durable, x);
	free(to);
	if (error == 0) {
		flush_soon(x->d);
		return;
	}
	r->busy = false;
	if (error == EFBIG)
		attempt_failed(x->d, r, &too_many);
	else
		attempt_postponed(x->d, r, 10000);
	expansion_free(x);
}

static void
is_local(struct expansion *x, struct recipient *r)
{
	if (x->n != 1 ||
	    !slice_equal_nocase(slice_of(x->text, x->text_len), r->address)) {
		record(x, r);
		return;
	}
	r->busy = false;
	r->state = RECIPIENT_FINAL;
	x->m->dirty = true;
	dispatch_message(x->d, x->m);
	expansion_free(x);
}

static void
is_not(struct expansion *x, struct recipient *r, enum directory_verdict v)
{
	static const struct attempt unknown = { 550, { 5, 1, 1 },
	    { "No such user here", 17 }, false, false };
	static const struct attempt away = { 451, { 4, 4, 4 },
	    { "No relay to other hosts is configured", 37 }, false, true };
	static const struct attempt later = { 451, { 4, 3, 0 },
	    { "The address cannot be looked up now", 35 }, false, false };

	r->busy = false;
	if (v == DIRECTORY_UNKNOWN)
		attempt_failed(x->d, r, &unknown);
	else
		attempt_deferred(x->d, r,
		    v == DIRECTORY_NO_RELAY ? &away : &later);
	expansion_free(x);
}

static void
answered(struct expansion *x, enum directory_verdict verdict)
{
	struct recipient *r = expansion_recipient(x);

	if (r == NULL)
		expansion_free(x);
	else if (x->elsewhere && verdict != DIRECTORY_TEMPFAIL)
		is_not(x, r, DIRECTORY_NO_RELAY);
	else if (verdict == DIRECTORY_LOCAL && x->n > 0)
		is_local(x, r);
	else
		is_not(x, r, verdict == DIRECTORY_LOCAL ? DIRECTORY_UNKNOWN :
		    verdict);
}

static void
on_lost(struct expansion *x)
{
	struct recipient *r = expansion_recipient(x);

	if (r != NULL) {
		r->busy = false;
		attempt_postponed(x->d, r, 1000);
	}
	expansion_free(x);
}

static int
on_expanded(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct daemon *d = ctx;
	struct directory_expanded e;
	struct directory_target t;
	struct expansion *x;

	if (directory_expanded_decode(m->body, &e) == -1)
		return -1;
	x = e.last ? ipc_pending_take(d->expansions, ch, m->id) :
	    ipc_pending_peek(d->expansions, ch, m->id);
	if (x == NULL)
		return -1;
	while (directory_expanded_next(&e, &t)) {
		if (t.kind != DIRECTORY_TARGET_LOCAL)
			x->elsewhere = true;
		if (t.address.len > ENVELOPE_ADDRESS_MAX ||
		    address_add(x, t.address) == -1)
			e.verdict = DIRECTORY_TEMPFAIL;
	}
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

	if (d->directory == ch) {
		d->directory = NULL;
		stage_channel_lost(&d->stage, IPC_DIRECTORY, 0);
	}
	while ((x = ipc_pending_take_any(d->expansions, ch)) != NULL)
		on_lost(x);
}

static const struct ipc_handler handlers[] = {
	{ IPC_EXPANDED, on_expanded },
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
	return 0;
}

void
expand_recipient(struct daemon *d, struct recipient *r)
{
	struct directory_ask ask = { r->address, r->message->reverse_path };
	struct expansion *x;
	char body[DIRECTORY_BODY_MAX];
	uint64_t id = 0;
	size_t len;

	if (d->directory == NULL || ipc_channel_full(d->directory) ||
	    ipc_pending_full(d->expansions)) {
		attempt_postponed(d, r, 1000);
		return;
	}
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
	r->busy = true;
	ipc_send(d->directory, IPC_EXPAND, id, slice_of(body, len), NULL, 0);
}
