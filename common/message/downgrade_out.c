/* The converted message, piece by piece. */
#include <string.h>

#include "common/message/downgrade_private.h"

/* A CR that no LF followed is no line end. */
static void
settle_cr(struct downgrade *d, struct text *out)
{
	if (d->cr)
		text_put(out, ' ');
	d->cr = false;
}

static void
put_line_end(struct downgrade *d, struct text *out)
{
	text_add(out, SLICE_LITERAL("\r\n"));
	d->cr = false;
	d->column = 0;
	d->dashes = true;
}

/* A line that may be a boundary keeps what the boundary has. */
static char
as_7bit(struct downgrade *d, char c)
{
	if (d->column < 2) {
		d->column++;
		d->dashes &= c == '-';
	}
	return (unsigned char)c > 127 && !(d->column == 2 && d->dashes) ? '?'
									: c;
}

static void
copy_octet(struct downgrade *d, char c, bool seven_bit, struct text *out)
{
	if (c == '\n') {
		put_line_end(d, out);
		return;
	}
	settle_cr(d, out);
	if (c == '\r') {
		d->cr = true;
		return;
	}
	c = c == '\0' ? '?' : c;
	text_put(out, seven_bit ? as_7bit(d, c) : c);
}

/*
 * Is there anything in the line that another octet will take the place of?
 * Not the CRs at its end: they become spaces, which may be behind a boundary.
 */
static bool
is_spoiled(const struct downgrade *d)
{
	unsigned len = d->held;

	while (
	    len > 0 && (d->line[len - 1] == '\r' || d->line[len - 1] == ' ' ||
			   d->line[len - 1] == '\t'))
		len--;
	return memchr(d->line, '\0', len) != NULL ||
	       memchr(d->line, '\r', len) != NULL;
}

/* The line that was held; if it might become a boundary, it is made none. */
static void
release(struct downgrade *d, bool seven_bit, struct text *out)
{
	unsigned n = d->held;

	if (n == 0)
		return;
	if (n >= 2 && is_spoiled(d)) {
		settle_cr(d, out);
		text_put(out, '?');
		d->column = 2;
		d->dashes = false;
	}
	d->held = 0;
	for (unsigned i = 0; i < n; i++)
		copy_octet(d, d->line[i], seven_bit, out);
}

/* A line that begins with two hyphens is held, for it may be a boundary. */
static bool
hold(struct downgrade *d, char c)
{
	bool first = d->line_start;

	d->line_start = c == '\n';
	if (d->held == 0 ? !first || c != '-'
			 : c == '\n' || d->held == sizeof(d->line) ||
			       (d->held == 1 && c != '-'))
		return false;
	d->line[d->held++] = c;
	return true;
}

/* At most two octets for each, and a line that was held. */
static void
copy_lines(
    struct downgrade *d, struct slice in, bool seven_bit, struct text *out)
{
	for (size_t i = 0; i < in.len; i++) {
		if (hold(d, in.at[i]))
			continue;
		release(d, seven_bit, out);
		copy_octet(d, in.at[i], seven_bit, out);
	}
}

static void
begin_segment(struct downgrade *d, struct text *out)
{
	const struct segment *s = &d->segments[d->current];

	d->at = s->from;
	d->encoder = (struct encode_state){ 0 };
	if (s->what != LINES && s->what != SEVEN_BIT)
		settle_cr(d, out);
	d->column = 0;
	d->dashes = d->line_start = true;
}

static void
finish_segment(struct downgrade *d, struct text *out)
{
	const struct segment *s = &d->segments[d->current++];

	release(d, s->what == SEVEN_BIT, out);
	if (s->what == QUOTED_PRINTABLE)
		encode_quoted_printable_end(&d->encoder, out);
	else if (s->what == BASE64)
		encode_base64_end(&d->encoder, out);
	if (d->current == d->n)
		settle_cr(d, out);
	d->at = 0;
}

static void
convert(struct downgrade *d, enum what what, struct slice in, struct text *out)
{
	if (what == QUOTED_PRINTABLE)
		encode_quoted_printable(&d->encoder, in, out);
	else if (what == BASE64)
		encode_base64(&d->encoder, in, out);
	else if (what == COPY)
		text_add(out, in);
	else
		copy_lines(d, in, what == SEVEN_BIT, out);
}

static int
take(struct downgrade *d, const struct segment *s, size_t n, struct text *out)
{
	if (s->what == TEXT) {
		text_add(out, slice_of(s->text + d->at, n));
		d->at += n;
		return 0;
	}
	if (downgrade_read_all(d, d->at, d->piece, n) == -1)
		return -1;
	d->at += n;
	convert(d, s->what, slice_of(d->piece, n), out);
	return 0;
}

ssize_t
downgrade_next(struct downgrade *d, char *out, size_t size)
{
	struct text text = { .at = out, .size = size };
	size_t room = (size - 2 * ENCODE_ROOM) / 4;

	if (room > DOWNGRADE_PIECE)
		room = DOWNGRADE_PIECE;
	while (d->current < d->n &&
	       size - text.len >= 4 * room + 2 * ENCODE_ROOM) {
		const struct segment *s = &d->segments[d->current];
		uint64_t left;

		if (d->at == 0)
			begin_segment(d, &text);
		left = s->to - d->at;
		if (take(d, s, left < room ? (size_t)left : room, &text) == -1)
			return -1;
		if (d->at == s->to)
			finish_segment(d, &text);
	}
	return (ssize_t)text.len;
}

void
downgrade_rewind(struct downgrade *d)
{
	d->current = 0;
	d->at = 0;
	d->held = 0;
	d->cr = false;
}
