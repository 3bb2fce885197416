/*
 * Time of a stream.  One timer serves all limits, and it is armed lazily:
 * moving a deadline further away costs nothing; the timer fires at the old
 * time, finds nothing due, and is armed anew.
 */
#include <errno.h>

#include "common/net/stream_private.h"

/* How often the rate is looked at after its grace. */
#define RATE_EVERY_MS	1000

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

static uint64_t
output_due(const struct stream *s)
{
	if (s->moved_ms == 0 || s->kind->output_ms <= 0)
		return 0;
	return s->moved_ms + (uint64_t)s->kind->output_ms;
}

static uint64_t
next_due(const struct stream *s, uint64_t now)
{
	uint64_t due = output_due(s);

	if (s->paused)
		return due;
	due = sooner(due, s->deadline_ms);
	if (s->rate != 0) {
		uint64_t at = s->rate_since_ms + s->grace_ms;

		due = sooner(due, at > now ? at : now + RATE_EVERY_MS);
	}
	return due;
}

void
stream_arm(struct stream *s)
{
	uint64_t now = stream_loop_now_ms(s->loop), due = next_due(s, now);
	struct timeval tv;

	if (due == 0 || s->gone || (s->timer_ms != 0 && s->timer_ms <= due))
		return;
	s->timer_ms = due;
	due = due > now ? due - now : 0;
	tv.tv_sec = (time_t)(due / 1000);
	tv.tv_usec = (suseconds_t)(due % 1000 * 1000);
	evtimer_add(&s->timer, &tv);
}

static bool
too_slow(const struct stream *s, uint64_t now)
{
	uint64_t elapsed = now - s->rate_since_ms;

	return s->rate != 0 && elapsed > s->grace_ms &&
	    (s->received - s->rate_from) * 1000 < s->rate * elapsed;
}

void
stream_timer(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	uint64_t now = stream_loop_now_ms(s->loop), out = output_due(s);

	(void)fd;
	(void)what;
	s->timer_ms = 0;
	/* The coarse clock may be a tick behind the timer's. */
	now += 8;
	if (out != 0 && now >= out) {
		/* A peer that does not read is not worth a word. */
		s->broken = ETIMEDOUT;
		event_del(&s->wr);
		stream_end(s, STREAM_TIMEOUT);
	} else if (!s->paused && s->deadline_ms != 0 && now >= s->deadline_ms) {
		if (s->shaking)
			s->broken = ETIMEDOUT;	/* no last word in clear */
		stream_end(s, s->shut ? STREAM_FINISHED : STREAM_TIMEOUT);
	} else if (!s->paused && too_slow(s, now))
		stream_end(s, STREAM_SLOW);
	else
		stream_arm(s);
	stream_settle(s);
}

void
stream_deadline(struct stream *s, unsigned ms)
{
	s->deadline_ms = ms == 0 ? 0 : stream_loop_now_ms(s->loop) + ms;
	/* Counted from the end of a pause, if there is one. */
	if (s->paused)
		s->paused_ms = stream_loop_now_ms(s->loop);
	stream_arm(s);
}

void
stream_min_rate(struct stream *s, unsigned rate, unsigned grace_ms)
{
	s->rate = rate;
	s->grace_ms = grace_ms;
	s->rate_since_ms = stream_loop_now_ms(s->loop);
	s->rate_from = s->received;
	if (rate != 0)
		stream_arm(s);
}
