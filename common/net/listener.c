#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/net/listener.h"

/* Connections taken before other events get their turn. */
#define ACCEPT_BATCH	16
#define REST_MS		100

struct listener {
	struct event	*ready;
	struct event	*rest;
	const struct listener_events *ev;
	void		*arg;
	time_t		 told;		/* when trouble was last reported */
	int		 fd;
	int		 reserve;	/* given up to serve a client its 421 */
	bool		 paused;
};

static void
take_reserve(struct listener *l)
{
	if (l->reserve == -1)
		l->reserve = fcntl(l->fd, F_DUPFD_CLOEXEC, 0);
}

static void
tell(struct listener *l, int error)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (l->ev->trouble == NULL || (l->told != 0 && now.tv_sec == l->told))
		return;
	l->told = now.tv_sec;
	l->ev->trouble(l->arg, error);
}

/* With the reserved descriptor: take one client, say why not, let go. */
static void
turn_one_away(struct listener *l)
{
	int fd;

	if (l->reserve == -1)
		return;
	close(l->reserve);
	l->reserve = -1;
	fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd != -1) {
		if (l->ev->full != NULL)
			(void)send(fd, l->ev->full, strlen(l->ev->full),
			    MSG_NOSIGNAL | MSG_DONTWAIT);
		close(fd);
	}
	take_reserve(l);
}

static void
rest(struct listener *l, int error)
{
	static const struct timeval pause = { 0, REST_MS * 1000 };

	tell(l, error);
	if (error == EMFILE || error == ENFILE)
		turn_one_away(l);
	event_del(l->ready);
	evtimer_add(l->rest, &pause);
}

static void
rested(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	take_reserve(l);
	if (!l->paused)
		event_add(l->ready, NULL);
}

/* What accept(2) gives for a client that went away while it waited. */
static bool
client_gone(int error)
{
	switch (error) {
	case ECONNABORTED:
	case EINTR:
	case ENETDOWN:
	case EPROTO:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
	case EPERM:
		return true;
	default:
		return false;
	}
}

static void
ready(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	struct sockaddr_storage ss;
	struct net_address peer;

	(void)what;
	for (int i = 0; i < ACCEPT_BATCH && !l->paused; i++) {
		socklen_t len = sizeof(ss);
		int conn;

		memset(&ss, 0, sizeof(ss.ss_family));
		conn = accept4((int)fd, (struct sockaddr *)&ss, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (conn == -1) {
			if (errno == EAGAIN)
				return;
			if (client_gone(errno))
				continue;
			rest(l, errno);
			return;
		}
		if (len < sizeof(sa_family_t) || ss.ss_family == AF_UNIX)
			(void)net_address_of_peer(&peer, conn);
		else
			net_address_from(&peer, (struct sockaddr *)&ss);
		l->ev->accepted(l->arg, conn, &peer);
	}
}

struct listener *
listener_new(struct event_base *base, int fd, const struct listener_events *ev,
    void *arg)
{
	struct listener *l = calloc(1, sizeof(*l));
	int flags = fcntl(fd, F_GETFL), on = 1;

	if (l == NULL || flags == -1 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1) {
		free(l);
		return NULL;
	}
	/* A Unix socket has no such option, and no need of it. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	*l = (struct listener){ .fd = fd, .reserve = -1, .ev = ev, .arg = arg };
	take_reserve(l);
	l->ready = event_new(base, fd, EV_READ | EV_PERSIST, ready, l);
	l->rest = evtimer_new(base, rested, l);
	if (l->ready == NULL || l->rest == NULL ||
	    event_add(l->ready, NULL) == -1) {
		listener_free(l);
		errno = ENOMEM;
		return NULL;
	}
	return l;
}

void
listener_free(struct listener *l)
{
	if (l == NULL)
		return;
	if (l->ready != NULL)
		event_free(l->ready);
	if (l->rest != NULL)
		event_free(l->rest);
	if (l->reserve != -1)
		close(l->reserve);
	free(l);
}

void
listener_pause(struct listener *l)
{
	l->paused = true;
	event_del(l->ready);
}

void
listener_resume(struct listener *l)
{
	if (!l->paused)
		return;
	l->paused = false;
	if (!evtimer_pending(l->rest, NULL))
		event_add(l->ready, NULL);
}
