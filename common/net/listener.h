/*
 * Accepting connections from a listening socket that somebody else bound.
 *
 * No free descriptor (EMFILE, ENFILE) or memory must not turn the loop into
 * a busy one, nor leave clients hanging in the backlog: one descriptor is
 * held in reserve, and with it the client at the head is taken, told
 * `full` and let go; then the listener rests for 100 ms.
 */
#ifndef COMMON_NET_LISTENER_H
#define COMMON_NET_LISTENER_H

#include <event2/event.h>

#include "common/net/address.h"

struct listener;

struct listener_events {
	/* A new connection: fd is the callee's, non-blocking, close-on-exec. */
	void	(*accepted)(void *arg, int fd, const struct net_address *);
	/* accept4(2) failed with error; at most one call a second.  May be
	 * NULL. */
	void	(*trouble)(void *arg, int error);
	/* Written to a client that cannot be served; may be NULL. */
	const char *full;
};

/*
 * Start to accept from fd, which stays the caller's to close, after
 * listener_free().  ev and arg are borrowed for the listener's life.
 * The socket is made non-blocking, and TCP_NODELAY for what it accepts: our
 * replies are gathered already, and must not wait for an ACK.
 * NULL with errno.
 */
struct listener *listener_new(struct event_base *, int fd,
    const struct listener_events *ev, void *arg);
void listener_free(struct listener *);

/* Take no more connections until resumed; those in the backlog wait. */
void listener_pause(struct listener *);
void listener_resume(struct listener *);

#endif
