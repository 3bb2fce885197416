/*
 * After the login of a client with TLS: its session has a socket that we hold
 * the other end of, and never learns of TLS.  Octets go through here, in both
 * directions, unread; who does not read is waited for.
 */
#include "common/gate/private.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log/log.h"

enum {
	/* Time for a session to finish with what its client, who has left,
	 * had still asked for; for a client to take its last words. */
	SESSION_LINGER_MS = 30000,
	CLIENT_LINGER_MS = 2000
};

/* The octets of one side to the other; 0: it is full. */
static size_t
pass(struct stream *from, struct stream *to, char *at, size_t len)
{
	struct iovec v = { at, len };

	if (stream_full(to)) {
		stream_pause(from);	/* until drained() */
		return 0;
	}
	stream_writev(to, &v, 1);
	return len;
}

static size_t
from_client(void *owner, char *at, size_t len)
{
	struct gate_client *c = owner;

	return c->session == NULL ? len : pass(c->stream, c->session, at, len);
}

static size_t
from_session(void *owner, char *at, size_t len)
{
	struct gate_client *c = owner;

	return c->stream == NULL ? len : pass(c->session, c->stream, at, len);
}

static void
client_drained(void *owner)
{
	struct gate_client *c = owner;

	if (c->session != NULL)
		stream_resume(c->session);
}

static void
session_drained(void *owner)
{
	struct gate_client *c = owner;

	if (c->stream != NULL)
		stream_resume(c->stream);
}

static void
client_ended(void *owner, enum stream_end why)
{
	struct gate_client *c = owner;

	(void)why;
	stream_free(c->stream);
	c->stream = NULL;
	if (c->session == NULL)
		gate_client_free(c);
	else
		stream_finish(c->session, SESSION_LINGER_MS);
}

static void
session_ended(void *owner, enum stream_end why)
{
	struct gate_client *c = owner;

	(void)why;
	stream_free(c->session);
	c->session = NULL;
	if (c->stream == NULL)
		gate_client_free(c);
	else
		stream_finish(c->stream, CLIENT_LINGER_MS);
}

const struct stream_kind gate_relay_client = {
	.on = { .input = from_client, .drained = client_drained,
	    .secured = gate_secured, .ended = client_ended },
	.input_max = GATE_READ_SIZE, .output_max = GATE_READ_SIZE,
	.output_ms = 10 * 60 * 1000,
};

static const struct stream_kind relay_session = {
	.on = { .input = from_session, .drained = session_drained,
	    .ended = session_ended },
	.input_max = GATE_READ_SIZE, .output_max = GATE_READ_SIZE,
	.output_ms = 10 * 60 * 1000,
};

int
gate_relay_prepare(struct gate_client *c)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    pair) == -1)
		return -1;
	c->fd = pair[0];
	return pair[1];
}

void
gate_relay_begin(struct gate_client *c)
{
	struct gate *g = c->gate;

	c->session = stream_new(g->loop, c->fd, &relay_session, c);
	if (c->session == NULL) {
		log_warning("session-refused", LOG_SID(c->id),
		    LOG_ERRNO(errno));
		gate_client_free(c);
		return;
	}
	c->fd = -1;
	c->state = CLIENT_RELAY;
	/* It has logged in: the limits of those who have not are not its. */
	clients_leave(g->addresses, c->count);
	c->count = NULL;
	g->count--;
	g->relays++;
	explicit_bzero(c->protocol, g->protocol->state_size);
	stream_deadline(c->stream, 0);
	stream_become(c->stream, &gate_relay_client, c);
	stream_resume(c->stream);
}
