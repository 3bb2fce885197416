#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/net/stream_private.h"

const char *
stream_end_name(enum stream_end why)
{
	static const char *const names[] = {
		[STREAM_EOF] = "eof", [STREAM_ERROR] = "error",
		[STREAM_OVERFLOW] = "overflow", [STREAM_TIMEOUT] = "timeout",
		[STREAM_SLOW] = "slow", [STREAM_INSECURE] = "insecure",
		[STREAM_FINISHED] = "finished",
	};

	return (size_t)why < sizeof(names) / sizeof(names[0]) ? names[why] : "?";
}

struct stream_loop *
stream_loop_new(struct event_base *base, size_t size)
{
	struct stream_loop *loop = calloc(1, sizeof(*loop));

	assert(size >= 4096);
	if (loop == NULL)
		return NULL;
	loop->base = base;
	loop->size = size;
	loop->scratch = malloc(size);
	if (loop->scratch == NULL) {
		free(loop);
		return NULL;
	}
	return loop;
}

void
stream_loop_free(struct stream_loop *loop)
{
	if (loop == NULL)
		return;
	free(loop->scratch);
	free(loop);
}

uint64_t
stream_loop_now_ms(struct stream_loop *loop)
{
	struct timespec now;

	(void)loop;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- input ---- */

void
stream_end(struct stream *s, enum stream_end why)
{
	if (s->gone || (s->ended && !s->finishing))
		return;
	s->ended = true;
	event_del(&s->rd);
	s->reading = false;
	event_del(&s->timer);
	s->timer_ms = 0;
	s->deadline_ms = 0;
	s->rate = 0;
	s->finishing = false;
	s->busy++;
	s->kind->on.ended(s->owner, why);
	s->busy--;
}

/*
 * How much to offer of what waits: all of it, but through a layer to who
 * wants exact lines, one line more than the first `refused` octets.
 */
static size_t
piece(const struct stream *s, const char *at, size_t len, size_t refused)
{
	const char *lf;

	if (!s->kind->exact_lines || s->layer == NULL || refused == len)
		return len;
	lf = memchr(at + refused, '\n', len - refused);
	return lf != NULL ? (size_t)(lf - at) + 1 : len;
}

/* Hand octets to the owner until he takes no more; how many he took. */
static size_t
offer(struct stream *s, char *at, size_t len)
{
	size_t used = 0, refused = 0, n, some;

	s->busy++;
	s->offering = true;
	while (used < len && !s->paused && !s->gone && !s->finishing) {
		some = piece(s, at + used, len - used, refused);
		n = s->kind->on.input(s->owner, at + used, some);
		if (n == 0 && some == len - used)
			break;
		assert(n <= some);
		used += n;
		refused = n == 0 ? some : 0;
		if (s->shaking) {
			used = len;	/* clear text dies here */
			break;
		}
	}
	s->offering = false;
	s->busy--;
	return used;
}

/* Keep what the owner left of the shared buffer. */
static void
keep(struct stream *s, const char *at, size_t len)
{
	if (len == 0)
		return;
	s->kept = malloc(len);
	if (s->kept == NULL) {
		errno = ENOMEM;
		stream_end(s, STREAM_ERROR);
		return;
	}
	memcpy(s->kept, at, len);
	s->kept_len = s->kept_size = len;
}

static void
offer_kept(struct stream *s)
{
	size_t used = offer(s, s->kept, s->kept_len);

	if (s->gone)
		return;
	s->kept_len -= used;
	if (s->kept_len == 0) {
		free(s->kept);
		s->kept = NULL;
		s->kept_size = 0;
	} else if (used > 0)
		memmove(s->kept, s->kept + used, s->kept_len);
}

/* Room behind what is kept.  False: none may be had. */
static bool
kept_grow(struct stream *s)
{
	size_t size = s->kept_size;
	char *p;

	if (s->kept_len < size)
		return true;
	if (size >= s->kind->input_max)
		return false;
	size = size < 1024 ? 2048 : size * 2;
	if (size > s->kind->input_max)
		size = s->kind->input_max;
	p = realloc(s->kept, size);
	if (p == NULL)
		return false;
	s->kept = p;
	s->kept_size = size;
	return true;
}

/* recv(2), or no further than the first line end where that is asked for. */
static ssize_t
receive_some(struct stream *s, char *at, size_t size)
{
	ssize_t n;
	char *lf;

	if (s->layer != NULL)
		return stream_layer_receive(s, at, size);
	if (!s->kind->exact_lines)
		return recv(s->fd, at, size, 0);
	n = recv(s->fd, at, size, MSG_PEEK);
	if (n <= 0)
		return n;
	lf = memchr(at, '\n', (size_t)n);
	return recv(s->fd, at, lf != NULL ? (size_t)(lf - at) + 1 : (size_t)n, 0);
}

void
stream_receive(struct stream *s)
{
	char *at = s->loop->scratch;
	size_t size = s->loop->size, used;
	ssize_t n;

	if (s->kept_len > 0) {
		if (!kept_grow(s)) {
			stream_end(s, STREAM_OVERFLOW);
			return;
		}
		at = s->kept + s->kept_len;
		size = s->kept_size - s->kept_len;
	} else if (size > s->kind->input_max)
		size = s->kind->input_max;
	n = receive_some(s, at, size);
	if (n <= 0) {
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		s->eof = true;
		stream_end(s, n == 0 ? STREAM_EOF : STREAM_ERROR);
		return;
	}
	s->received += (size_t)n;
	if (s->kept_len > 0) {
		s->kept_len += (size_t)n;
		offer_kept(s);
		return;
	}
	used = offer(s, at, (size_t)n);
	if (!s->gone && !s->finishing)
		keep(s, at + used, (size_t)n - used);
}

static void
readable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	(void)fd;
	(void)what;
	if (s->finishing)
		stream_discard(s);
	else if (s->shaking)
		stream_shake(s);
	else if (s->kicked) {
		s->kicked = false;
		if (!s->paused && s->kept_len > 0)
			offer_kept(s);
	} else if (s->pulled) {
		s->pulled = false;
		if (!s->paused)
			stream_receive(s);
	} else if (s->paused) {
		event_del(&s->rd);
		s->reading = false;
	} else
		stream_receive(s);
	if (s->layer != NULL)
		stream_layer_kick(s);
	stream_settle(s);
}

/* ---- life ---- */

static void
destroy(struct stream *s)
{
	free(s->kept);
	free(s->out);
	free(s);
}

struct stream *
stream_new(struct stream_loop *loop, int fd, const struct stream_kind *kind,
    void *owner)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->loop = loop;
	s->fd = fd;
	s->kind = kind;
	s->owner = owner;
	event_assign(&s->rd, loop->base, fd, EV_READ | EV_PERSIST, readable, s);
	event_assign(&s->wr, loop->base, fd, EV_WRITE, stream_writable, s);
	evtimer_assign(&s->timer, loop->base, stream_timer, s);
	if (event_add(&s->rd, NULL) == -1) {
		free(s);
		errno = ENOMEM;
		return NULL;
	}
	s->reading = true;
	return s;
}

static void
detach(struct stream *s)
{
	event_del(&s->rd);
	event_del(&s->wr);
	event_del(&s->timer);
	s->gone = true;
}

void
stream_free(struct stream *s)
{
	if (s == NULL || s->gone)
		return;
	detach(s);
	stream_layer_free(s);
	close(s->fd);
	if (s->busy == 0)
		destroy(s);
}

int
stream_release(struct stream *s, void *ahead, size_t *len)
{
	int fd = s->fd;

	assert(s->layer == NULL);
	/* Of what is being offered we cannot know what the owner will use. */
	assert(!s->offering || s->kind->exact_lines);
	stream_flush(s);
	if (stream_pending(s) > 0 || s->broken != 0 ||
	    (!s->offering && s->kept_len > *len))
		return -1;
	*len = s->offering ? 0 : s->kept_len;
	if (*len > 0)
		memcpy(ahead, s->kept, *len);
	detach(s);
	if (s->busy == 0)
		destroy(s);
	return fd;
}

void
stream_settle(struct stream *s)
{
	if (!s->gone && stream_pending(s) > 0)
		stream_flush(s);
	if (!s->gone && (s->broken != 0 || s->overflow) && s->busy == 0) {
		errno = s->broken;
		stream_end(s, s->overflow ? STREAM_OVERFLOW : STREAM_ERROR);
	}
	if (!s->gone && s->finishing)
		stream_finish_step(s);
	if (s->gone && s->busy == 0)
		destroy(s);
}

int
stream_fd(const struct stream *s)
{
	return s->fd;
}

void
stream_become(struct stream *s, const struct stream_kind *kind, void *owner)
{
	s->kind = kind;
	s->owner = owner;
}

/* ---- pauses ---- */

void
stream_pause(struct stream *s)
{
	if (s->paused)
		return;
	s->paused = true;
	s->paused_ms = stream_loop_now_ms(s->loop);
	/* Only if octets do come is the descriptor taken out of the poll. */
}

void
stream_resume(struct stream *s)
{
	uint64_t slept;

	if (!s->paused || s->gone)
		return;
	s->paused = false;
	slept = stream_loop_now_ms(s->loop) - s->paused_ms;
	if (s->deadline_ms != 0)
		s->deadline_ms += slept;
	s->rate_since_ms += slept;
	stream_arm(s);
	if (s->ended)
		return;
	if (!s->reading) {
		event_add(&s->rd, NULL);
		s->reading = true;
	}
	if (s->kept_len > 0 && !s->offering) {
		s->kicked = true;
		event_active(&s->rd, EV_READ, 0);
	} else if (s->layer != NULL && !s->offering)
		stream_layer_kick(s);
}

bool
stream_paused(const struct stream *s)
{
	return s->paused;
}

size_t
stream_waiting(const struct stream *s)
{
	return s->kept_len;
}

uint64_t
stream_received(const struct stream *s)
{
	return s->received;
}
