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

/* At most two octets for each, and one that was held. */
static void
copy_lines(
    struct downgrade *d, struct slice in, bool seven_bit, struct text *out)
{
	for (size_t i = 0; i < in.len; i++) {
		char c = in.at[i];

		if (c == '\n') {
			put_line_end(d, out);
			continue;
		}
		settle_cr(d, out);
		if (c == '\r') {
			d->cr = true;
			continue;
		}
		c = c == '\0' ? '?' : c;
		text_put(out, seven_bit ? as_7bit(d, c) : c);
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
	d->dashes = true;
}

static void
finish_segment(struct downgrade *d, struct text *out)
{
	const struct segment *s = &d->segments[d->current++];

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
	d->cr = false;
}
