/*
 * Channels on the event loop.
 *
 * 1. Messages leave in the order of ipc_send.
 * 2. A channel that is freed inside one of its own callbacks is only marked;
 *    the memory goes when the outermost callback has returned.
 * 3. A descriptor handed to ipc_send is closed exactly once.
 * 4. A message is not received while the descriptors that come with it find
 *    no place: the sender feels a full socket, and waits.
 */
#include "common/ipc/ipc.h"

#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <bsd/sys/queue.h>
#include <event2/event.h>

#include "common/clock/clock.h"
#include "common/ipc/wire.h"
#include "common/log/log.h"

/* Messages taken from one peer before the others get their turn. */
enum { RECEIVE_BUDGET = 64 };
/* How often a stage without free descriptors says so, and when it gives up. */
enum { CROWDED_SAID_MS = 60000, CROWDED_MOST_MS = 60000 };
/* When the kernel is short of something that makes no event: try again. */
static const struct timeval retry_delay = { .tv_usec = 10000 };

struct waiting {
	STAILQ_ENTRY(waiting) next;
	unsigned	 nfds;
	int		 fds[IPC_FDS_MAX];
	size_t		 len;
	uint8_t		 head[IPC_HEAD_LEN];
	char		 body[];
};

struct ipc_channel {
	int			 fd;
	enum ipc_role		 self, peer;
	uint64_t		 tag;
	const struct ipc_events	*events;
	void			*ctx;
	struct event		*readable, *writable;
	struct event		*crowded;	/* invariant 4: look again */
	uint64_t		 crowded_since;	/* 0: it is not */
	STAILQ_HEAD(, waiting)	 queue;
	unsigned		 queued;
	bool			 was_full, paused, dead;
	unsigned		 depth;		/* of our callbacks, invariant 2 */
	char			*buf;		/* made when first needed */
};

static void
close_all(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (fds[i] != -1)
			close(fds[i]);
}

int
ipc_message_take_fd(struct ipc_message *m, unsigned i)
{
	int fd;

	if (i >= m->nfds)
		return -1;
	fd = m->fds[i];
	m->fds[i] = -1;
	return fd;
}

static void
channel_destroy(struct ipc_channel *ch)
{
	struct waiting *w;

	while ((w = STAILQ_FIRST(&ch->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&ch->queue, next);
		close_all(w->fds, w->nfds);
		explicit_bzero(w->body, w->len);
		free(w);
	}
	if (ch->readable != NULL)
		event_free(ch->readable);
	if (ch->writable != NULL)
		event_free(ch->writable);
	if (ch->crowded != NULL)
		event_free(ch->crowded);
	close(ch->fd);
	free(ch->buf);
	free(ch);
}

static void
stop_events(struct ipc_channel *ch)
{
	event_del(ch->readable);
	event_del(ch->writable);
	if (ch->crowded != NULL)
		event_del(ch->crowded);
}

static void
enter(struct ipc_channel *ch)
{
	ch->depth++;
}

/* False when the channel is gone. */
static bool
leave(struct ipc_channel *ch)
{
	if (--ch->depth == 0 && ch->dead) {
		channel_destroy(ch);
		return false;
	}
	return !ch->dead;
}

void
ipc_channel_free(struct ipc_channel *ch)
{
	if (ch == NULL || ch->dead)
		return;
	ch->dead = true;
	stop_events(ch);
	if (ch->depth == 0)
		channel_destroy(ch);
}

/* The peer is gone, by itself or because of what it said. */
static void
channel_lost(struct ipc_channel *ch)
{
	if (ch->dead)
		return;
	enter(ch);
	stop_events(ch);
	ch->events->closed(ch->ctx, ch);
	ch->dead = true;
	leave(ch);
}

static void
channel_refused(struct ipc_channel *ch, const char *what, const char *why)
{
	log_warning("channel-refused", LOG_CSTR("peer", ipc_role_name(ch->peer)),
	    LOG_CSTR("message", what), LOG_CSTR("reason", why));
	channel_lost(ch);
}

static ipc_handle *
handler_of(const struct ipc_channel *ch, enum ipc_type type)
{
	for (size_t i = 0; i < ch->events->count; i++)
		if (ch->events->handlers[i].type == type)
			return ch->events->handlers[i].handle;
	return NULL;
}

/* Hand one message to its handler; false when the channel is gone. */
static bool
dispatch(struct ipc_channel *ch, struct slice octets, struct ipc_message *m)
{
	const char *why = NULL, *name = "?";
	ipc_handle *handle;

	if (ipc_wire_check(octets, ch->peer, ch->self, m, &why) == 0) {
		name = m->rule->name;
		if ((handle = handler_of(ch, m->rule->type)) == NULL)
			why = "nothing is waiting for it";
		else if (handle(ch->ctx, ch, m) == -1)
			why = "malformed or out of place";
	}
	close_all(m->fds, m->nfds);
	if (ch->dead)
		return false;
	if (why != NULL) {
		channel_refused(ch, name, why);
		return false;
	}
	return true;
}

/*
 * There is no room for the descriptors of the next message, and no prospect of
 * any; or a message has come without its own, since a thread took the last one
 * between the look and the receipt.  Somebody waits for it, and nobody can say
 * who.  A stage begins anew: supervisor starts it with fresh channels, its
 * peers know what was under way, and nothing was acknowledged that is not
 * durable.
 */
static void
starved(struct ipc_channel *ch)
{
	log_error("descriptors-exhausted",
	    LOG_CSTR("peer", ipc_role_name(ch->peer)));
	if (ch->self != IPC_SUPERVISOR && ch->crowded != NULL)
		exit(75);
	channel_refused(ch, "?", "descriptors, and no room for them");
}

/* Once for all the looks of such a time. */
static void
say_crowded(const struct ipc_channel *ch, uint64_t now)
{
	static uint64_t said;

	if (said != 0 && now - said < CROWDED_SAID_MS)
		return;
	said = now;
	log_warning("no-free-descriptor",
	    LOG_CSTR("peer", ipc_role_name(ch->peer)),
	    LOG_CSTR("remedy", "its messages wait until some are free"));
}

/* Did the pause begin?  False when the next message may be received. */
static bool
wait_for_descriptors(struct ipc_channel *ch)
{
	uint64_t now;

	if (ch->crowded == NULL)
		return false;
	if (ipc_wire_has_room(ch->fd)) {
		ch->crowded_since = 0;
		return false;
	}
	now = clock_ms();
	if (ch->crowded_since == 0)
		ch->crowded_since = now;
	/* What would make room may be what waits behind this message. */
	if (now - ch->crowded_since >= CROWDED_MOST_MS) {
		starved(ch);
		return true;
	}
	say_crowded(ch, now);
	event_del(ch->readable);
	event_add(ch->crowded, &retry_delay);
	return true;
}

static void
on_crowded(int fd, short what, void *arg)
{
	struct ipc_channel *ch = arg;

	(void)fd, (void)what;
	if (!ch->paused)
		event_add(ch->readable, NULL);
}

/* One message from the socket; false when there is no more for now. */
static bool
receive_one(struct ipc_channel *ch)
{
	struct ipc_message m = { 0 };
	ssize_t n;

	if (wait_for_descriptors(ch))
		return false;
	n = ipc_wire_receive(ch->fd, ch->buf, IPC_HEAD_LEN + IPC_BODY_MAX, &m,
	    MSG_DONTWAIT);
	if (n > 0) {
		bool alive = dispatch(ch, slice_of(ch->buf, (size_t)n), &m);

		/* It may have been a password; alive or not, buf still is. */
		explicit_bzero(ch->buf, (size_t)n);
		return alive;
	}
	if (n == 0 || errno == ECONNRESET)
		channel_lost(ch);
	else if (errno == EMSGSIZE)
		channel_refused(ch, "?", "more than a message may hold");
	else if (errno == ENFILE)
		starved(ch);
	else if (errno != EAGAIN && errno != ENOMEM && errno != ENOBUFS)
		channel_refused(ch, "?", strerror(errno));
	return false;
}

static void
on_readable(int fd, short what, void *arg)
{
	struct ipc_channel *ch = arg;
	int budget = RECEIVE_BUDGET;

	(void)fd, (void)what;
	if (ch->buf == NULL &&
	    (ch->buf = malloc(IPC_HEAD_LEN + IPC_BODY_MAX)) == NULL)
		return;	/* the loop calls again */
	enter(ch);
	while (budget-- > 0 && !ch->paused && receive_one(ch))
		;
	if (!ch->dead && ch->events->turn != NULL)
		ch->events->turn(ch->ctx, ch);
	leave(ch);
}

/* 0 sent, 1 must wait for the socket, 2 must wait for a while, -1 lost. */
static int
try_send(struct ipc_channel *ch, const uint8_t *head, struct slice body,
    const int *fds, unsigned nfds)
{
	if (ipc_wire_send(ch->fd, head, body, fds, nfds, MSG_DONTWAIT) == 0)
		return 0;
	switch (errno) {
	case EAGAIN:
		return 1;
	case ETOOMANYREFS:	/* descriptors in flight, counted per uid */
	case ENOBUFS:
	case ENOMEM:
		return 2;
	default:
		return -1;
	}
}

static void
wait_to_send(struct ipc_channel *ch, int how)
{
	if (how == 1)
		event_add(ch->writable, NULL);
	else
		event_add(ch->writable, &retry_delay);
}

static void
on_writable(int fd, short what, void *arg)
{
	struct ipc_channel *ch = arg;
	struct waiting *w;

	(void)fd, (void)what;
	while ((w = STAILQ_FIRST(&ch->queue)) != NULL) {
		int how = try_send(ch, w->head, slice_of(w->body, w->len),
		    w->fds, w->nfds);

		if (how > 0) {
			wait_to_send(ch, how);
			break;
		}
		/* -1: the reader finds the end of the channel; go on. */
		STAILQ_REMOVE_HEAD(&ch->queue, next);
		ch->queued--;
		close_all(w->fds, w->nfds);
		explicit_bzero(w->body, w->len);
		free(w);
	}
	if (ch->was_full && ch->queued <= IPC_QUEUE_FULL / 2) {
		ch->was_full = false;
		enter(ch);
		if (ch->events->drained != NULL)
			ch->events->drained(ch->ctx, ch);
		leave(ch);
	}
}

static int
keep(struct ipc_channel *ch, const uint8_t *head, struct slice body,
    const int *fds, unsigned nfds)
{
	struct waiting *w;

	if (ch->queued >= IPC_QUEUE_MAX ||
	    (w = malloc(sizeof(*w) + body.len)) == NULL) {
		close_all(fds, nfds);
		errno = ENOBUFS;
		return -1;
	}
	memcpy(w->head, head, IPC_HEAD_LEN);
	w->len = body.len;
	if (body.len > 0)
		memcpy(w->body, body.at, body.len);
	w->nfds = nfds;
	for (unsigned i = 0; i < nfds; i++)
		w->fds[i] = fds[i];
	STAILQ_INSERT_TAIL(&ch->queue, w, next);
	if (++ch->queued > IPC_QUEUE_FULL)
		ch->was_full = true;
	return 0;
}

int
ipc_send(struct ipc_channel *ch, enum ipc_type type, uint64_t id,
    struct slice body, const int *fds, unsigned nfds)
{
	const struct ipc_rule *rule = ipc_rule(type);
	uint8_t head[IPC_HEAD_LEN];
	int how = 1;

	assert(rule != NULL && (rule->from & IPC_BIT(ch->self)) != 0 &&
	    (rule->to & IPC_BIT(ch->peer)) != 0);
	assert(body.len <= rule->max && nfds >= rule->fds_min &&
	    nfds <= rule->fds_max);
	if (ch->dead) {
		close_all(fds, nfds);
		return 0;	/* lost like all that was under way */
	}
	ipc_wire_head(head, type, id, body.len);
	if (STAILQ_EMPTY(&ch->queue)) {
		how = try_send(ch, head, body, fds, nfds);
		if (how <= 0) {
			close_all(fds, nfds);
			return 0;	/* -1: closed() will be called */
		}
	}
	if (keep(ch, head, body, fds, nfds) == -1)
		return -1;
	if (ch->queued == 1)
		wait_to_send(ch, how);
	return 0;
}

bool
ipc_channel_full(const struct ipc_channel *ch)
{
	return ch->queued > IPC_QUEUE_FULL;
}

void
ipc_channel_pause(struct ipc_channel *ch)
{
	ch->paused = true;
	event_del(ch->readable);
}

void
ipc_channel_resume(struct ipc_channel *ch)
{
	if (!ch->paused || ch->dead)
		return;
	ch->paused = false;
	event_add(ch->readable, NULL);
}

bool
ipc_channel_has_ended(const struct ipc_channel *ch)
{
	return ch->dead || ipc_wire_has_ended(ch->fd);
}

enum ipc_role
ipc_channel_peer(const struct ipc_channel *ch)
{
	return ch->peer;
}

void
ipc_channel_set_tag(struct ipc_channel *ch, uint64_t tag)
{
	ch->tag = tag;
}

uint64_t
ipc_channel_tag(const struct ipc_channel *ch)
{
	return ch->tag;
}

struct ipc_channel *
ipc_channel_new(struct event_base *base, int fd, enum ipc_role self,
    enum ipc_role peer, const struct ipc_events *events, void *ctx)
{
	struct ipc_channel *ch = calloc(1, sizeof(*ch));
	bool carries;

	if (ch == NULL) {
		close(fd);
		return NULL;
	}
	*ch = (struct ipc_channel){ .fd = fd, .self = self, .peer = peer,
		.events = events, .ctx = ctx };
	STAILQ_INIT(&ch->queue);
	ch->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable,
	    ch);
	/* Every send says MSG_DONTWAIT, so the socket's own mode is left. */
	ch->writable = event_new(base, fd, EV_WRITE, on_writable, ch);
	carries = ipc_rules_carry(peer, self);
	if (carries)
		ch->crowded = evtimer_new(base, on_crowded, ch);
	if (ch->readable == NULL || ch->writable == NULL ||
	    (carries && ch->crowded == NULL) ||
	    event_add(ch->readable, NULL) == -1) {
		channel_destroy(ch);
		errno = ENOMEM;
		return NULL;
	}
	return ch;
}
