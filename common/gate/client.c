/* One client: from accept to hand-over or goodbye. */
#include "common/gate/private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/instance/listener.h"
#include "common/log/log.h"

enum { LINGER_MS = 2000, PRINT_MAX = 1024 };

const struct listener_settings *
gate_listener_block(const struct gate_listener *l)
{
	const struct settings *s = l->gate->settings;

	for (size_t i = 0; i < settings_n_groups(s); i++)
		if (strcmp(settings_group(s, i)->name, l->name) == 0)
			return settings_group(s, i)->values;
	return NULL;
}

const struct listener_settings *
gate_listener_settings(const struct gate_client *c)
{
	return gate_listener_block(c->listener);
}

void
gate_line_too_long(struct gate_client *c)
{
	gate_client_goodbye(c, GATE_LINE_TOO_LONG);
}

void *
gate_client_state(struct gate_client *c)
{
	return c->protocol;
}

struct slice
gate_client_tag(const struct gate_client *c)
{
	return slice_of(c->tag, c->tag_len);
}

const char *
gate_hostname(const struct gate_client *c)
{
	return c->gate->stage.hostname;
}

const void *
gate_values(const struct gate_client *c)
{
	return settings_values(c->gate->settings);
}

uint64_t
gate_client_nonce(const struct gate_client *c)
{
	return c->nonce;
}

bool
gate_apop_offered(const struct gate_client *c)
{
	return (c->gate->login_offer & AUTH_OFFER_APOP) != 0;
}

void
gate_flag(struct gate_client *c, uint8_t flag)
{
	c->flags |= flag;
}

bool
gate_login_allowed(const struct gate_client *c)
{
	if (gate_is_secured(c))
		return true;
	if (c->mode == LISTENER_TLS_REQUIRED)
		return false;
	switch ((enum gate_cleartext)c->gate->limits.cleartext_login) {
	case GATE_CLEARTEXT_LOOPBACK:
		return net_address_is_local(&c->address);
	case GATE_CLEARTEXT_ALWAYS:
		return true;
	case GATE_CLEARTEXT_NEVER:
		break;
	}
	return false;
}

void
gate_write(struct gate_client *c, struct slice s)
{
	if (c->stream != NULL)
		stream_write(c->stream, s.at, s.len);
}

void
gate_print(struct gate_client *c, const char *fmt, ...)
{
	char text[PRINT_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof(text))
		gate_write(c, slice_of(text, (size_t)n));
}

void
gate_client_free(struct gate_client *c)
{
	struct gate *g = c->gate;

	gate_login_forget(c);
	gate_sasl_forget(c);
	TAILQ_REMOVE(&g->clients, c, entry);
	if (c->count != NULL)
		clients_leave(g->addresses, c->count);
	if (c->state == CLIENT_RELAY)
		g->relays--;
	else
		g->count--;
	stream_free(c->stream);
	stream_free(c->session);
	if (c->fd != -1)
		close(c->fd);
	explicit_bzero(c, sizeof(*c) + g->protocol->state_size);
	free(c);
	gate_client_gone(g);
}

void
gate_client_gone(struct gate *g)
{
	if (g->stopping && g->count == 0 && g->relays == 0)
		stage_finished(&g->stage, 0);
}

void
gate_close(struct gate_client *c)
{
	if (c->state == CLIENT_CLOSING || c->stream == NULL)
		return;
	c->state = CLIENT_CLOSING;
	stream_finish(c->stream, LINGER_MS);
}

static void
log_goodbye(const struct gate_client *c, const char *reason)
{
	char text[NET_ADDRESS_SIZE];

	log_info("client-closed", LOG_SID(c->id),
	    LOG_CSTR("client", net_address_print(&c->address, text)),
	    LOG_CSTR("reason", reason));
}

void
gate_client_goodbye(struct gate_client *c, enum gate_goodbye why)
{
	static const char *const names[] = {
		[GATE_TIMEOUT] = "not logged in in time",
		[GATE_TOO_MANY_ERRORS] = "too many errors",
		[GATE_LINE_TOO_LONG] = "line too long",
		[GATE_STOPPING] = "stopping",
	};

	if (c->state == CLIENT_CLOSING)
		return;
	log_goodbye(c, names[why]);
	c->gate->protocol->goodbye(c, why);
	gate_close(c);
}

bool
gate_bad_command(struct gate_client *c)
{
	if (++c->bad < c->gate->limits.bad_commands_max)
		return false;
	gate_client_goodbye(c, GATE_TOO_MANY_ERRORS);
	return true;
}

static size_t
on_input(void *owner, char *at, size_t len)
{
	struct gate_client *c = owner;
	size_t used;

	if (c->state != CLIENT_TALKING)
		return len;
	used = c->gate->protocol->input(c, at, len);
	explicit_bzero(at, used);	/* it may have been a password */
	return used;
}

static void
on_ended(void *owner, enum stream_end end)
{
	struct gate_client *c = owner;

	if (c->state == CLIENT_SECURING) {
		gate_tls_failed(c);
		return;
	}
	if (c->state == CLIENT_START)
		gate_handover_forget(c);
	if (c->state == CLIENT_CLOSING || end == STREAM_FINISHED ||
	    end == STREAM_ERROR) {
		gate_client_free(c);
		return;
	}
	switch (end) {
	case STREAM_OVERFLOW:
		gate_client_goodbye(c, GATE_LINE_TOO_LONG);
		break;
	case STREAM_TIMEOUT:
	case STREAM_SLOW:
		gate_client_goodbye(c, GATE_TIMEOUT);
		break;
	default:
		log_goodbye(c, stream_end_name(end));
		gate_client_free(c);
	}
}

const struct stream_events gate_stream_events = { .input = on_input,
	.secured = gate_secured, .ended = on_ended };

/* What the listener's block says, as it is now.  Without one nobody is let
 * in; who was already, or came with the reload, is not harmed by that. */
static int
tls_mode(const struct gate_listener *l)
{
	const struct listener_settings *block = gate_listener_block(l);

	return block != NULL ? (int)block->tls : LISTENER_TLS_REQUIRED;
}

static struct gate_client *
client_new(const struct gate_listener *l, int fd,
    const struct net_address *address, struct client *count)
{
	struct gate *g = l->gate;
	struct gate_client *c;

	c = calloc(1, sizeof(*c) + g->protocol->state_size);
	if (c == NULL)
		return NULL;
	c->gate = g;
	c->fd = -1;
	c->mode = tls_mode(l);
	c->id = g->next_id++;
	arc4random_buf(&c->nonce, sizeof(c->nonce));
	c->address = *address;
	c->count = count;
	if ((c->stream = stream_new(g->loop, fd, &g->kind, c)) == NULL) {
		free(c);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&g->clients, c, entry);
	g->count++;
	return c;
}

/* Told in one reply, without a client made for it. */
static void
turn_away(struct gate *g, int fd, const struct net_address *address,
    const char *reason)
{
	const char *full = g->protocol->full;
	char text[NET_ADDRESS_SIZE];

	log_warning("client-refused",
	    LOG_CSTR("client", net_address_print(address, text)),
	    LOG_CSTR("reason", reason));
	if (write(fd, full, strlen(full)) == -1 && errno != EAGAIN)
		log_debug("client-gone", LOG_ERRNO(errno));
	close(fd);
}

void
gate_client_accept(void *ctx, int fd, const struct net_address *address)
{
	struct gate_listener *l = ctx;
	struct gate *g = l->gate;
	struct client *count;
	struct gate_client *c;
	char text[NET_ADDRESS_SIZE];

	if (g->count >= g->limits.clients_max ||
	    (count = clients_enter(g->addresses, address)) == NULL) {
		turn_away(g, fd, address, "clients_max");
		return;
	}
	if (count->live > g->limits.clients_per_address) {
		clients_leave(g->addresses, count);
		turn_away(g, fd, address, "clients_per_address");
		return;
	}
	if ((c = client_new(l, fd, address, count)) == NULL) {
		clients_leave(g->addresses, count);
		turn_away(g, fd, address, "no memory");
		return;
	}
	c->listener = l;
	log_info("client-connected", LOG_SID(c->id),
	    LOG_CSTR("client", net_address_print(address, text)),
	    LOG_NUM("port", address->port));
	stream_deadline(c->stream, (unsigned)g->limits.login_timeout * 1000);
	if (c->mode == LISTENER_TLS_IMPLICIT)
		gate_secure(c);
	else
		g->protocol->greet(c);
}

void
gate_client_refused(struct gate_client *c, enum gate_refusal why)
{
	struct gate *g = c->gate;

	c->state = CLIENT_TALKING;
	gate_sasl_end(c);
	g->protocol->refused(c, why);
	if (g->stopping)
		gate_client_goodbye(c, GATE_STOPPING);
	else if (why == GATE_DENIED &&
	    ++c->failures >= g->limits.login_failures_max)
		gate_client_goodbye(c, GATE_TOO_MANY_ERRORS);
	else
		stream_resume(c->stream);
}
