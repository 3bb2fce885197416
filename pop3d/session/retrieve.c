#include "pop3d/session/retrieve.h"

#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 8192 };

struct retrieve_piece {
	char raw[PIECE];
	char text[2 * PIECE + SMTP_STUFF_END_MAX]; /* as it is sent */
	size_t len;                                /* of text */
};

void
retrieve_begin(struct retrieve *r, int fd, long lines, bool mask)
{
	struct retrieve_piece *piece = r->piece;

	retrieve_end(r);
	*r = (struct retrieve){ .fd = fd,
		.active = true,
		.top = lines >= 0,
		.lines = lines >= 0 ? (unsigned long)lines : 0,
		.mask = mask,
		.piece = piece };
	if (piece != NULL)
		piece->len = 0;
}

static void
end_file(struct retrieve *r)
{
	if (!r->ended)
		close(r->fd);
	r->ended = true;
}

void
retrieve_end(struct retrieve *r)
{
	if (r->active)
		end_file(r);
	r->active = false;
}

void
retrieve_clear(struct retrieve *r)
{
	retrieve_end(r);
	free(r->piece);
	r->piece = NULL;
}

/*
 * Header and body, line by line: how much of the piece TOP lets through (*end
 * when nothing follows), and the header's octets masked.
 */
static size_t
follow(struct retrieve *r, char *at, size_t len, bool *end)
{
	for (size_t i = 0; i < len; i++) {
		if (at[i] != '\n') {
			if (r->in_body && r->top && r->lines == 0) {
				*end = true;
				return i;
			}
			if (at[i] != '\r')
				r->line_len++;
			if (r->mask && !r->in_body && (at[i] & 0x80) != 0)
				at[i] = '?';
			continue;
		}
		if (r->in_body && r->top) {
			if (r->lines == 0) {
				*end = true;
				return i;
			}
			r->lines--;
		} else if (!r->in_body && r->line_len == 0)
			r->in_body = true;
		r->line_len = 0;
	}
	return len;
}

/*
 * A whole piece, or all there is.  Only an empty read is the end: behind a
 * short one there may be an error.
 */
static ssize_t
fill(int fd, char *to, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(fd, to + len, size - len)) != 0) {
		if (n == -1)
			return -1;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int
retrieve_prepare(struct retrieve *r)
{
	struct retrieve_piece *p = r->piece;
	bool end = false;
	ssize_t n;
	size_t len;

	if (p == NULL)
		p = r->piece = calloc(1, sizeof(*p));
	if (p == NULL)
		return -1;
	if (p->len > 0)
		return 0;
	n = fill(r->fd, p->raw, PIECE);
	if (n == -1)
		return -1;
	len = (size_t)n;
	if (r->top || (r->mask && !r->in_body))
		len = follow(r, p->raw, len, &end);
	p->len = smtp_stuff_stored(&r->stuff, slice_of(p->raw, len), p->text);
	if (n < PIECE || end) {
		p->len += smtp_stuff_end(&r->stuff, p->text + p->len);
		end_file(r);
	}
	return 0;
}

int
retrieve_send(struct retrieve *r, struct stream *out)
{
	if (retrieve_prepare(r) == -1)
		return -1;
	stream_write(out, r->piece->text, r->piece->len);
	r->piece->len = 0;
	if (!r->ended)
		return 1;
	retrieve_end(r);
	return 0;
}
