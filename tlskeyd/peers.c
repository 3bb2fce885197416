/* Who asks, how often, and what is answered. */
#include "tlskeyd/tlskeyd.h"

#include <errno.h>
#include <stdlib.h>

#include "common/log/log.h"

/* ---- how often ---- */

/*
 * A bucket of two seconds' worth that fills with time.  Counted in
 * thousandths, so that a slow rate is no rounding error.
 */
static bool
may_sign(struct peer *p)
{
	uint64_t rate = p->d->set->signatures_per_second;
	uint64_t now = tlskeyd_now_ms(), most = 2 * rate * 1000;
	uint64_t passed = now - p->filled_ms;

	if (passed > 2000)
		passed = 2000;
	p->filled_ms = now;
	p->milli_tokens += passed * rate;
	if (p->milli_tokens > most)
		p->milli_tokens = most;
	if (p->milli_tokens < 1000)
		return false;
	p->milli_tokens -= 1000;
	return true;
}

static void
log_busy(struct peer *p)
{
	if (p->told_busy)
		return;
	p->told_busy = true;	/* until the minute is over */
	log_warning("signatures-limited",
	    LOG_CSTR("peer", ipc_role_name(p->role)),
	    LOG_NUM("signatures_per_second",
	    p->d->set->signatures_per_second));
}

/* ---- what is answered ---- */

static void
refuse(struct peer *p, uint64_t id, enum tls_refusal why)
{
	char body[16];

	p->refused_count++;
	if (why == TLS_BUSY)
		log_busy(p);
	else
		log_warning("signature-refused",
		    LOG_CSTR("peer", ipc_role_name(p->role)),
		    LOG_CSTR("reason", tls_refusal_name(why)));
	ipc_send(p->channel, IPC_TLS_REFUSED, id, slice_of(body,
	    tls_refused_encode(why, body)), NULL, 0);
}

/* Whoever asks other hosts does not get a server's signature, nor the other
 * way round. */
static enum handshake_side
side_of(enum ipc_role role)
{
	return (IPC_TLS_CLIENTS & IPC_BIT(role)) != 0 ? SIDE_CLIENT :
	    SIDE_SERVER;
}

static int
on_sign(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct peer *p = ctx;
	unsigned char sig[TLS_SIGNATURE_MAX];
	enum tls_refusal why = TLS_NO_KEY;
	const struct pair *pair;
	struct tls_sign sign;
	size_t len = 0;
	char body[TLS_SIGNATURE_MAX + 16];

	if (tls_sign_decode(m->body, &sign) == -1)
		return -1;
	if (!may_sign(p)) {
		refuse(p, m->id, TLS_BUSY);
		return 0;
	}
	pair = store_find(p->d, p->role, &sign.key);
	if (pair != NULL)
		why = pair_sign(pair, side_of(p->role), sign.scheme,
		    sign.input, sig, &len);
	if (why != 0) {
		refuse(p, m->id, why);
		return 0;
	}
	p->signed_count++;
	ipc_send(ch, IPC_TLS_SIGNED, m->id, slice_of(body,
	    tls_signed_encode(slice_of(sig, len), body)), NULL, 0);
	return 0;
}

/* ---- what they are told ---- */

static void
announce(struct peer *p)
{
	struct tls_key_id *ids = calloc(TLS_KEYS_MAX, sizeof(*ids));
	uint8_t *body = p->d->body;
	size_t n;

	if (ids == NULL) {
		log_error("keys-not-announced", LOG_ERRNO(errno));
		return;
	}
	n = store_list(p->d, p->role, ids);
	ipc_send(p->channel, IPC_TLS_KEYS, 0, slice_of(body,
	    tls_keys_encode(ids, n, body)), NULL, 0);
	free(ids);
}

void
peers_announce(struct tlskeyd *d)
{
	struct peer *p;

	TAILQ_FOREACH(p, &d->peers, all)
		announce(p);
}

static void
give_tickets(struct peer *p)
{
	const struct tls_ticket_keys *keys = tickets_of(p->d, p->role);
	uint8_t body[256];

	ipc_send(p->channel, IPC_TLS_TICKETS, 0, slice_of(body,
	    tls_tickets_encode(keys, body)), NULL, 0);
	explicit_bzero(body, sizeof(body));
}

void
peers_give_tickets(struct tlskeyd *d, enum ipc_role role)
{
	struct peer *p;

	TAILQ_FOREACH(p, &d->peers, all)
		if (p->role == role)
			give_tickets(p);
}

/* ---- who ---- */

static void
peer_free(struct peer *p)
{
	TAILQ_REMOVE(&p->d->peers, p, all);
	free(p);
}

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	(void)ch;
	peer_free(ctx);
}

static const struct ipc_handler handlers[] = {
	{ IPC_TLS_SIGN, on_sign },
};

static const struct ipc_events events = { .handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]), .closed = on_closed };

/* A peer that was started again comes by a new channel; the old one is no
 * longer its own. */
static void
forget_former(struct tlskeyd *d, enum ipc_role role, unsigned instance)
{
	struct peer *p, *next;

	for (p = TAILQ_FIRST(&d->peers); p != NULL; p = next) {
		next = TAILQ_NEXT(p, all);
		if (p->role != role || p->instance != instance)
			continue;
		ipc_channel_free(p->channel);
		peer_free(p);
	}
}

int
peers_add(struct tlskeyd *d, enum ipc_role role, unsigned instance, int fd)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -1;
	forget_former(d, role, instance);
	*p = (struct peer){ .d = d, .role = role, .instance = instance,
		.filled_ms = tlskeyd_now_ms(),
		.milli_tokens = 2000 * d->set->signatures_per_second };
	p->channel = ipc_channel_new(d->stage.base, fd, IPC_TLSKEYD, role,
	    &events, p);
	if (p->channel == NULL) {
		log_error("cannot-open-channel", LOG_ERRNO(errno));
		free(p);
		return -1;
	}
	TAILQ_INSERT_TAIL(&d->peers, p, all);
	announce(p);
	if ((IPC_TLS_SERVERS & IPC_BIT(role)) != 0)
		give_tickets(p);
	return 0;
}

void
peers_clear(struct tlskeyd *d)
{
	struct peer *p;

	while ((p = TAILQ_FIRST(&d->peers)) != NULL) {
		/* NOLINTNEXTLINE: what peer_free() freed is off the list */
		ipc_channel_free(p->channel);
		peer_free(p);
	}
}
