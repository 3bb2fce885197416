/* The channel to tlskeyd: which keys there are, and signatures by them. */
#include "common/tls/private.h"

#include <openssl/async.h>

#include <errno.h>
#include <stdlib.h>

#include "common/log/log.h"

/* Requests at tlskeyd; TLS_JOBS_MAX is less, so it is never reached. */
enum { REQUESTS_MAX = 2 * TLS_JOBS_MAX };

struct tls_keys *
tls_keys_new(struct event_base *base, enum ipc_role self)
{
	struct tls_keys *keys = calloc(1, sizeof(*keys));

	if (keys == NULL)
		return NULL;
	keys->base = base;
	keys->self = self;
	TAILQ_INIT(&keys->crowd);
	TAILQ_INIT(&keys->stores);
	keys->pending = ipc_pending_new(REQUESTS_MAX);
	keys->ids = calloc(TLS_KEYS_MAX, sizeof(keys->ids[0]));
	if (keys->pending == NULL || keys->ids == NULL) {
		tls_keys_free(keys);
		errno = ENOMEM;
		return NULL;
	}
	return keys;
}

void
tls_keys_free(struct tls_keys *keys)
{
	if (keys == NULL)
		return;
	if (keys->channel != NULL)
		ipc_channel_free(keys->channel);
	ipc_pending_free(keys->pending);
	free(keys->ids);
	explicit_bzero(keys, sizeof(*keys));
	free(keys);
}

void
tls_keys_on_news(struct tls_keys *keys, void (*news)(void *), void *ctx)
{
	keys->news = news;
	keys->news_ctx = ctx;
}

bool
tls_keys_has(const struct tls_keys *keys, const struct tls_key_id *id)
{
	for (size_t i = 0; i < keys->n_ids; i++)
		if (memcmp(&keys->ids[i], id, sizeof(*id)) == 0)
			return true;
	return false;
}

/* ---- from inside a handshake ---- */

static struct tls_request *
request_new(const struct tls_key_id *id, uint16_t scheme, struct slice input)
{
	size_t room = input.len > TLS_SIGNATURE_MAX ? input.len :
	    TLS_SIGNATURE_MAX;
	struct tls_request *r;

	if (input.len > TLS_INPUT_MAX ||
	    (r = malloc(sizeof(*r) + room)) == NULL)
		return NULL;
	r->state = REQUEST_NEW;
	r->key = *id;
	r->scheme = scheme;
	r->len = input.len;
	memcpy(r->data, input.at, input.len);
	return r;
}

bool
tls_keys_sign(struct tls_keys *keys, const struct tls_key_id *id,
    uint16_t scheme, struct slice input, unsigned char *sig, size_t *len)
{
	struct tls *t = keys->current;
	struct tls_request *r;
	bool good;

	/* Outside of a handshake there is nothing to sign. */
	if (t == NULL || t->request != NULL ||
	    ASYNC_get_current_job() == NULL ||
	    (r = request_new(id, scheme, input)) == NULL)
		return false;
	t->request = r;
	while (r->state == REQUEST_NEW || r->state == REQUEST_ASKED)
		if (ASYNC_pause_job() != 1)
			break;
	good = r->state == REQUEST_SIGNED && r->len <= *len;
	if (good) {
		memcpy(sig, r->data, r->len);
		*len = r->len;
	}
	t->request = NULL;
	free(r);
	return good;
}

/* ---- to tlskeyd, from the event loop ---- */

static int
refuse(struct tls *t, const char *why)
{
	t->request->state = REQUEST_FAILED;
	t->failure = why;
	return -1;
}

int
tls_keys_ask(struct tls *t)
{
	struct tls_keys *keys = t->keys;
	struct tls_request *r = t->request;
	struct tls_sign sign;
	uint8_t *body;
	size_t len;

	if (r == NULL)
		return -1;
	if (r->state != REQUEST_NEW)
		return r->state == REQUEST_ASKED ? 0 : -1;
	if (keys->channel == NULL)
		return refuse(t, "tlskeyd is not there");
	if ((body = malloc(TLS_SIGN_MAX)) == NULL)
		return refuse(t, "no memory");
	if (ipc_channel_full(keys->channel) || (r->id = ipc_pending_add(
	    keys->pending, keys->channel, t)) == 0) {
		free(body);
		return refuse(t, "tlskeyd is too busy");
	}
	sign = (struct tls_sign){ .key = r->key, .scheme = r->scheme,
		.input = slice_of(r->data, r->len) };
	len = tls_sign_encode(&sign, body);
	r->state = REQUEST_ASKED;
	ipc_send(keys->channel, IPC_TLS_SIGN, r->id, slice_of(body, len), NULL,
	    0);
	free(body);
	return 0;
}

void
tls_keys_forget(struct tls *t)
{
	if (t->request->state == REQUEST_ASKED && t->keys->channel != NULL)
		ipc_pending_take(t->keys->pending, t->keys->channel,
		    t->request->id);
}

void
tls_keys_crowd(struct tls *t)
{
	if (t->crowded)
		return;
	t->crowded = true;
	TAILQ_INSERT_TAIL(&t->keys->crowd, t, waiting);
}

void
tls_keys_uncrowd(struct tls_keys *keys)
{
	struct tls *t = TAILQ_FIRST(&keys->crowd);

	if (t == NULL)
		return;
	TAILQ_REMOVE(&keys->crowd, t, waiting);
	t->crowded = false;
	stream_layer_wake(t->stream);
}

/* ---- what tlskeyd says ---- */

static int
on_keys(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct tls_keys *keys = ctx;
	struct tls_store *store;

	(void)ch;
	if (tls_keys_decode(m->body, keys->ids, &keys->n_ids) == -1) {
		keys->n_ids = 0;
		return -1;
	}
	TAILQ_FOREACH(store, &keys->stores, all)
		tls_store_settle(store);
	if (keys->news != NULL)
		keys->news(keys->news_ctx);
	return 0;
}

static int
on_tickets(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct tls_keys *keys = ctx;
	struct tls_ticket_keys tickets = { 0 };

	(void)ch;
	if (tls_tickets_decode(m->body, &tickets) == -1)
		return -1;
	keys->tickets = tickets;
	keys->has_tickets = true;
	explicit_bzero(&tickets, sizeof(tickets));
	return 0;
}

static int
on_signed(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct tls_keys *keys = ctx;
	struct slice signature;
	struct tls *t;

	if (tls_signed_decode(m->body, &signature) == -1)
		return -1;
	if ((t = ipc_pending_take(keys->pending, ch, m->id)) == NULL)
		return 0;	/* its client has gone */
	memcpy(t->request->data, signature.at, signature.len);
	t->request->len = signature.len;
	t->request->state = REQUEST_SIGNED;
	stream_layer_wake(t->stream);
	return 0;
}

static int
on_refused(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct tls_keys *keys = ctx;
	enum tls_refusal why;
	struct tls *t;

	if (tls_refused_decode(m->body, &why) == -1)
		return -1;
	if ((t = ipc_pending_take(keys->pending, ch, m->id)) == NULL)
		return 0;
	refuse(t, tls_refusal_name(why));
	stream_layer_wake(t->stream);
	return 0;
}

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct tls_keys *keys = ctx;
	struct tls *t;

	if (ch == keys->channel)
		keys->channel = NULL;
	while ((t = ipc_pending_take_any(keys->pending, ch)) != NULL) {
		refuse(t, "tlskeyd has gone");
		stream_layer_wake(t->stream);
	}
}

static const struct ipc_handler handlers[] = {
	{ IPC_TLS_KEYS, on_keys },
	{ IPC_TLS_TICKETS, on_tickets },
	{ IPC_TLS_SIGNED, on_signed },
	{ IPC_TLS_REFUSED, on_refused },
};

static const struct ipc_events events = { .handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]), .closed = on_closed };

int
tls_keys_connect(struct tls_keys *keys, int fd)
{
	struct ipc_channel *former = keys->channel;

	if (former != NULL) {	/* its end has not reached us yet */
		on_closed(keys, former);
		ipc_channel_free(former);
	}
	keys->channel = ipc_channel_new(keys->base, fd, keys->self,
	    IPC_TLSKEYD, &events, keys);
	return keys->channel != NULL ? 0 : -1;
}
