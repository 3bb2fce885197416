#include "common/mailbox/deliver_content.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mailbox/crlf.h"
#include "common/ipc/envelope.h"
#include "common/mailbox/dirs.h"
#include "common/message/downgrade.h"

enum {
	PIECE = 64 * 1024,	/* the first is searched for Delivered-To */
	FIELDS_MAX = 2 * DELIVERY_ADDRESS_MAX + 64
};

/* ---- loops ---- */

/* The line at the front, without its line end; false at the header's end. */
static bool
take_header_line(struct slice *in, struct slice *line)
{
	const char *lf = in->len > 0 ? memchr(in->at, '\n', in->len) : NULL;

	if (lf == NULL)
		return false;
	*line = slice_of(in->at, (size_t)(lf - in->at));
	*in = slice_skip(*in, line->len + 1);
	if (line->len > 0 && line->at[line->len - 1] == '\r')
		line->len--;
	return line->len > 0;
}

static struct slice
trim(struct slice s)
{
	while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t'))
		s = slice_skip(s, 1);
	while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		s.len--;
	return s;
}

bool
header_names_recipient(struct slice header, struct slice recipient)
{
	static const struct slice field = SLICE_LITERAL("Delivered-To:");
	struct slice line;

	while (take_header_line(&header, &line))
		if (slice_starts_nocase(line, field) && slice_equal_nocase(
		    trim(slice_skip(line, field.len)), recipient))
			return true;
	return false;
}

/* ---- the message as it is stored ---- */

static size_t
our_fields(const struct delivery *d, char to[FIELDS_MAX])
{
	return (size_t)snprintf(to, FIELDS_MAX,
	    "Return-Path: <%.*s>\nDelivered-To: %.*s\n",
	    (int)d->reverse_path.len, d->reverse_path.at,
	    (int)d->recipient.len, d->recipient.at);
}

static ssize_t
read_piece(const struct delivery *d, int fd, uint64_t at, char *to, size_t max)
{
	uint64_t left = d->content_size - at;
	ssize_t n;

	do
		n = pread(fd, to, left < max ? (size_t)left : max,
		    (off_t)(d->content_offset + at));
	while (n == -1 && errno == EINTR);
	if (n == 0) {
		errno = EBADMSG;
		return -1;
	}
	return n;
}

/* Full, unless it is the last. */
static ssize_t
fill_piece(const struct delivery *d, int fd, uint64_t at, char *to)
{
	uint64_t left = d->content_size - at;
	size_t want = left < PIECE ? (size_t)left : PIECE, len = 0;

	while (len < want) {
		ssize_t n = read_piece(d, fd, at + len, to + len, want - len);

		if (n == -1)
			return -1;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/*
 * The content piece by piece.  Binary content (RFC 3030) is no lines, and who
 * reads a mailbox reads lines: its binary parts become base64 or
 * quoted-printable, and the rest of it lines.
 */
struct source {
	const struct delivery	*d;
	int			 fd;
	uint64_t		 at;
	struct downgrade_source	 from;
	struct downgrade	*lines;		/* NULL: it has lines */
};

static ssize_t
read_source(void *ctx, uint64_t at, void *buf, size_t len)
{
	const struct source *s = ctx;

	return pread(s->fd, buf, len, (off_t)(s->d->content_offset + at));
}

static int
source_open(struct source *s, const struct delivery *d, int fd)
{
	*s = (struct source){ .d = d, .fd = fd };
	if ((d->flags & ENVELOPE_BINARYMIME) == 0)
		return 0;
	s->from = (struct downgrade_source){ read_source, s,
		d->content_size };
	switch (downgrade_new(&s->from, DOWNGRADE_KEEP_8BIT, &s->lines)) {
	case DOWNGRADE_OK:
		return 0;
	case DOWNGRADE_FAILED:
		return -1;
	default:
		errno = ENOTSUP;
		return -1;
	}
}

/* Up to PIECE octets, the first time as many as there are; 0: that was all. */
static ssize_t
source_next(struct source *s, char *to)
{
	size_t len = 0;
	ssize_t n = 0;

	if (s->lines == NULL) {
		n = fill_piece(s->d, s->fd, s->at, to);
		s->at += n > 0 ? (uint64_t)n : 0;
		return n;
	}
	while (PIECE - len >= DOWNGRADE_OUT_MIN &&
	    (n = downgrade_next(s->lines, to + len, PIECE - len)) > 0)
		len += (size_t)n;
	return n == -1 ? -1 : (ssize_t)len;
}

/* in holds PIECE octets, out as many and our fields. */
static int
render_source(struct source *s, char *in, char *out, content_sink *sink,
    void *ctx)
{
	struct crlf reduce = { false };
	size_t len = our_fields(s->d, out);
	bool first = true, ended = true;
	ssize_t n;

	while ((n = source_next(s, in)) > 0) {
		if (first && header_names_recipient(slice_of(in, (size_t)n),
		    s->d->recipient))
			return CONTENT_LOOPS;
		first = false;
		ended = in[n - 1] == '\n';
		len += crlf_reduce(&reduce, in, (size_t)n, out + len);
		if (sink(ctx, out, len) == -1)
			return -1;
		len = 0;
	}
	if (n == -1)
		return -1;
	if (crlf_reduce_end(&reduce))
		out[len++] = '\r';
	/* A message of lines came with its last line end. */
	if (s->lines != NULL && !ended)
		out[len++] = '\n';
	return len > 0 ? sink(ctx, out, len) : 0;
}

static int
render_into(const struct delivery *d, int fd, char *in, char *out,
    content_sink *sink, void *ctx)
{
	struct source s;
	int r, saved;

	if (source_open(&s, d, fd) == -1)
		return -1;
	r = render_source(&s, in, out, sink, ctx);
	saved = errno;
	downgrade_free(s.lines);
	errno = saved;
	return r;
}

int
content_render(const struct delivery *d, int fd, content_sink *sink, void *ctx)
{
	char *in = malloc(2 * PIECE + FIELDS_MAX + 2);
	int r, saved;

	if (in == NULL)
		return -1;
	r = render_into(d, fd, in, in + PIECE, sink, ctx);
	saved = errno;
	free(in);
	errno = saved;
	return r;
}

bool
content_has_loop(const struct delivery *d, int content_fd)
{
	char *in = malloc(PIECE);
	bool loop = false;
	ssize_t n;

	if (in == NULL)
		return false;
	/* A fault in the content will be met again, and reported, later. */
	n = fill_piece(d, content_fd, 0, in);
	if (n > 0)
		loop = header_names_recipient(slice_of(in, (size_t)n),
		    d->recipient);
	free(in);
	return loop;
}

struct writing {
	int		 fd;
	struct crlf	 expand;
	uint64_t	 size, crlf_size;
};

static int
write_sink(void *ctx, const char *octets, size_t len)
{
	struct writing *w = ctx;

	w->size += len;
	w->crlf_size += crlf_expanded_len(&w->expand, octets, len);
	return write_all(w->fd, octets, len);
}

int
content_write(const struct delivery *d, int content_fd, int fd,
    uint64_t *size, uint64_t *crlf_size)
{
	struct writing w = { .fd = fd };
	int r = content_render(d, content_fd, write_sink, &w);

	if (r != 0)
		return r;
	*size = w.size;
	*crlf_size = w.crlf_size;
	return 0;
}

struct comparing {
	int	fd;
	off_t	at;
};

static int
compare_sink(void *ctx, const char *octets, size_t len)
{
	struct comparing *c = ctx;
	char buffer[16384];

	while (len > 0) {
		ssize_t n = pread(c->fd, buffer,
		    len < sizeof(buffer) ? len : sizeof(buffer), c->at);

		if (n <= 0 || memcmp(buffer, octets, (size_t)n) != 0)
			return -1;
		c->at += n;
		octets += n;
		len -= (size_t)n;
	}
	return 0;
}

bool
content_agrees(const struct delivery *d, int content_fd, int fd)
{
	struct comparing c = { fd, 0 };
	char more;

	return content_render(d, content_fd, compare_sink, &c) == 0 &&
	    pread(fd, &more, 1, c.at) == 0;
}
