#include "imapd/session/deflate.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <zlib.h>

enum {
	WINDOW_BITS = -13,	/* raw; 32 KiB with the level below */
	MEMORY_LEVEL = 6,
	LEVEL = 3,
	INFLATE_BITS = -15,	/* whatever the client has */
	IN_SIZE = 4096,
	PIECE = 8192,		/* deflated at once */
	OUT_SIZE = PIECE + PIECE / 4	/* what it may become, flushed */
};

struct deflate {
	int		 fd;
	z_stream	 out, in;
	/* compressed, not yet sent; how much of the stream's it is */
	unsigned char	 out_at[OUT_SIZE];
	size_t		 out_from, out_len, out_stands_for;
	unsigned char	 in_at[IN_SIZE];
	bool		 more;		/* inflate stopped for want of room */
	bool		 ended;		/* the client has closed its stream */
	uint64_t	 in_octets, out_octets;	/* of the input */
};

struct deflate *
deflate_new(int fd)
{
	struct deflate *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->fd = fd;
	if (deflateInit2(&d->out, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
	    Z_DEFAULT_STRATEGY) != Z_OK) {
		free(d);
		return NULL;
	}
	if (inflateInit2(&d->in, INFLATE_BITS) != Z_OK) {
		deflateEnd(&d->out);
		free(d);
		return NULL;
	}
	return d;
}

void
deflate_free(struct deflate *d)
{
	deflateEnd(&d->out);
	inflateEnd(&d->in);
	free(d);
}

/* ---- input ---- */

static int
is_bomb(struct deflate *d, size_t n)
{
	d->out_octets += n;
	if (d->out_octets <= INFLATE_GRACE ||
	    d->out_octets - INFLATE_GRACE <= INFLATE_RATIO_MAX * d->in_octets)
		return 0;
	errno = EPROTO;
	return -1;
}

/* From what is in in_at to at.  0: that was not enough for an octet. */
static ssize_t
inflate_some(struct deflate *d, void *at, size_t size)
{
	size_t n;
	int r;

	d->in.next_out = at;
	d->in.avail_out = (uInt)size;
	r = inflate(&d->in, Z_SYNC_FLUSH);
	n = size - d->in.avail_out;
	d->more = d->in.avail_out == 0 || d->in.avail_in > 0;
	if (r == Z_STREAM_END)
		d->ended = true;
	else if (r != Z_OK && r != Z_BUF_ERROR) {
		errno = r == Z_MEM_ERROR ? ENOMEM : EPROTO;
		return -1;
	}
	return is_bomb(d, n) == -1 ? -1 : (ssize_t)n;
}

static ssize_t
layer_receive(void *layer, void *at, size_t size, bool *wants_write)
{
	struct deflate *d = layer;
	ssize_t n;

	(void)wants_write;
	for (;;) {
		if (d->more && !d->ended &&
		    (n = inflate_some(d, at, size)) != 0)
			return n;
		if (d->ended)
			return 0;
		d->more = false;
		n = recv(d->fd, d->in_at, IN_SIZE, 0);
		if (n <= 0)
			return n;
		d->in_octets += (uint64_t)n;
		d->in.next_in = d->in_at;
		d->in.avail_in = (uInt)n;
		d->more = true;
	}
}

static bool
layer_pending(const void *layer)
{
	const struct deflate *d = layer;

	return d->more || d->ended;
}

/* ---- output ---- */

/* 0: all that was compressed has been sent. */
static int
send_compressed(struct deflate *d)
{
	while (d->out_len > 0) {
		ssize_t n = send(d->fd, d->out_at + d->out_from, d->out_len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		d->out_from += (size_t)n;
		d->out_len -= (size_t)n;
	}
	return 0;
}

/* One piece, which the client will be able to read.  All of it fits. */
static void
compress_piece(struct deflate *d, const char *at, size_t len)
{
	d->out.next_in = (Bytef *)(uintptr_t)at;
	d->out.avail_in = (uInt)len;
	d->out.next_out = d->out_at;
	d->out.avail_out = OUT_SIZE;
	(void)deflate(&d->out, Z_SYNC_FLUSH);
	assert(d->out.avail_in == 0 && d->out.avail_out > 0);
	d->out_from = 0;
	d->out_len = OUT_SIZE - d->out.avail_out;
	d->out_stands_for = len;
}

/*
 * What has been compressed cannot be taken back: where the socket does not take
 * it, the stream keeps those octets and comes again with them in front, and then
 * they are known to be done.
 */
static ssize_t
layer_send(void *layer, const void *data, size_t len)
{
	struct deflate *d = layer;
	const char *at = data;
	size_t done = 0;

	for (;;) {
		if (send_compressed(d) == -1)
			break;
		done += d->out_stands_for;
		d->out_stands_for = 0;
		if (done >= len)
			return (ssize_t)done;
		compress_piece(d, at + done,
		    len - done < PIECE ? len - done : PIECE);
	}
	return done > 0 && errno == EAGAIN ? (ssize_t)done : -1;
}

/* ---- the rest of a layer ---- */

static enum stream_step
layer_handshake(void *layer)
{
	(void)layer;
	return STREAM_STEP_DONE;
}

static void
layer_close(void *layer)
{
	(void)layer;	/* the last flush left nothing inside */
}

static void
layer_free(void *layer)
{
	deflate_free(layer);
}

const struct stream_layer deflate_layer = {
	.handshake = layer_handshake, .receive = layer_receive,
	.send = layer_send, .pending = layer_pending, .close = layer_close,
	.free = layer_free,
};
