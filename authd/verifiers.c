/*
 * Work for the verifiers: a password and what is stored for the account, or
 * for nobody a hash just as costly.  Each verifier has one piece of work and
 * one that waits in its socket; what is more waits here, in order.
 */
#include <errno.h>
#include <stdlib.h>

#include "authd/authd.h"
#include "common/log/log.h"

#define IN_FLIGHT	2

/* For a table without any hash: yescrypt, of nothing anybody knows. */
static const struct slice nobody = SLICE_LITERAL(
    "$y$j9T$dVBOrz0hxz6R0dhTq10KD1$"
    "/mKCfqnk3mK90jF7r9GSGvmXkMBTKNVOVfb1P2pBpa5");

static struct slice
hash_for(const struct login *l)
{
	const struct passwords_table *t = l->authd->tables.passwords;
	const struct password *p = l->known ?
	    passwords_find(t, l->account.number) : NULL;

	if (p != NULL)
		return p->hash;
	return passwords_typical(t).len > 0 ? passwords_typical(t) : nobody;
}

static int
hand_over(struct verifier *v, struct login *l)
{
	struct authd *a = l->authd;
	uint8_t body[AUTH_BODY_MAX];
	size_t len;
	int result;

	/* The user may have been removed while this waited. */
	if (l->known && passwords_find(a->tables.passwords,
	    l->account.number) == NULL)
		l->known = false;
	l->verify_id = ipc_pending_add(a->verifying, v->channel, l);
	if (l->verify_id == 0)
		return -1;
	len = auth_verify_encode(hash_for(l),
	    slice_of(l->password, l->password_len), body);
	result = ipc_send(v->channel, IPC_VERIFY, l->verify_id,
	    slice_of(body, len), NULL, 0);
	explicit_bzero(body, sizeof(body));
	if (result == -1) {
		ipc_pending_take(a->verifying, v->channel, l->verify_id);
		return -1;
	}
	explicit_bzero(l->password, sizeof(l->password));
	l->verifier = v->channel;
	l->state = LOGIN_CHECKING;
	v->in_flight++;
	return 0;
}

static struct verifier *
least_busy(const struct authd *a)
{
	struct verifier *v, *best = NULL;

	TAILQ_FOREACH(v, &a->verifiers, entry)
		if (v->in_flight < IN_FLIGHT &&
		    (best == NULL || v->in_flight < best->in_flight))
			best = v;
	return best;
}

static void
hand_out(struct authd *a)
{
	struct verifier *v;
	struct login *l;

	while ((l = TAILQ_FIRST(&a->verify_queue)) != NULL &&
	    (v = least_busy(a)) != NULL) {
		if (hand_over(v, l) == -1)
			return;		/* tried again with the next answer */
		TAILQ_REMOVE(&a->verify_queue, l, queued);
	}
}

void
verifiers_check(struct login *l)
{
	TAILQ_INSERT_TAIL(&l->authd->verify_queue, l, queued);
	hand_out(l->authd);
}

void
verifiers_forget(struct login *l)
{
	if (l->state == LOGIN_QUEUED)
		TAILQ_REMOVE(&l->authd->verify_queue, l, queued);
	else if (l->verifier != NULL)
		ipc_pending_take(l->authd->verifying, l->verifier,
		    l->verify_id);
	l->verifier = NULL;
}

static int
on_verified(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct verifier *v = ctx;
	struct login *l;
	bool good;

	if (auth_verified_decode(m->body, &good) == -1 || v->in_flight == 0)
		return -1;
	v->in_flight--;
	/* None: its time was over before. */
	if ((l = ipc_pending_take(v->authd->verifying, ch, m->id)) != NULL) {
		l->verifier = NULL;
		login_checked(l, good ? CHECK_GOOD : CHECK_BAD);
	}
	hand_out(v->authd);
	return 0;
}

/* What it had is lost with the passwords, which were wiped here. */
static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct verifier *v = ctx;
	struct authd *a = v->authd;
	struct login *l;

	TAILQ_REMOVE(&a->verifiers, v, entry);
	if (!v->replaced)
		stage_channel_lost(&a->stage, IPC_AUTHD_VERIFIER, v->instance);
	free(v);
	while ((l = ipc_pending_take_any(a->verifying, ch)) != NULL) {
		l->verifier = NULL;
		login_checked(l, CHECK_UNAVAILABLE);
	}
}

static const struct ipc_handler handlers[] = {
	{ IPC_VERIFIED, on_verified },
};

static const struct ipc_events events = {
	.handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_closed,
};

int
verifiers_open(struct authd *a, unsigned instance, int fd)
{
	struct verifier *v = calloc(1, sizeof(*v)), *former;

	if (v == NULL)
		return -1;
	v->authd = a;
	v->instance = instance;
	TAILQ_FOREACH(former, &a->verifiers, entry)
		if (former->instance == instance)
			former->replaced = true;
	v->channel = ipc_channel_new(a->stage.base, fd, IPC_AUTHD,
	    IPC_AUTHD_VERIFIER, &events, v);
	if (v->channel == NULL) {
		free(v);
		return -1;
	}
	TAILQ_INSERT_TAIL(&a->verifiers, v, entry);
	hand_out(a);
	return 0;
}
