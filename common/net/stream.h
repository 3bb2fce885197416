/*
 * A connection over a descriptor, buffered on both sides, that never blocks.
 * Built on libevent's core; one thread.
 *
 * Memory: an idle stream owns no buffer.  What arrives is read into one
 * buffer that all streams of a process share (struct stream_loop) and handed
 * to the owner there; only what the owner leaves is kept, and given back when
 * it has been used.  What is written is gathered and goes out in one call
 * when the owner returns to the loop.
 *
 * Time: one deadline for whatever the owner is waiting for (a command, the
 * whole of a message), one for output that does not move, and a floor under
 * the average rate of input.  They cost no timer call per octet.
 *
 * The owner's callbacks run only from the event loop, never from inside a call
 * of his into this module, so he may free the stream at any place.
 */
#ifndef COMMON_NET_STREAM_H
#define COMMON_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <event2/event.h>

struct stream;
struct stream_loop;

enum stream_end {
	STREAM_EOF,		/* the peer has closed its side */
	STREAM_ERROR,		/* the connection broke; errno says how */
	STREAM_OVERFLOW,	/* input_max octets and the owner took none, or
				 * output beyond twice output_max */
	STREAM_TIMEOUT,		/* the deadline, or output that did not move */
	STREAM_SLOW,		/* under the least rate */
	STREAM_INSECURE,	/* the layer of stream_secure() failed; nothing
				 * more can be said, least of all in clear */
	STREAM_FINISHED		/* after stream_finish(): all is written */
};

/* A word for the log: "eof", "error", ... */
const char *stream_end_name(enum stream_end);

struct stream_events {
	/*
	 * Octets that arrived and were not used yet, len > 0.  Returns how
	 * many are used; the rest comes again, in front of what follows.  The
	 * owner may change them in place.  He is called again at once while
	 * he uses some, leaves some, and is not paused, so taking one line
	 * per call is fine.  Pointers into the octets die with the return.
	 */
	size_t	(*input)(void *owner, char *at, size_t len);
	/* Output fell under half of output_max after stream_full().  May be
	 * NULL. */
	void	(*drained)(void *owner);
	/*
	 * What stream_secure() began is done: from here on all that comes and
	 * goes does so through the layer.  NULL where nothing is secured.
	 */
	void	(*secured)(void *owner);
	/*
	 * No more input will come.  After EOF, TIMEOUT and SLOW output is
	 * still possible.  The owner answers with stream_free(), now or
	 * later, or with stream_finish(), after which this is called once
	 * more: with STREAM_FINISHED, STREAM_TIMEOUT or STREAM_ERROR, and then
	 * only stream_free() is left.
	 */
	void	(*ended)(void *owner, enum stream_end);
};

/* What streams of one kind have in common; constant while one lives. */
struct stream_kind {
	struct stream_events	 on;
	size_t	input_max;	/* most octets kept for the owner */
	size_t	output_max;	/* stream_full() at this many */
	int	output_ms;	/* patience with a peer that does not read */
	/*
	 * Read up to the end of the line and no further (at the price of a
	 * second call per line), so that the descriptor can be handed to
	 * another process after any line.  Through a layer nothing can be read
	 * exactly: there only what is offered ends at a line end (and grows
	 * by whole lines while the owner uses none of it).
	 */
	bool	exact_lines;
};

/*
 * What all streams of an event base share: the reading buffer, size octets
 * (at least 4096).  NULL with errno.  Free it after its streams.
 */
struct stream_loop *stream_loop_new(struct event_base *, size_t size);
void stream_loop_free(struct stream_loop *);

/* Milliseconds of a clock that never goes back, as of this loop's turn. */
uint64_t stream_loop_now_ms(struct stream_loop *);

/*
 * Take over fd, which must be non-blocking; it is closed by stream_free().
 * kind and owner are borrowed.  Reading starts at once.  NULL with errno: fd is
 * still the caller's.
 */
struct stream *stream_new(struct stream_loop *, int fd,
    const struct stream_kind *kind, void *owner);

/* Close at once, dropping what is unsent.  NULL is fine. */
void stream_free(struct stream *);

/*
 * As stream_free(), but the descriptor is returned instead of closed (not
 * for a stream with a layer), and
 * octets that were read and not used are copied to ahead (at most *len; their
 * number comes back in *len).  Output is flushed first: -1 if the socket does not
 * take all of it, or if ahead is too small; the stream then lives on.  Inside
 * input() only for a kind with exact_lines, where all that was offered counts
 * as used.
 */
int stream_release(struct stream *, void *ahead, size_t *len);

int stream_fd(const struct stream *);
/* From now on the callbacks go to another kind or owner. */
void stream_become(struct stream *, const struct stream_kind *, void *owner);

/*
 * Append to the output.  It is copied and sent when the loop is reached (or
 * by stream_flush()).  Failures are told by ended(), never here.
 */
void stream_write(struct stream *, const void *, size_t len);
/*
 * The same for large pieces: what the socket takes is written directly and
 * only the rest is copied.
 */
void stream_writev(struct stream *, const struct iovec *, int n);
/* Send now what is waiting, as far as the socket takes it. */
void stream_flush(struct stream *);
/* Octets waiting to be sent. */
size_t stream_pending(const struct stream *);
/*
 * Output has failed, and what was not sent is lost: ended() will tell.  For an
 * owner to whom it matters whether his last octets were written.
 */
bool stream_broken(const struct stream *);
/* Stop producing: output_max octets wait.  drained() says when to go on. */
bool stream_full(struct stream *);

/*
 * No input() until resumed: the owner waits for somebody else.  The kernel's
 * buffer fills, and the peer is slowed down.  Neither deadline nor rate run
 * meanwhile.
 */
void stream_pause(struct stream *);
void stream_resume(struct stream *);
bool stream_paused(const struct stream *);

/*
 * A layer between the connection and its octets, such as TLS (common/tls).
 * Streams without one pay nothing for it, and need not link what it needs.
 * The stream calls it; it never calls the owner.
 */
enum stream_step {
	STREAM_STEP_DONE,
	STREAM_STEP_READ,	/* when the socket can be read, again */
	STREAM_STEP_WRITE,	/* when it can be written, again */
	STREAM_STEP_WAIT,	/* after stream_layer_wake(), again */
	STREAM_STEP_FAILED
};

struct stream_layer {
	/* The next step of the handshake, until it answers DONE or FAILED. */
	enum stream_step (*handshake)(void *layer);
	/*
	 * As recv(2) and send(2), non-blocking.  receive sets *wants_write
	 * where it can go on only when the socket takes output.
	 */
	ssize_t	(*receive)(void *layer, void *at, size_t size,
		    bool *wants_write);
	ssize_t	(*send)(void *layer, const void *at, size_t len);
	/* There may be input that the socket knows nothing of any more. */
	bool	(*pending)(const void *layer);
	/* Tell the peer that no more comes, as far as the socket takes it. */
	void	(*close)(void *layer);
	/* The stream has ended; its descriptor is still open. */
	void	(*free)(void *layer);
};

/*
 * Begin the handshake of a layer, which becomes the stream's.  What was
 * written before leaves in clear first.  Octets that came in clear and wait
 * are dropped, and of the input() that calls this everything counts as used:
 * nothing that arrived before the handshake is ever used after it (RFC 3207
 * section 4.2, RFC 2595 section 2.4).  No input() until secured(); what is
 * written meanwhile waits for it.  The handshake is held to stream_deadline().
 *
 * Returns -1 when what was written before cannot leave at once: the layer is
 * still the caller's, and the stream of no more use.
 */
int stream_secure(struct stream *, const struct stream_layer *ops,
    void *layer);
/* Go on after STREAM_STEP_WAIT; the step itself is taken by the event loop. */
void stream_layer_wake(struct stream *);
/* Is there a layer, and is its handshake done? */
bool stream_is_secured(const struct stream *);

/* Octets of input that wait for the owner. */
size_t stream_waiting(const struct stream *);

/* Time out this many milliseconds from now; 0: never.  Replaces the last. */
void stream_deadline(struct stream *, unsigned ms);
/*
 * From now on: after grace_ms, input must average at least rate octets per
 * second, counted from this call.  rate 0 ends it.
 */
void stream_min_rate(struct stream *, unsigned rate, unsigned grace_ms);
/* Input octets since stream_new(). */
uint64_t stream_received(const struct stream *);

/*
 * Write what is waiting, tell the peer that no more comes, and end.  Input is
 * thrown away from here on.  linger: wait up to linger_ms for the peer to
 * close first, so that a last reply is not destroyed by the reset that unread
 * input would cause; 0 where the peer has nothing more to say.
 */
void stream_finish(struct stream *, unsigned linger_ms);

#endif
