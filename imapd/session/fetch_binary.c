#include "imapd/session/fetch_binary.h"

#include <errno.h>
#include <unistd.h>

#include "imapd/session/fetch_body.h"
#include "imapd/session/session.h"

enum {
	PIECE = 4096,
	DECODED_MAX = 2 * PIECE + TRANSFER_HELD_MAX
};

enum parse
binary_begin(struct binary *b, const struct message_info *info, int fd,
    const struct fetch_item *item)
{
	const struct part_place *p = body_find_part(info, item->part,
	    item->part_len);

	*b = (struct binary){ .fd = fd };
	if (p == NULL)
		return PARSE_MORE;
	/* BINARY[] is the message as it is: it has no encoding itself */
	b->from = b->at = item->part_len == 0 ? p->header_at : p->body_at;
	b->end = p->end;
	if (item->part_len > 0) {
		if (p->encoding > TRANSFER_QUOTED_PRINTABLE)
			return PARSE_BAD;
		b->encoding = (enum transfer_encoding)p->encoding;
	}
	return PARSE_OK;
}

/*
 * The next decoded octets.  Line ends are CRLF before they are decoded: so those
 * of text come out as CRLF, and an encoded LF as what it is.
 */
static int
decode(struct binary *b, struct text *out)
{
	char in[PIECE], lines[2 * PIECE];
	size_t want = sizeof(in);
	ssize_t n;

	if (want > b->end - b->at)
		want = (size_t)(b->end - b->at);
	if (want == 0) {
		transfer_finish(b->encoding, &b->state, out);
		b->finished = true;
		return 0;
	}
	n = pread(b->fd, in, want, (off_t)b->at);
	if (n == 0)
		errno = ENODATA;	/* cut off under our hands */
	if (n <= 0)
		return -1;
	b->at += (uint64_t)n;
	transfer_decode(b->encoding, &b->state, slice_of(lines,
	    crlf_expand(&b->crlf, in, (size_t)n, lines)), out);
	return 0;
}

int
binary_measure(struct binary *b)
{
	char octets[DECODED_MAX];
	struct text out = text_in(octets, sizeof(octets));

	if (decode(b, &out) == -1)
		return -1;
	b->size += out.len;
	b->has_nul |= memchr(out.at, '\0', out.len) != NULL;
	return !b->finished;
}

void
binary_rewind(struct binary *b, const struct fetch_item *item)
{
	b->at = b->from;
	b->finished = false;
	b->state = (struct transfer_state){ 0 };
	b->crlf = (struct crlf){ false };
	b->left = b->size;
	if (!item->partial)
		return;
	b->skip = item->start < b->size ? item->start : b->size;
	b->left -= b->skip;
	if (b->left > item->len)
		b->left = item->len;
}

int
binary_piece(struct imap *s, struct binary *b)
{
	char octets[DECODED_MAX];
	struct text out = text_in(octets, sizeof(octets));
	struct slice rest;

	if (b->left == 0)
		return 0;
	if (b->finished) {
		errno = ENODATA;	/* shorter than it was */
		return -1;
	}
	if (decode(b, &out) == -1)
		return -1;
	rest = slice_skip(text_since(&out, 0),
	    b->skip < out.len ? (size_t)b->skip : out.len);
	b->skip -= out.len - rest.len;
	if (rest.len > b->left)
		rest.len = (size_t)b->left;
	imap_write(s, rest);
	b->left -= rest.len;
	return b->left > 0;
}
