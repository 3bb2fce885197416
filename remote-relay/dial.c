#include "remote-relay/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct dial {
	struct event	 ready;
	int		 fd;
	int		 error;		/* known at once; 0: not */
	dial_done	*done;
	void		*ctx;
};

static socklen_t
to_sockaddr(const struct net_address *a, struct sockaddr_storage *ss)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(a->port) };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(a->port) };

	memset(ss, 0, sizeof(*ss));
	if (a->family == NET_IPV4) {
		memcpy(&sin.sin_addr, a->octets, 4);
		memcpy(ss, &sin, sizeof(sin));
		return sizeof(sin);
	}
	memcpy(&sin6.sin6_addr, a->octets, 16);
	memcpy(ss, &sin6, sizeof(sin6));
	return sizeof(sin6);
}

static void
on_ready(evutil_socket_t s, short what, void *arg)
{
	struct dial *d = arg;
	int error = d->error, fd = d->fd;
	socklen_t len = sizeof(error);

	(void)s;
	if (error == 0 && (what & EV_TIMEOUT))
		error = ETIMEDOUT;
	else if (error == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error != 0) {
		close(fd);
		fd = -1;
	}
	d->done(d->ctx, fd, error);
	free(d);
}

static int
open_socket(const struct net_address *to, const struct net_address *source)
{
	struct sockaddr_storage ss;
	int one = 1, error;
	socklen_t len;
	int fd = socket(to->family == NET_IPV4 ? AF_INET : AF_INET6,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -1;
	/* Commands and content are gathered by us, not by the kernel. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (source == NULL)
		return fd;
	len = to_sockaddr(source, &ss);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&ss, len) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

struct dial *
dial_start(struct event_base *base, const struct net_address *to,
    const struct net_address *source, unsigned timeout_ms, dial_done *done,
    void *ctx)
{
	struct timeval patience = { (time_t)(timeout_ms / 1000),
		(suseconds_t)(timeout_ms % 1000) * 1000 };
	struct dial *d = calloc(1, sizeof(*d));
	struct sockaddr_storage ss;
	socklen_t len = to_sockaddr(to, &ss);

	if (d == NULL || (d->fd = open_socket(to, source)) == -1) {
		free(d);
		return NULL;
	}
	d->done = done;
	d->ctx = ctx;
	if (connect(d->fd, (const struct sockaddr *)&ss, len) == -1 &&
	    errno != EINPROGRESS)
		d->error = errno;
	event_assign(&d->ready, base, d->fd, EV_WRITE, on_ready, d);
	if (event_add(&d->ready, &patience) == -1) {
		close(d->fd);
		free(d);
		errno = ENOMEM;
		return NULL;
	}
	if (d->error != 0)
		event_active(&d->ready, EV_WRITE, 0);
	return d;
}

void
dial_cancel(struct dial *d)
{
	if (d == NULL)
		return;
	event_del(&d->ready);
	close(d->fd);
	free(d);
}
