/*
 * TLS in a session: STARTTLS (RFC 3207), and from the first octet where the
 * listener says so (RFC 8314 section 3).
 */
#include <stdlib.h>
#include <string.h>

#include "common/instance/listener.h"
#include "common/tls/tls.h"
#include "smtpd/session.h"

static enum listener_tls
wanted(const struct session *s)
{
	const struct listener_settings *l = door_settings(s->door);

	/* Nothing of a Unix socket crosses a network. */
	if (s->peer.family == NET_LOCAL)
		return LISTENER_TLS_NONE;
	/* A session outlives its listener's block: not to its harm. */
	return l != NULL ? (enum listener_tls)l->tls : LISTENER_TLS_REQUIRED;
}

bool
session_is_secured(const struct session *s)
{
	return stream_is_secured(s->stream);
}

bool
starttls_offered(const struct session *s)
{
	enum listener_tls tls = wanted(s);

	return (tls == LISTENER_TLS_STARTTLS || tls == LISTENER_TLS_REQUIRED) &&
	    !session_is_secured(s) && tls_server_configured(s->d->tls);
}

bool
starttls_is_missing(const struct session *s)
{
	return wanted(s) == LISTENER_TLS_REQUIRED && !session_is_secured(s);
}

bool
starttls_is_implicit(const struct session *s)
{
	return wanted(s) == LISTENER_TLS_IMPLICIT;
}

/* The log's line for what was agreed on, or why nothing was. */
static void
log_outcome(const struct session *s)
{
	char client[NET_ADDRESS_SIZE];
	struct tls_info info;

	if (!session_is_secured(s)) {
		log_info("tls-failed", LOG_SID(s->id),
		    LOG_CSTR("client", session_client(s, client)),
		    LOG_CSTR("reason", tls_failure(s->tls)));
		return;
	}
	tls_info(s->tls, &info);
	log_info("tls-secured", LOG_SID(s->id),
	    LOG_CSTR("client", session_client(s, client)),
	    LOG_CSTR("version", info.version), LOG_CSTR("cipher", info.cipher),
	    LOG_CSTR("name", info.name), LOG_BOOL("resumed", info.resumed));
}

bool
starttls_begin(struct session *s)
{
	s->tls = tls_serve(s->d->tls, s->stream);
	if (s->tls == NULL)
		return false;
	s->phase = PHASE_TLS;
	stream_deadline(s->stream, (unsigned)s->d->set->tls_timeout * 1000);
	return true;
}

/* RFC 3207 section 4.2: what the client said before is forgotten. */
static void
forget(struct session *s)
{
	session_transaction_end(s);
	free(s->helo);
	s->helo = NULL;
	s->esmtp = false;
	free(s->login);
	s->login = NULL;
}

void
starttls_command(struct session *s, struct slice args)
{
	if (session_is_secured(s))
		session_refuse(s, SAY_TLS_ALREADY, "STARTTLS", args);
	else if (!starttls_offered(s))
		session_refuse(s, SAY_NOT_IMPLEMENTED, "STARTTLS", args);
	else if (session_state(s) == S_START)
		session_refuse(s, SAY_HELO_FIRST, "STARTTLS", args);
	else if (session_state(s) != S_READY)
		session_refuse(s, SAY_NESTED_MAIL, "STARTTLS", args);
	else if (s->more_waits)
		/* Section 4: nothing may be pipelined behind it. */
		session_close(s, SAY_TLS_PIPELINED);
	else if (!tls_server_ready(s->d->tls))
		session_refuse(s, SAY_TLS_DOWN, "STARTTLS", args);
	else {
		forget(s);
		session_reply(s, SAY_TLS_GO_ON);
		if (!starttls_begin(s))
			session_finish(s, 0);
	}
}

void
starttls_ended(struct session *s)
{
	log_outcome(s);
}

void
session_secured(void *owner)
{
	struct session *s = owner;

	log_outcome(s);
	s->phase = PHASE_COMMAND;
	if (starttls_is_implicit(s))
		session_greet(s);
	else
		session_deadline_command(s);
}
