#include "imapd/session/append_binary.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/message/downgrade.h"

enum { PIECE = 16 * 1024 };

struct binary_content {
	int		 fd;
	uint64_t	 len;
	char		 last;
	bool		 no_lines;	/* NUL, or CR or LF alone */
};

int
binary_content_begin(struct mailbox *mb, struct binary_content **out)
{
	struct binary_content *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return -1;
	b->fd = mailbox_temporary(mb);
	if (b->fd == -1) {
		free(b);
		return -1;
	}
	*out = b;
	return 0;
}

void
binary_content_free(struct binary_content *b)
{
	if (b == NULL)
		return;
	close(b->fd);
	free(b);
}

static void
look_at(struct binary_content *b, struct slice octets)
{
	for (size_t i = 0; i < octets.len; i++) {
		char c = octets.at[i];

		b->no_lines |= c == '\0' || (b->last == '\r') != (c == '\n');
		b->last = c;
	}
}

int
binary_content_add(struct binary_content *b, struct slice octets)
{
	look_at(b, octets);
	b->len += octets.len;
	while (octets.len > 0) {
		ssize_t n = write(b->fd, octets.at, octets.len);

		if (n == -1)
			return -1;
		octets = slice_skip(octets, (size_t)n);
	}
	return 0;
}

static ssize_t
read_at(void *ctx, uint64_t at, void *buf, size_t len)
{
	const struct binary_content *b = ctx;

	return pread(b->fd, buf, len, (off_t)at);
}

static int
copy(struct binary_content *b, struct append *to)
{
	char piece[PIECE];
	uint64_t at = 0;
	ssize_t n;

	while ((n = read_at(b, at, piece, sizeof(piece))) > 0) {
		if (folder_append_write(to, piece, (size_t)n) == -1)
			return -1;
		at += (uint64_t)n;
	}
	return n == -1 ? -1 : 0;
}

static int
convert(struct downgrade *d, struct append *to)
{
	char piece[PIECE];
	ssize_t n;

	while ((n = downgrade_next(d, piece, sizeof(piece))) > 0) {
		/* what is not in a body keeps its NULs */
		if (memchr(piece, '\0', (size_t)n) != NULL) {
			errno = EILSEQ;
			return -1;
		}
		if (folder_append_write(to, piece, (size_t)n) == -1)
			return -1;
	}
	return n == -1 ? -1 : 0;
}

int
binary_content_end(struct binary_content *b, struct append *to,
    const char **why)
{
	struct downgrade_source source = { read_at, b, b->len };
	struct downgrade *d;
	int r;

	*why = NULL;
	b->no_lines |= b->last == '\r';
	if (!b->no_lines)
		return copy(b, to);
	/* RFC 3516 section 4.4: but for encodings, content is never changed. */
	switch (downgrade_new(
	    &source, DOWNGRADE_KEEP_8BIT | DOWNGRADE_KEEP_OUTSIDE, &d)) {
	case DOWNGRADE_OK:
		break;
	case DOWNGRADE_FAILED:
		return -1;
	default:
		*why = "[UNKNOWN-CTE] a part of the message can neither stay "
		       "as it is nor be encoded";
		return -1;
	}
	r = convert(d, to);
	downgrade_free(d);
	if (r == -1 && errno == EILSEQ)
		*why = "[UNKNOWN-CTE] there is a NUL outside of all bodies";
	return r;
}
