/* STARTTLS (RFC 3207) and AUTH (RFC 4954), before the first message. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/log/log.h"
#include "common/sasl/base64.h"
#include "remote-relay/client_private.h"

/* ---- TLS ---- */

bool
security_wants_tls(const struct client *c)
{
	return c->manner.tls != TLS_POLICY_NONE && c->tls == NULL;
}

static void
insecure(struct client *c, const char *what)
{
	struct outcome o;

	outcome_host(&o, 7, 4, "TLS is required, and %s", what);
	client_fail(c, &o);
}

void
security_start_tls(struct client *c)
{
	if (c->caps.have & SMTP_HAS_STARTTLS) {
		client_write(c, slice_str("STARTTLS\r\n"));
		client_expect(c, EXPECT_STARTTLS, 1);
	} else if (c->manner.tls == TLS_POLICY_MAY) {
		security_log_in(c);
	} else {
		insecure(c, "the host does not offer it");
	}
}

void
security_handshake(struct client *c)
{
	struct outcome o;

	/* What was said in clear counts no more (RFC 3207 section 4.2). */
	c->caps = (struct smtp_capabilities){ 0 };
	c->reply = (struct smtp_reply_read){ 0 };
	c->securing = true;
	stream_deadline(c->s,
	    (unsigned)c->shared->set->helo_timeout * 1000);
	c->tls = tls_ask(c->shared->tls, c->s, c->manner.expect);
	if (c->tls != NULL)
		return;
	c->securing = false;
	outcome_host(&o, 7, 5, "TLS cannot be begun");
	client_fail(c, &o);
}

void
security_starttls_reply(struct client *c)
{
	if (c->reply.code == 220)
		security_handshake(c);
	else if (c->manner.tls == TLS_POLICY_MAY)
		security_log_in(c);
	else
		insecure(c, "the host refuses it now");
}

static void
log_secured(const struct client *c)
{
	struct tls_info info;
	char tlsa[16] = "";

	tls_info(c->tls, &info);
	if (info.verified == TLS_VERIFY_DANE)
		snprintf(tlsa, sizeof(tlsa), "%u %u %u", info.tlsa[0],
		    info.tlsa[1], info.tlsa[2]);
	log_info("tls", LOG_CSTR("host", c->manner.host),
	    LOG_CSTR("version", info.version), LOG_CSTR("cipher", info.cipher),
	    LOG_CSTR("verified", tls_verify_name(info.verified)),
	    LOG_CSTR("tlsa", tlsa),
	    LOG_BOOL("resumed", info.resumed));
}

void
security_secured(struct client *c)
{
	c->securing = false;
	log_secured(c);
	if (c->manner.wrapped)
		client_expect(c, EXPECT_GREETING, 1);
	else
		client_say_hello(c);
}

void
security_failed(struct client *c)
{
	struct outcome o;

	outcome_host(&o, 7, 5, "TLS: %s", c->tls != NULL ?
	    tls_failure(c->tls) : "no handshake");
	c->insecure = true;
	client_fail(c, &o);
}

/* ---- AUTH ---- */

static void
not_logged_in(struct client *c, const char *what)
{
	struct outcome o;

	outcome_host(&o, 7, 8, "cannot log in as %s: %s", c->manner.user, what);
	log_warning("relay-login-failed", LOG_CSTR("host", c->manner.host),
	    LOG_CSTR("user", c->manner.user), LOG_CSTR("reason", what));
	client_fail(c, &o);
}

/*
 * The channel binding of this connection, if it is one that has any: the type
 * that is its version's own (RFC 9266 section 3, RFC 5802 section 6.1).
 */
static void
bind_channel(const struct client *c, struct sasl_client_credentials *who,
    struct tls_bindings *b, enum sasl_mechanism m)
{
	*b = (struct tls_bindings){ 0 };
	if (c->tls != NULL)
		tls_bindings(c->tls, b);
	who->binding = (struct scram_client_binding){
		.able = b->unique_len + b->exporter_len > 0 };
	if (m != SASL_SCRAM_SHA_256_PLUS)
		return;
	if (b->unique_len > 0) {
		who->binding.type = SCRAM_TLS_UNIQUE;
		who->binding.data = slice_of(b->unique, b->unique_len);
	} else if (b->exporter_len > 0) {
		who->binding.type = SCRAM_TLS_EXPORTER;
		who->binding.data = slice_of(b->exporter, b->exporter_len);
	}
}

static enum sasl_mechanism
choose(const struct client *c)
{
	struct sasl_client_rules rules = { .secret = c->tls != NULL };
	struct sasl_client_credentials who;
	struct tls_bindings bindings;

	bind_channel(c, &who, &bindings, SASL_NONE);
	rules.binding = who.binding.able;
	return sasl_client_choose(sasl_set_of(
	    smtp_capabilities_mechanisms(&c->caps)), &rules);
}

/* "AUTH NAME response" at first, then the response alone; "=" is an empty
 * initial one. */
static void
say_response(struct client *c, const char *name, enum sasl_client_step step,
    const char *message, size_t len)
{
	char text[SASL_BASE64_LEN(SASL_CLIENT_MESSAGE_MAX)];
	size_t n = sasl_base64_encode(slice_of(message, len), text);

	if (name != NULL) {
		client_write(c, slice_str("AUTH "));
		client_write(c, slice_str(name));
		if (step == SASL_CLIENT_SEND)
			client_write(c, slice_str(n == 0 ? " =" : " "));
	}
	if (step == SASL_CLIENT_SEND)
		client_write(c, slice_of(text, n));
	client_write(c, slice_str("\r\n"));
	client_expect(c, EXPECT_AUTH, 1);
	explicit_bzero(text, sizeof(text));
}

void
security_log_in(struct client *c)
{
	struct sasl_client_credentials who = {
		.name = slice_str(c->manner.user),
		.password = slice_str(c->manner.password) };
	struct tls_bindings bindings;
	char message[SASL_CLIENT_MESSAGE_MAX];
	enum sasl_client_step step;
	enum sasl_mechanism m;
	size_t len = 0;

	if (c->manner.user[0] == '\0') {
		client_become_ready(c);
		return;
	}
	if ((m = choose(c)) == SASL_NONE) {
		not_logged_in(c, "no way that the host offers can be used here");
		return;
	}
	bind_channel(c, &who, &bindings, m);
	if ((c->sasl = sasl_client_new(m, &who)) == NULL) {
		not_logged_in(c, "out of memory");
		return;
	}
	step = sasl_client_step(c->sasl, slice_of("", 0), message, &len);
	if (step == SASL_CLIENT_FAIL)
		not_logged_in(c, "the mechanism fails");
	else
		say_response(c, sasl_mechanism_name(m), step, message, len);
	explicit_bzero(message, sizeof(message));
}

static void
challenged(struct client *c)
{
	char challenge[SMTP_REPLY_TEXT_MAX], message[SASL_CLIENT_MESSAGE_MAX];
	struct slice text = smtp_reply_text(&c->reply);
	size_t len;

	if (sasl_base64_decode(text, challenge, &len) == -1) {
		not_logged_in(c, "the challenge is no base64");
		return;
	}
	if (sasl_client_step(c->sasl, slice_of(challenge, len), message,
	    &len) != SASL_CLIENT_SEND) {
		client_write(c, slice_str("*\r\n"));
		not_logged_in(c, "the host does not know the password itself");
		return;
	}
	say_response(c, NULL, SASL_CLIENT_SEND, message, len);
	explicit_bzero(message, sizeof(message));
}

void
security_auth_reply(struct client *c)
{
	char why[200];

	if (c->reply.code == 334) {
		challenged(c);
		return;
	}
	if (c->reply.code / 100 != 2) {
		snprintf(why, sizeof(why), "%u %.*s", c->reply.code,
		    (int)c->reply.text_len, c->reply.text);
		not_logged_in(c, why);
		return;
	}
	if (!sasl_client_satisfied(c->sasl)) {
		not_logged_in(c, "the host has not shown that it knows the "
		    "password");
		return;
	}
	sasl_client_free(c->sasl);
	c->sasl = NULL;
	c->logged_in = true;
	client_become_ready(c);
}
