/* The inside of a stream, for stream.c, stream_output.c and stream_time.c. */
#ifndef COMMON_NET_STREAM_PRIVATE_H
#define COMMON_NET_STREAM_PRIVATE_H

#include <event2/event_struct.h>

#include "common/net/stream.h"

struct stream_loop {
	struct event_base *base;
	char		*scratch;	/* where all input arrives */
	size_t		 size;
};

struct stream {
	struct event	 rd, wr, timer;
	struct stream_loop *loop;
	const struct stream_kind *kind;
	void		*owner;

	char		*kept;		/* input the owner left; or NULL */
	size_t		 kept_len, kept_size;
	char		*out;		/* output not sent; or NULL */
	size_t		 out_at, out_len, out_size;

	uint64_t	 received;
	uint64_t	 deadline_ms;	/* 0: none */
	uint64_t	 moved_ms;	/* output waits since; 0: it does not */
	uint64_t	 rate_since_ms, rate_from;
	uint64_t	 paused_ms;	/* when the pause began */
	uint64_t	 timer_ms;	/* what the timer is armed for; 0: not */
	size_t		 discarded;	/* while finishing */

	const struct stream_layer *ops;	/* of layer */
	void		*layer;		/* NULL: clear text */
	unsigned	 rate, grace_ms, linger_ms;

	int		 fd;
	int		 broken;	/* errno of a failed send; 0: none */
	unsigned	 busy;		/* callbacks of this stream running */
	bool		 offering;	/* in input() */
	bool		 overflow;	/* too much output was asked for */
	bool		 reading;	/* rd is added */
	bool		 kicked;	/* rd was made active by us */
	bool		 paused;
	bool		 told_full;	/* the owner waits for drained() */
	bool		 eof;
	bool		 ended;		/* the owner was told of an end */
	bool		 finishing;
	bool		 shut;		/* our side is shut down */
	bool		 gone;		/* freed inside a callback */
	bool		 pulled;	/* the same, to read from the layer */
	bool		 shaking;	/* the layer's handshake is under way */
	bool		 halted;	/* it waits for stream_layer_wake() */
	bool		 read_to_write;	/* its receive waits for the socket to
					 * take output */
};

/* Tell the owner; from a callback of the event loop only. */
void stream_end(struct stream *, enum stream_end);
/* After every callback of the loop: send, and free what was given up. */
void stream_settle(struct stream *);
/* Have the loop look at the output soon. */
void stream_wake(struct stream *);
void stream_writable(evutil_socket_t, short, void *);
/* As send(2), through the layer where there is one. */
ssize_t stream_send(struct stream *, const void *, size_t);

/* ---- stream_layer.c; all but the first for a stream with a layer ---- */
void stream_layer_free(struct stream *);
/* A step of the handshake. */
void stream_shake(struct stream *);
/* recv(2) from the layer. */
ssize_t stream_layer_receive(struct stream *, void *, size_t);
/* Input waits that no event of the socket will tell of: come back for it. */
void stream_layer_kick(struct stream *);
/* Read and hand to the owner. */
void stream_receive(struct stream *);
/* Everything written and our side to be closed: go on with that. */
void stream_finish_step(struct stream *);
/* Throw away what comes while finishing. */
void stream_discard(struct stream *);

/* Arm the timer for whatever is due first, unless it fires sooner anyway. */
void stream_arm(struct stream *);
void stream_timer(evutil_socket_t, short, void *);

#endif
