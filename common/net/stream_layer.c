/* The layer of a secured stream: its handshake, its input, its end. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/net/stream_private.h"

static void
drop_kept(struct stream *s)
{
	free(s->kept);
	s->kept = NULL;
	s->kept_len = s->kept_size = 0;
}

static void
want_read(struct stream *s, bool want)
{
	if (want == s->reading)
		return;
	if (want)
		event_add(&s->rd, NULL);
	else
		event_del(&s->rd);
	s->reading = want;
}

int
stream_secure(struct stream *s, const struct stream_layer *ops, void *layer)
{
	assert(s->layer == NULL && !s->finishing);
	stream_flush(s);
	if (stream_pending(s) > 0 || s->broken != 0)
		return -1;
	if (!s->offering)
		drop_kept(s);	/* else offer() drops what it holds */
	s->ops = ops;
	s->layer = layer;
	s->shaking = true;
	s->paused = false;
	s->rate = 0;
	/* A client speaks first, so the first step waits for nobody. */
	stream_layer_wake(s);
	return 0;
}

void
stream_layer_wake(struct stream *s)
{
	if (s->gone || !s->shaking)
		return;
	s->halted = false;
	event_active(&s->rd, EV_READ, 0);
}

bool
stream_is_secured(const struct stream *s)
{
	return s->layer != NULL && !s->shaking;
}

static void
secured(struct stream *s)
{
	s->shaking = false;
	want_read(s, true);
	s->busy++;
	s->kind->on.secured(s->owner);
	s->busy--;
}

void
stream_shake(struct stream *s)
{
	if (s->ended || s->finishing || s->broken != 0)
		return;
	if (s->halted) {
		want_read(s, false);	/* it would be told again and again */
		return;
	}
	switch (s->ops->handshake(s->layer)) {
	case STREAM_STEP_DONE:
		secured(s);
		break;
	case STREAM_STEP_READ:
		want_read(s, true);
		break;
	case STREAM_STEP_WRITE:
		want_read(s, false);
		event_add(&s->wr, NULL);
		break;
	case STREAM_STEP_WAIT:
		s->halted = true;
		break;
	case STREAM_STEP_FAILED:
		s->broken = EPROTO;
		stream_end(s, STREAM_INSECURE);
		break;
	}
}

ssize_t
stream_layer_receive(struct stream *s, void *at, size_t size)
{
	bool wants_write = false;
	ssize_t n = s->ops->receive(s->layer, at, size, &wants_write);

	s->read_to_write = wants_write;
	if (wants_write)
		event_add(&s->wr, NULL);
	return n;
}

void
stream_layer_kick(struct stream *s)
{
	if (s->gone || s->ended || s->shaking || s->paused || s->pulled ||
	    s->finishing || !s->ops->pending(s->layer))
		return;
	s->pulled = true;
	event_active(&s->rd, EV_READ, 0);
}

void
stream_layer_free(struct stream *s)
{
	if (s->layer != NULL)
		s->ops->free(s->layer);
	s->layer = NULL;
}
