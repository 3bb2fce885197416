/* Output of a stream: gathered, bounded, sent; and the way to an end. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/net/stream_private.h"

#define OUT_FIRST	512
/* A lingering peer that goes on sending gets its reset after this much. */
#define DISCARD_MAX	(1U << 20)

void
stream_wake(struct stream *s)
{
	if (s->busy == 0 && !s->gone)
		event_active(&s->wr, EV_WRITE, 0);
}

size_t
stream_pending(const struct stream *s)
{
	return s->out_len - s->out_at;
}

bool
stream_broken(const struct stream *s)
{
	return s->broken != 0 || s->overflow;
}

/* Room for len more octets of output. */
static bool
out_grow(struct stream *s, size_t len)
{
	size_t waiting = stream_pending(s), size = s->out_size;
	char *p;

	if (s->out_len + len <= size)
		return true;
	if (waiting + len > 2 * s->kind->output_max) {
		s->overflow = true;
		return false;
	}
	if (s->out_at > 0) {
		memmove(s->out, s->out + s->out_at, waiting);
		s->out_at = 0;
		s->out_len = waiting;
	}
	if (size == 0)
		size = OUT_FIRST;
	while (size < waiting + len)
		size *= 2;
	if (size == s->out_size)
		return true;
	p = realloc(s->out, size);
	if (p == NULL) {
		s->broken = ENOMEM;
		return false;
	}
	s->out = p;
	s->out_size = size;
	return true;
}

void
stream_write(struct stream *s, const void *data, size_t len)
{
	if (s->gone || s->broken != 0 || s->overflow || s->shut || len == 0)
		return;
	if (out_grow(s, len)) {
		memcpy(s->out + s->out_len, data, len);
		s->out_len += len;
	}
	stream_wake(s);
}

static void
out_drop(struct stream *s)
{
	free(s->out);
	s->out = NULL;
	s->out_at = s->out_len = s->out_size = 0;
	s->moved_ms = 0;
}

/* The socket takes no more: wait for it, but not for ever. */
static void
blocked(struct stream *s, bool moved)
{
	if (moved || s->moved_ms == 0)
		s->moved_ms = stream_loop_now_ms(s->loop);
	event_add(&s->wr, NULL);
	stream_arm(s);
}

ssize_t
stream_send(struct stream *s, const void *at, size_t len)
{
	if (s->layer != NULL)
		return s->ops->send(s->layer, at, len);
	return send(s->fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void
stream_flush(struct stream *s)
{
	bool moved = false;

	if (s->shaking)
		return;	/* it waits, and is not for the clear */
	while (!s->gone && s->broken == 0 && stream_pending(s) > 0) {
		size_t len = stream_pending(s);
		ssize_t n = stream_send(s, s->out + s->out_at, len);

		if (n == -1) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN) {
				blocked(s, moved);
				return;
			}
			s->broken = errno;
			out_drop(s);
			stream_wake(s);
			return;
		}
		s->out_at += (size_t)n;
		moved = true;
		if ((size_t)n < len) {
			blocked(s, true);
			return;
		}
	}
	if (s->out != NULL && stream_pending(s) == 0)
		out_drop(s);
	if (s->told_full && s->broken == 0)
		stream_wake(s);
}

/* Of a piece, what the layer takes at once. */
static size_t
send_direct(struct stream *s, const struct iovec *v)
{
	ssize_t n;

	if (stream_pending(s) > 0 || s->broken != 0 || s->gone || s->shut ||
	    s->shaking || v->iov_len == 0)
		return 0;
	n = stream_send(s, v->iov_base, v->iov_len);
	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		s->broken = errno;
		stream_wake(s);
	}
	return n > 0 ? (size_t)n : 0;
}

void
stream_writev(struct stream *s, const struct iovec *iov, int n)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)iov,
		.msg_iovlen = (size_t)n };
	size_t sent = 0;
	ssize_t took;

	if (stream_pending(s) > 0)
		stream_flush(s);
	if (stream_pending(s) == 0 && s->broken == 0 && !s->gone && !s->shut &&
	    s->layer == NULL) {
		took = sendmsg(s->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (took > 0)
			sent = (size_t)took;
		else if (took == -1 && errno != EAGAIN && errno != EINTR) {
			s->broken = errno;
			stream_wake(s);
		}
	}
	for (int i = 0; i < n; i++) {
		size_t skip = sent < iov[i].iov_len ? sent : iov[i].iov_len;

		sent -= skip;
		if (s->layer != NULL)
			skip = send_direct(s, &iov[i]);
		stream_write(s, (char *)iov[i].iov_base + skip,
		    iov[i].iov_len - skip);
	}
}

bool
stream_full(struct stream *s)
{
	if (stream_pending(s) < s->kind->output_max)
		return false;
	s->told_full = true;
	return true;
}

void
stream_writable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	(void)fd;
	(void)what;
	if (s->shaking)
		stream_shake(s);
	else if (s->read_to_write && !s->paused && !s->finishing)
		stream_receive(s);
	if (stream_pending(s) > 0)
		stream_flush(s);
	if (s->told_full && stream_pending(s) < s->kind->output_max / 2) {
		s->told_full = false;
		if (s->kind->on.drained != NULL) {
			s->busy++;
			s->kind->on.drained(s->owner);
			s->busy--;
		}
	}
	stream_settle(s);
}

/* ---- the end ---- */

void
stream_finish(struct stream *s, unsigned linger_ms)
{
	if (s->gone || s->finishing)
		return;
	if (s->shaking && s->broken == 0)
		s->broken = ECONNABORTED;	/* there is no way to say it */
	s->finishing = true;
	s->linger_ms = s->eof ? 0 : linger_ms;
	s->rate = 0;
	s->deadline_ms = 0;
	s->paused = false;
	s->told_full = false;
	if (s->linger_ms > 0 && !s->reading && event_add(&s->rd, NULL) == 0)
		s->reading = true;
	stream_wake(s);
}

void
stream_finish_step(struct stream *s)
{
	if (s->broken != 0) {
		errno = s->broken;
		stream_end(s, STREAM_ERROR);
		return;
	}
	if (s->shut || stream_pending(s) > 0)
		return;
	s->shut = true;
	if (s->layer != NULL)
		s->ops->close(s->layer);
	if (s->linger_ms == 0 || s->eof) {
		/* The close that follows says it to the peer, too. */
		stream_end(s, STREAM_FINISHED);
		return;
	}
	shutdown(s->fd, SHUT_WR);
	s->deadline_ms = stream_loop_now_ms(s->loop) + s->linger_ms;
	stream_arm(s);
}

void
stream_discard(struct stream *s)
{
	ssize_t n = recv(s->fd, s->loop->scratch, s->loop->size, 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && (s->discarded += (size_t)n) < DISCARD_MAX)
		return;
	s->eof = true;
	event_del(&s->rd);
	s->reading = false;
	if (s->shut)
		stream_end(s, STREAM_FINISHED);
}
