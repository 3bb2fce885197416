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
static void
client_octets(const struct net_address *a, struct auth_client *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (a->family == NET_IPV6) {
		memcpy(out->octets, a->octets, 16);
		return;
	}
	memcpy(out->octets, mapped, 12);
	memcpy(out->octets + 12, a->octets, 4);
}

static int
ask(struct gate_client *c, struct slice name, struct slice password)
{
	struct gate *g = c->gate;
	struct auth_login login = { .name = name, .password = password };
	char body[AUTH_BODY_MAX], id[24];
	size_t len;

	snprintf(id, sizeof(id), "%012" PRIx64, c->id);
	login.session = slice_str(id);
	client_octets(&c->address, &login.client);
	if (g->authd == NULL || ipc_channel_full(g->authd) ||
	    (c->request = ipc_pending_add(g->logins, g->authd, c)) == 0)
		return -1;
	len = auth_login_encode(&login, body);
	if (len == 0) {
		ipc_pending_take(g->logins, g->authd, c->request);
		return -1;
	}
	ipc_send(g->authd, IPC_LOGIN, c->request, slice_of(body, len), NULL,
	    0);
	explicit_bzero(body, sizeof(body));
	return 0;
}

void
gate_login(struct gate_client *c, struct slice tag, struct slice name,
    struct slice password)
{
	c->tag_len = (uint8_t)tag.len;
	memcpy(c->tag, tag.at, tag.len);
	if (name.len > AUTH_NAME_MAX || password.len > AUTH_PASSWORD_MAX) {
		/* Nobody has such a name or password. */
		log_refused(c, "name or password too long");
		stream_pause(c->stream);
		gate_client_refused(c, GATE_DENIED);
		return;
	}
	stream_pause(c->stream);
	c->state = CLIENT_LOGIN;
	c->asked_ms = stream_loop_now_ms(c->gate->loop);
	if (ask(c, name, password) == -1) {
		log_refused(c, "authd is not there or busy");
		gate_client_refused(c, GATE_UNAVAILABLE);
	}
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
	log_info("login-accepted", LOG_SID(c->id), LOG_STR("user", name));
	gate_handover(c, &ticket);
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
	log_refused(c, why == AUTH_DENIED ? "name or password" :
	    "authd cannot tell now");
	gate_client_refused(c, why == AUTH_DENIED ? GATE_DENIED :
	    GATE_UNAVAILABLE);
	return 0;
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
};

const struct ipc_events gate_authd_events = { .handlers = handlers,
	.count = 2, .closed = on_closed };
