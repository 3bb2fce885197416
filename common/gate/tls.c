/*
 * TLS before the login: by command (RFC 2595, RFC 3501 section 6.2.1) or from
 * the first octet (RFC 8314).  What was said in clear is forgotten.
 */
#include "common/gate/private.h"

#include "common/instance/listener.h"
#include "common/log/log.h"

bool
gate_is_secured(const struct gate_client *c)
{
	return c->stream != NULL && stream_is_secured(c->stream);
}

enum gate_starttls
gate_starttls(const struct gate_client *c)
{
	if (gate_is_secured(c))
		return GATE_TLS_ALREADY;
	if ((c->mode != LISTENER_TLS_STARTTLS &&
	    c->mode != LISTENER_TLS_REQUIRED) ||
	    !tls_server_configured(c->gate->tls))
		return GATE_TLS_NONE;
	return tls_server_ready(c->gate->tls) ? GATE_TLS_READY :
	    GATE_TLS_DOWN;
}

bool
gate_starttls_offered(const struct gate_client *c)
{
	enum gate_starttls answer = gate_starttls(c);

	return answer == GATE_TLS_READY || answer == GATE_TLS_DOWN;
}

void
gate_secure(struct gate_client *c)
{
	/* A name without its password, and whatever else there is. */
	explicit_bzero(c->protocol, c->gate->protocol->state_size);
	c->flags = 0;
	c->state = CLIENT_SECURING;
	c->tls = tls_serve(c->gate->tls, c->stream);
	if (c->tls == NULL)
		gate_close(c);
}

void
gate_secured(void *owner)
{
	struct gate_client *c = owner;
	char text[NET_ADDRESS_SIZE];
	struct tls_info info;

	tls_info(c->tls, &info);
	log_info("tls-secured", LOG_SID(c->id),
	    LOG_CSTR("client", net_address_print(&c->address, text)),
	    LOG_CSTR("version", info.version), LOG_CSTR("cipher", info.cipher),
	    LOG_CSTR("name", info.name), LOG_BOOL("resumed", info.resumed));
	c->state = CLIENT_TALKING;
	if (c->mode == LISTENER_TLS_IMPLICIT)
		c->gate->protocol->greet(c);
	if (c->gate->stopping)
		gate_client_goodbye(c, GATE_STOPPING);
}

void
gate_tls_failed(struct gate_client *c)
{
	char text[NET_ADDRESS_SIZE];

	log_info("tls-failed", LOG_SID(c->id),
	    LOG_CSTR("client", net_address_print(&c->address, text)),
	    LOG_CSTR("reason", tls_failure(c->tls)));
	gate_client_free(c);
}
