/*
 * SASL in a gate: lines of base64 in, challenges out, and the questions to
 * authd between.  The same for POP3 (RFC 5034) and IMAP (RFC 3501 section
 * 6.2.2, RFC 4959).
 */
#include "common/gate/private.h"

#include <stdlib.h>

#include "common/sasl/base64.h"
#include "common/sasl/exchange.h"
#include "common/tls/tls.h"

struct gate_exchange {
	struct sasl_exchange	sasl;
	uint64_t		conversation;	/* authd's; 0: none */
};

/* ---- what is offered ---- */

static unsigned
offered(const struct gate_client *c)
{
	const struct sasl_situation situation = {
		.allowed = gate_login_allowed(c),
		.verifiers = (c->gate->login_offer &
		    (gate_accounts(c) == AUTH_VIRTUAL_ACCOUNTS ?
		    AUTH_OFFER_VIRTUAL : AUTH_OFFER_ALL)) != 0,
		.binding = gate_is_secured(c) && tls_bindable(c->tls),
	};

	return sasl_offered(&situation);
}

const char *
gate_mechanisms(const struct gate_client *c, const char *prefix, char *out)
{
	return sasl_names(offered(c), prefix, out, GATE_MECHANISMS_SIZE);
}

/* ---- the end ---- */

bool
gate_in_sasl(const struct gate_client *c)
{
	return c->exchange != NULL;
}

void
gate_sasl_end(struct gate_client *c)
{
	if (c->exchange == NULL)
		return;
	sasl_exchange_clear(&c->exchange->sasl);
	free(c->exchange);
	c->exchange = NULL;
}

void
gate_sasl_forget(struct gate_client *c)
{
	struct gate *g = c->gate;
	uint8_t body[16];

	if (c->exchange != NULL && c->exchange->conversation != 0 &&
	    g->authd != NULL)
		ipc_send(g->authd, IPC_SASL_ABORT, 0, slice_of(body,
		    auth_sasl_abort_encode(c->exchange->conversation, body)),
		    NULL, 0);
	gate_sasl_end(c);
}

static void
fail(struct gate_client *c, enum gate_sasl why)
{
	gate_sasl_forget(c);
	c->gate->protocol->sasl_failed(c, why);
}

void
gate_sasl_malformed(struct gate_client *c)
{
	c->state = CLIENT_TALKING;
	fail(c, GATE_SASL_MALFORMED);
	if (c->gate->stopping)
		gate_client_goodbye(c, GATE_STOPPING);
	else
		stream_resume(c->stream);
}

/* ---- challenges and responses ---- */

static void
say(struct gate_client *c, struct slice challenge)
{
	char line[2 + SASL_BASE64_LEN(AUTH_MESSAGE_MAX) + 2];
	size_t len;

	memcpy(line, "+ ", 2);
	len = 2 + sasl_base64_encode(challenge, line + 2);
	memcpy(line + len, "\r\n", 2);
	gate_write(c, slice_of(line, len + 2));
}

void
gate_sasl_challenge(struct gate_client *c, uint64_t conversation,
    struct slice message)
{
	c->exchange->conversation = conversation;
	c->state = CLIENT_TALKING;
	if (c->gate->stopping) {
		gate_client_goodbye(c, GATE_STOPPING);
		return;
	}
	say(c, message);
	stream_resume(c->stream);
}

static void
forward(struct gate_client *c, struct slice message)
{
	struct gate_exchange *x = c->exchange;
	struct auth_sasl_start start = { .accounts = gate_accounts(c),
		.plus = x->sasl.mechanism == SASL_SCRAM_SHA_256_PLUS,
		.plus_offered = (offered(c) &
		    SASL_BIT(SASL_SCRAM_SHA_256_PLUS)) != 0,
		.message = message };
	struct tls_bindings bindings = { 0 };
	char body[AUTH_BODY_MAX], id[GATE_ID_SIZE];
	uint64_t number = x->conversation;

	if (message.len > AUTH_MESSAGE_MAX) {
		fail(c, GATE_SASL_MALFORMED);
		return;
	}
	x->conversation = 0;
	if (number != 0) {
		gate_ask_authd(c, IPC_SASL_RESPONSE, body,
		    auth_sasl_message_encode(number, message, body));
		return;
	}
	start.session = gate_client_id(c, id);
	gate_client_octets(c, &start.client);
	if (gate_is_secured(c))
		tls_bindings(c->tls, &bindings);
	start.exporter = slice_of(bindings.exporter, bindings.exporter_len);
	start.unique = slice_of(bindings.unique, bindings.unique_len);
	start.end_point = slice_of(bindings.end_point, bindings.end_point_len);
	gate_ask_authd(c, IPC_SASL_START, body, auth_sasl_start_encode(&start,
	    body));
}

static void
take(struct gate_client *c, struct slice response)
{
	struct sasl_result r;

	switch (sasl_exchange_take(&c->exchange->sasl, response, &r)) {
	case SASL_SAY:
		say(c, r.challenge);
		break;
	case SASL_PASSWORD:
		gate_login(c, gate_client_tag(c), r.name, r.password);
		break;
	case SASL_FORWARD:
		forward(c, r.message);
		break;
	case SASL_MALFORMED:
		fail(c, GATE_SASL_MALFORMED);
		break;
	case SASL_IDENTITY:
		fail(c, GATE_SASL_IDENTITY);
		break;
	}
}

void
gate_sasl_line(struct gate_client *c, struct slice line)
{
	char response[SASL_RESPONSE_MAX];
	size_t len;

	if (slice_equal(line, SLICE_LITERAL("*")))
		fail(c, GATE_SASL_CANCELLED);
	else if (line.len > SASL_LINE_MAX ||
	    sasl_base64_decode(line, response, &len) == -1)
		fail(c, GATE_SASL_MALFORMED);
	else {
		take(c, slice_of(response, len));
		explicit_bzero(response, len);
	}
}

void
gate_authenticate(struct gate_client *c, struct slice tag,
    struct slice mechanism, const struct slice *initial)
{
	enum sasl_mechanism m = sasl_mechanism_by_name(mechanism);
	struct sasl_result r;

	c->tag_len = (uint8_t)tag.len;
	memmove(c->tag, tag.at, tag.len);
	if (m == SASL_NONE || (offered(c) & SASL_BIT(m)) == 0) {
		c->gate->protocol->sasl_failed(c, GATE_SASL_MECHANISM);
		return;
	}
	c->exchange = calloc(1, sizeof(*c->exchange));
	if (c->exchange == NULL) {
		c->gate->protocol->refused(c, GATE_UNAVAILABLE);
		return;
	}
	sasl_exchange_begin(&c->exchange->sasl, m, &r);
	if (initial == NULL)
		say(c, r.challenge);
	else if (slice_equal(*initial, SLICE_LITERAL("=")))
		take(c, slice_of("", 0));
	else
		gate_sasl_line(c, *initial);
}
