/*
 * The connection leaves: to supervisor with the ticket, and from there to a
 * session process of the mailbox's owner.  We keep a second descriptor until
 * the session has started, to be able to tell the client if it has not.
 */
#include "common/gate/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log/log.h"

/*
 * Out of the stream.  Nothing was read ahead of the login command, since the
 * stream reads exact lines.
 */
static int
take_connection(struct gate_client *c)
{
	char none[1];
	size_t len = 0;
	int fd;

	if ((fd = stream_release(c->stream, none, &len)) == -1)
		return -1;
	c->stream = NULL;
	c->fd = fd;
	return 0;
}

/*
 * What the session will have: the connection, of which we keep a duplicate,
 * or with TLS the far end of a socket pair.
 */
static int
session_end(struct gate_client *c)
{
	return c->stream != NULL ? gate_relay_prepare(c) :
	    fcntl(c->fd, F_DUPFD_CLOEXEC, 3);
}

static int
send_start(struct gate_client *c, const struct ticket *ticket,
    struct slice user)
{
	struct gate *g = c->gate;
	struct handoff h = { .session = c->id, .client = c->address,
		.tag = slice_of(c->tag, c->tag_len), .user = user,
		.flags = c->flags };
	char body[START_BODY_MAX];
	int fds[2];

	if ((fds[1] = handoff_write(&h)) == -1)
		return -1;
	if ((fds[0] = session_end(c)) == -1 ||
	    (c->request = ipc_pending_add(g->starts, g->stage.supervisor,
		c)) == 0) {
		if (fds[0] != -1)
			close(fds[0]);
		close(fds[1]);
		return -1;
	}
	if (ipc_send(g->stage.supervisor, IPC_SESSION_START, c->request,
		slice_of(body, start_ticket_encode(ticket, body)), fds,
		2) == 0)
		return 0;
	ipc_pending_take(g->starts, g->stage.supervisor, c->request);
	return -1;
}

/* Back to talking, on a stream of its own again. */
static void
take_back(struct gate_client *c, enum gate_refusal why)
{
	struct gate *g = c->gate;

	if (c->stream != NULL) {	/* TLS: the connection is still ours */
		if (c->fd != -1)
			close(c->fd);
		c->fd = -1;
		gate_client_refused(c, why);
		return;
	}
	c->stream = stream_new(g->loop, c->fd, &g->kind, c);
	if (c->stream == NULL) {
		gate_client_free(c);
		return;
	}
	c->fd = -1;
	stream_pause(c->stream);
	stream_deadline(c->stream, (unsigned)g->limits.login_timeout * 1000);
	gate_client_refused(c, why);
}

void
gate_handover(struct gate_client *c, const struct ticket *ticket,
    struct slice user)
{
	c->state = CLIENT_START;
	c->asked_ms = stream_loop_now_ms(c->gate->loop);
	if (!gate_is_secured(c) && take_connection(c) == -1) {
		log_warning("client-closed", LOG_SID(c->id),
		    LOG_CSTR("reason", "does not read its replies"));
		gate_client_free(c);
		return;
	}
	if (send_start(c, ticket, user) == -1) {
		log_warning("session-refused", LOG_SID(c->id),
		    LOG_ERRNO(errno));
		take_back(c, GATE_UNAVAILABLE);
	}
}

void
gate_handover_forget(struct gate_client *c)
{
	struct gate *g = c->gate;

	ipc_pending_take(g->starts, g->stage.supervisor, c->request);
}

void
gate_handover_expire(struct gate_client *c)
{
	gate_handover_forget(c);
	log_warning("session-refused", LOG_SID(c->id),
	    LOG_CSTR("reason", "supervisor does not answer"));
	gate_client_free(c);
}

static int
on_started(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct gate *g = ctx;
	struct gate_client *c;

	if (m->body.len != 0)
		return -1;
	/* None: it has expired; the session has the connection. */
	if ((c = ipc_pending_take(g->starts, ch, m->id)) == NULL)
		return 0;
	if (c->stream != NULL)
		gate_relay_begin(c);
	else
		gate_client_free(c);	/* closes our copy; it has its own */
	return 0;
}

static int
on_refused(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	static const char *const reasons[] = {
		[START_BAD_TICKET] = "ticket", [START_NO_ACCOUNT] = "account",
		[START_BUSY] = "too many sessions",
		[START_FAILED] = "cannot be started now",
	};
	struct gate *g = ctx;
	struct gate_client *c;
	enum start_refusal why;

	if (start_refusal_decode(m->body, &why) == -1)
		return -1;
	if ((c = ipc_pending_take(g->starts, ch, m->id)) == NULL)
		return 0;
	log_warning("session-refused", LOG_SID(c->id),
	    LOG_CSTR("reason", reasons[why]));
	take_back(c, why == START_BUSY ? GATE_BUSY : GATE_UNAVAILABLE);
	return 0;
}

static int
on_certificate(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	(void)ch;
	return tls_server_take(((struct gate *)ctx)->tls, m);
}

const struct ipc_handler gate_supervisor_handlers[3] = {
	{ IPC_STAGE_CERTIFICATE, on_certificate },
	{ IPC_SESSION_STARTED, on_started },
	{ IPC_SESSION_REFUSED, on_refused },
};
