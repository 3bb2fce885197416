/*
 * Connections that a load balancer passes on (common/net/proxy.h): until the
 * header is here they are nobody's session.
 *
 * The header is looked at and then taken from the socket to its last octet,
 * so that what follows, a TLS handshake perhaps, is the session's to read.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/instance/listener.h"
#include "common/net/network.h"
#include "common/net/proxy.h"
#include "smtpd/session.h"

/* A balancer has its header ready. */
enum { PATIENCE_S = 10 };
static const struct timeval patience = { PATIENCE_S, 0 };

struct proxied {
	TAILQ_ENTRY(proxied) all;
	struct smtpd	*d;
	struct door	*door;
	struct event	*readable;
	struct net_address peer;	/* the balancer */
	uint64_t	 began_ms;
	size_t		 seen;		/* octets that were too few */
	int		 fd;
};

bool
proxied_expected(const struct door *door, const struct net_address *peer)
{
	const struct listener_settings *l = door_settings(door);
	struct net_network n;

	for (size_t i = 0; l != NULL && i < l->proxy_from.n; i++)
		if (net_network_parse(slice_str(l->proxy_from.at[i]), &n) ==
		    PARSE_OK && net_network_has(&n, peer))
			return true;
	return false;
}

/* fd is somebody else's from here on. */
static void
forget(struct proxied *p)
{
	TAILQ_REMOVE(&p->d->proxied, p, all);
	p->d->n_proxied--;
	event_free(p->readable);
	free(p);
}

static void
refuse(struct proxied *p)
{
	door_turn_away(p->d, p->fd, &p->peer, SAY_NO_PROXY_HEADER);
	forget(p);
}

/* Whoever it is from: let in, or turned away, like anybody else. */
static void
pass_on(struct proxied *p, const struct proxy_header *h, size_t used)
{
	struct net_address client = h->local ? p->peer : h->client;
	struct door *door = p->door;
	char header[PROXY_V2_MAX];
	int one = 1, fd = p->fd;

	if (recv(fd, header, used, 0) != (ssize_t)used ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one)) == -1) {
		refuse(p);
		return;
	}
	forget(p);
	door_admit(door, fd, &client);
}

/* Until there is more than this, there is nothing to look at. */
static void
await_more(struct proxied *p, size_t have)
{
	int more = (int)have + 1;

	if (have <= p->seen ||
	    smtpd_now_ms(p->d) - p->began_ms > PATIENCE_S * 1000 || setsockopt(p->fd, SOL_SOCKET, SO_RCVLOWAT,
	    &more, sizeof(more)) == -1)
		refuse(p);	/* it has ended in the middle, or dribbles */
	else
		p->seen = have;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct proxied *p = arg;
	struct proxy_header h;
	char buf[PROXY_V2_MAX];
	size_t used;
	ssize_t n;

	if ((what & EV_TIMEOUT) != 0) {
		refuse(p);
		return;
	}
	n = recv(fd, buf, sizeof(buf), MSG_PEEK);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		refuse(p);
		return;
	}
	switch (proxy_header_take(slice_of(buf, (size_t)n), &h, &used)) {
	case PARSE_OK:
		pass_on(p, &h, used);
		break;
	case PARSE_MORE:
		await_more(p, (size_t)n);
		break;
	case PARSE_BAD:
		refuse(p);
		break;
	}
}

void
proxied_new(struct smtpd *d, struct door *door, int fd,
    const struct net_address *peer)
{
	struct proxied *p = d->n_proxied < d->set->max_sessions ?
	    calloc(1, sizeof(*p)) : NULL;

	if (p != NULL)
		p->readable = event_new(d->stage.base, fd,
		    EV_READ | EV_PERSIST, on_readable, p);
	if (p == NULL || p->readable == NULL ||
	    event_add(p->readable, &patience) == -1) {
		if (p != NULL && p->readable != NULL)
			event_free(p->readable);
		free(p);
		door_turn_away(d, fd, peer, SAY_FULL);
		return;
	}
	p->d = d;
	p->door = door;
	p->fd = fd;
	p->peer = *peer;
	p->began_ms = smtpd_now_ms(d);
	TAILQ_INSERT_TAIL(&d->proxied, p, all);
	d->n_proxied++;
}

void
proxied_close_all(struct smtpd *d)
{
	struct proxied *p;

	while ((p = TAILQ_FIRST(&d->proxied)) != NULL) {
		close(p->fd);	/* NOLINT: what forget() freed is off the list */
		forget(p);
	}
}
