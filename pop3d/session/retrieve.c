#include "pop3d/session/retrieve.h"

#include <unistd.h>

enum { PIECE = 8192 };

void
retrieve_begin(struct retrieve *r, int fd, long lines, bool mask)
{
	*r = (struct retrieve){ .fd = fd, .active = true, .top = lines >= 0,
		.lines = lines >= 0 ? (unsigned long)lines : 0, .mask = mask };
}

void
retrieve_end(struct retrieve *r)
{
	if (r->active)
		close(r->fd);
	r->active = false;
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

static void
send_stuffed(struct retrieve *r, struct stream *out, struct slice in)
{
	char stuffed[2 * PIECE];

	while (in.len > 0) {
		size_t n = smtp_stuff(&r->stuff, &in, stuffed,
		    sizeof(stuffed));

		stream_write(out, stuffed, n);
	}
}

int
retrieve_piece(struct retrieve *r, struct stream *out)
{
	char raw[PIECE], lines[2 * PIECE], end_text[SMTP_STUFF_END_MAX];
	bool end = false;
	ssize_t n = read(r->fd, raw, sizeof(raw));
	size_t len;

	if (n == -1)
		return -1;
	len = (size_t)n;
	if (r->top || (r->mask && !r->in_body))
		len = follow(r, raw, len, &end);
	len = crlf_expand(&r->crlf, raw, len, lines);
	send_stuffed(r, out, slice_of(lines, len));
	if (n > 0 && !end)
		return 1;
	stream_write(out, end_text, smtp_stuff_end(&r->stuff, end_text));
	retrieve_end(r);
	return 0;
}
