/* The question to authd, and its answer. */
#include "common/gate/private.h"

#include "common/ipc/auth.h"
#include "common/log/log.h"

#include <inttypes.h>
#include <stdio.h>

static void
log_refused(const struct gate_client *c, const char *reason)
{
	char text[NET_ADDRESS_SIZE];

	log_warning("login-refused", LOG_SID(c->id),
	    LOG_CSTR("client", net_address_print(&c->address, text)),
	    LOG_CSTR("reason", reason));
}

/* RFC 4291 section 2.5.5.2: an IPv4 address as an IPv6 one. */
void
gate_client_octets(const struct gate_client *c, struct auth_client *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (c->address.family == NET_IPV6) {
		memcpy(out->octets, c->address.octets, 16);
		return;
	}
	memcpy(out->octets, mapped, 12);
	memcpy(out->octets + 12, c->address.octets, 4);
}

struct slice
gate_client_id(const struct gate_client *c, char out[GATE_ID_SIZE])
{
	snprintf(out, GATE_ID_SIZE, "%012" PRIx64, c->id);
	return slice_str(out);
}

enum auth_accounts
gate_accounts(const struct gate_client *c)
{
	const struct listener_settings *l = gate_listener_settings(c);

	/* A client outlives its listener's block: it gains nothing by it. */
	return l == NULL || l->accounts == LISTENER_VIRTUAL_ACCOUNTS ?
	    AUTH_VIRTUAL_ACCOUNTS : AUTH_ALL_ACCOUNTS;
}

static int
ask(struct gate_client *c, enum ipc_type type, const void *body, size_t len)
{
	struct gate *g = c->gate;

	if (len == 0 || g->authd == NULL || ipc_channel_full(g->authd) ||
	    (c->request = ipc_pending_add(g->logins, g->authd, c)) == 0)
		return -1;
	ipc_send(g->authd, type, c->request, slice_of(body, len), NULL, 0);
	return 0;
}

void
gate_ask_authd(struct gate_client *c, enum ipc_type type, void *body,
    size_t len)
{
	int result;

	stream_pause(c->stream);
	c->state = CLIENT_LOGIN;
	c->asked_ms = stream_loop_now_ms(c->gate->loop);
	result = ask(c, type, body, len);
	explicit_bzero(body, AUTH_BODY_MAX);
	if (result == -1) {
		log_refused(c, "authd is not there or busy");
		gate_client_refused(c, GATE_UNAVAILABLE);
	}
}

void
gate_login_apop(struct gate_client *c, struct slice name,
    struct slice timestamp, const uint8_t digest[GATE_DIGEST_LEN])
{
	struct auth_apop apop = { .name = name, .timestamp = timestamp,
		.accounts = gate_accounts(c) };
	char body[AUTH_BODY_MAX], id[GATE_ID_SIZE];

	c->tag_len = 0;
	if (name.len > AUTH_NAME_MAX)
		name.len = 0;	/* nobody's, either */
	apop.name = name;
	memcpy(apop.digest, digest, sizeof(apop.digest));
	apop.session = gate_client_id(c, id);
	gate_client_octets(c, &apop.client);
	gate_ask_authd(c, IPC_LOGIN_APOP, body, auth_apop_encode(&apop, body));
}

void
gate_login(struct gate_client *c, struct slice tag, struct slice name,
    struct slice password)
{
	struct auth_login login = { .name = name, .password = password,
		.accounts = gate_accounts(c) };
	char body[AUTH_BODY_MAX], id[GATE_ID_SIZE];

	c->tag_len = (uint8_t)tag.len;
	memmove(c->tag, tag.at, tag.len);
	if (name.len > AUTH_NAME_MAX || password.len > AUTH_PASSWORD_MAX) {
		/* Nobody has such a name or password. */
		log_refused(c, "name or password too long");
		stream_pause(c->stream);
		gate_client_refused(c, GATE_DENIED);
		return;
	}
	login.session = gate_client_id(c, id);
	gate_client_octets(c, &login.client);
	gate_ask_authd(c, IPC_LOGIN, body, auth_login_encode(&login, body));
}

void
gate_login_forget(struct gate_client *c)
{
	struct gate *g = c->gate;

	if (c->state != CLIENT_LOGIN || g->authd == NULL ||
	    ipc_pending_take(g->logins, g->authd, c->request) == NULL)
		return;
	ipc_send(g->authd, IPC_LOGIN_CANCEL, c->request, slice_of("", 0),
	    NULL, 0);
}

void
gate_login_expire(struct gate_client *c)
{
	gate_login_forget(c);
	log_refused(c, "authd does not answer");
	gate_client_refused(c, GATE_UNAVAILABLE);
}

static int
on_ticket(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct gate *g = ctx;
	struct gate_client *c;
	struct ticket ticket;
	struct slice name;

	if (auth_ticket_decode(m->body, &ticket, &name) == -1)
		return -1;
	/* None: its client has gone, and the ticket will expire. */
	if ((c = ipc_pending_take(g->logins, ch, m->id)) == NULL)
		return 0;
	gate_sasl_end(c);
	log_info("login-accepted", LOG_SID(c->id), LOG_STR("user", name));
	gate_handover(c, &ticket, name);
	return 0;
}

static int
on_refused(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct gate *g = ctx;
	struct gate_client *c;
	enum auth_refusal why;

	if (auth_refusal_decode(m->body, &why) == -1)
		return -1;
	if ((c = ipc_pending_take(g->logins, ch, m->id)) == NULL)
		return 0;
	if (why == AUTH_MALFORMED) {
		gate_sasl_malformed(c);
		return 0;
	}
	log_refused(c, why == AUTH_DENIED ? "name or password" :
	    "authd cannot tell now");
	gate_client_refused(c, why == AUTH_DENIED ? GATE_DENIED :
	    GATE_UNAVAILABLE);
	return 0;
}

static int
on_challenge(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct gate *g = ctx;
	struct gate_client *c;
	struct slice message;
	uint64_t number;

	if (auth_sasl_message_decode(m->body, &number, &message) == -1 ||
	    number == 0)
		return -1;
	if ((c = ipc_pending_take(g->logins, ch, m->id)) == NULL)
		return 0;
	/* Only who asked by SASL is challenged. */
	if (!gate_in_sasl(c)) {
		log_refused(c, "authd challenges a password");
		gate_client_refused(c, GATE_UNAVAILABLE);
		return -1;
	}
	gate_sasl_challenge(c, number, message);
	return 0;
}

static int
on_offer(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct gate *g = ctx;

	(void)ch;
	return auth_offer_decode(m->body, &g->login_offer);
}

/* A restarted authd knows nothing of what the former was asked. */
static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct gate *g = ctx;
	struct gate_client *c;

	if (ch == g->authd) {
		g->authd = NULL;
		stage_channel_lost(&g->stage, IPC_AUTHD, 0);
	}
	while ((c = ipc_pending_take_any(g->logins, ch)) != NULL) {
		log_refused(c, "authd has gone");
		gate_client_refused(c, GATE_UNAVAILABLE);
	}
}

static const struct ipc_handler handlers[] = {
	{ IPC_LOGIN_TICKET, on_ticket },
	{ IPC_LOGIN_REFUSED, on_refused },
	{ IPC_SASL_CHALLENGE, on_challenge },
	{ IPC_LOGIN_OFFER, on_offer },
};

const struct ipc_events gate_authd_events = { .handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]), .closed = on_closed };
