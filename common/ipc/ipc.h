/*
 * A channel: one end of a SOCK_SEQPACKET pair between two processes of the
 * suite, driven by the event loop.
 *
 * Whatever comes in is checked against the table in messages.h for the two
 * ends of this channel before a handler sees it; the handler checks the
 * fields.  A message that breaks a rule closes the channel, is logged with
 * the peer's name, and reaches nobody.
 */
#ifndef COMMON_IPC_IPC_H
#define COMMON_IPC_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ipc/messages.h"
#include "common/slice/slice.h"

struct event_base;
struct ipc_channel;

enum {
	IPC_VERSION = 1,
	IPC_HEAD_LEN = 16,	/* version, type, flags, length, id */
	IPC_BODY_MAX = 36000,	/* octets; the greatest of the table */
	IPC_FDS_MAX = 2
};

/*
 * A message as its handler sees it.  body points into the channel's buffer
 * and is gone when the handler returns.  Descriptors that the handler does
 * not take are closed then; they are close-on-exec.
 */
struct ipc_message {
	const struct ipc_rule	*rule;
	uint64_t		 id;
	struct slice		 body;
	unsigned		 nfds;
	int			 fds[IPC_FDS_MAX];
};

/* Make descriptor i the caller's, to close.  -1 if it was taken before. */
int ipc_message_take_fd(struct ipc_message *, unsigned i);

/*
 * 0: handled.  -1: the body is malformed or nothing that this peer may say
 * now; the channel is closed (closed() is called) and the fact logged.
 */
typedef int ipc_handle(void *ctx, struct ipc_channel *, struct ipc_message *);

struct ipc_handler {
	enum ipc_type	 type;
	ipc_handle	*handle;
};

struct ipc_events {
	const struct ipc_handler *handlers;
	size_t	 count;
	/* The peer has gone or was thrown out; the channel is freed after
	 * this returns.  Not called by ipc_channel_free. */
	void	(*closed)(void *ctx, struct ipc_channel *);
	/* What waited has been sent; may be NULL.  See ipc_channel_full. */
	void	(*drained)(void *ctx, struct ipc_channel *);
	/* All messages of this turn of the loop have been handled: the place
	 * to work on a batch.  May be NULL. */
	void	(*turn)(void *ctx, struct ipc_channel *);
};

/*
 * Take fd (made non-blocking) as the end of self towards peer.  events must
 * outlive the channel.  NULL with errno when memory is short; fd is then
 * closed.
 */
struct ipc_channel *ipc_channel_new(struct event_base *, int fd,
    enum ipc_role self, enum ipc_role peer, const struct ipc_events *events,
    void *ctx);
/* Close it, dropping what was not sent.  Safe inside its own handler. */
void ipc_channel_free(struct ipc_channel *);

/* Has the peer gone?  A look: closed() may not have been called yet, because
 * the loop came to another event first, or the peer's last words are still to
 * be read.  false also where no descriptor is free to look with. */
bool ipc_channel_has_ended(const struct ipc_channel *);

enum ipc_role ipc_channel_peer(const struct ipc_channel *);
/* A number for the caller's own use: which of several peers of a kind. */
void ipc_channel_set_tag(struct ipc_channel *, uint64_t);
uint64_t ipc_channel_tag(const struct ipc_channel *);

/*
 * Send, or keep until the socket takes it.  fds[0..nfds) become the
 * channel's, also on failure, and are closed once sent.  Nothing is sent out
 * of order.
 *
 * Returns -1 (ENOBUFS) only when already IPC_QUEUE_MAX messages wait; a
 * caller that heeds ipc_channel_full never sees that.
 */
int ipc_send(struct ipc_channel *, enum ipc_type, uint64_t id,
    struct slice body, const int *fds, unsigned nfds);

/* Messages that may wait in our memory before ipc_send refuses. */
enum { IPC_QUEUE_MAX = 4096, IPC_QUEUE_FULL = 256 };

/*
 * Back-pressure: more than IPC_QUEUE_FULL messages wait.  Stop reading
 * whatever makes more of them until drained() is called.
 */
bool ipc_channel_full(const struct ipc_channel *);

/* Stop and start reading what the peer sends (back-pressure towards it). */
void ipc_channel_pause(struct ipc_channel *);
void ipc_channel_resume(struct ipc_channel *);

/*
 * For a helper with one channel and nothing else to wait for: send and
 * receive blocking, by the same rules.  ipc_receive returns 1 with a
 * message, 0 at the end, -1 (EBADMSG or errno) otherwise; buf holds the
 * body.  The caller closes the descriptors in m.
 */
int ipc_send_blocking(int fd, enum ipc_role self, enum ipc_role peer,
    enum ipc_type, uint64_t id, struct slice body, const int *fds,
    unsigned nfds);
int ipc_receive_blocking(int fd, enum ipc_role self, enum ipc_role peer,
    void *buf, size_t size, struct ipc_message *m);

#endif
