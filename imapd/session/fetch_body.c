#include "imapd/session/fetch_body.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "imapd/session/header_fields.h"
#include "imapd/session/render.h"
#include "imapd/session/session.h"

enum {
	PIECE = 4096,
	HEADER_MAX = 1024 * 1024	/* looked at for HEADER.FIELDS */
};

/* A message that is no multipart has one part, number 1: its body. */
const struct part_place *
body_find_part(const struct message_info *info, const uint32_t *number, size_t n)
{
	const struct part_place *at = &info->part[0];

	for (size_t i = 0; i < n; i++) {
		bool message = i == 0;
		uint32_t child;

		if (i > 0 && at->kind == MIME_MESSAGE) {
			at = &info->part[at->first_child];
			message = true;
		}
		if (at->kind != MIME_MULTIPART) {
			if (!message || number[i] != 1)
				return NULL;
			continue;
		}
		child = at->first_child;
		for (uint32_t k = 1; k < number[i] && child != MIME_NONE; k++)
			child = info->part[child].next;
		if (child == MIME_NONE)
			return NULL;
		at = &info->part[child];
	}
	return at;
}

/* HEADER and TEXT are of a message: the outer one, or one in a part. */
static const struct part_place *
find_message(const struct message_info *info, const struct fetch_item *item)
{
	const struct part_place *p = body_find_part(info, item->part,
	    item->part_len);

	if (item->part_len == 0 || p == NULL)
		return p;
	return p->kind == MIME_MESSAGE ? &info->part[p->first_child] : NULL;
}

/* Which octets of the file the section is. */
static void
place(struct body *b, const struct fetch_item *item, const struct part_place *p,
    bool whole)
{
	bool header =
	    item->text == SECTION_HEADER || item->text == SECTION_MIME;

	b->raw = header || whole ? p->header_at : p->body_at;
	b->end = header ? p->body_at : p->end;
	b->left =
	    (header || whole ? p->header_octets : 0) + (header ? 0 : p->octets);
}

static void
limit(struct body *b, const struct fetch_item *item)
{
	if (!item->partial)
		return;
	b->skip = item->start < b->left ? item->start : b->left;
	b->left -= b->skip;
	if (b->left > item->len)
		b->left = item->len;
	if (b->text_owned != NULL) {
		b->text = slice_skip(b->text, (size_t)b->skip);
		b->skip = 0;
	}
}

int
body_of_text(struct body *b, const struct fetch_item *item, struct buffer *out)
{
	if (out->failed) {
		free(out->at);
		errno = ENOMEM;
		return -1;
	}
	*b = (struct body){ .fd = -1,
		.text_owned = out->at,
		.text = slice_of(out->at, out->len),
		.left = out->len };
	limit(b, item);
	return 0;
}

/* The wanted fields and an empty line. */
static int
select_fields(struct body *b, const struct fetch_item *item,
    const struct part_place *p, int fd)
{
	uint64_t len = p->body_at - p->header_at;
	struct buffer out = { 0 };
	char *section;
	ssize_t n;

	if (len > HEADER_MAX)
		len = HEADER_MAX;
	if ((section = malloc(len + 1)) == NULL)
		return -1;
	if ((n = pread(fd, section, len, (off_t)p->header_at)) == -1) {
		free(section);
		return -1;
	}
	header_fields_add(&out, slice_of(section, (size_t)n),
	    (struct header_names){ item->names, item->names_len },
	    item->text == SECTION_FIELDS_NOT);
	buffer_add_slice(&out, SLICE_LITERAL("\r\n"));
	free(section);
	return body_of_text(b, item, &out);
}

int
body_begin(struct body *b, const struct message_info *info, int fd,
    const struct fetch_item *item, uint32_t uid, const struct body_place *last)
{
	bool fields = item->text == SECTION_FIELDS ||
	    item->text == SECTION_FIELDS_NOT;
	bool of_message = fields || item->text == SECTION_HEADER ||
	    item->text == SECTION_TEXT;
	const struct part_place *p = of_message ?
	    find_message(info, item) :
	    body_find_part(info, item->part, item->part_len);

	*b = (struct body){ .fd = fd, .uid = uid };
	if (p == NULL)
		return 0;
	if (fields)
		return select_fields(b, item, p, fd) == -1 ? -1 : 1;
	place(b, item, p, item->part_len == 0 && item->text == SECTION_ALL);
	limit(b, item);
	b->from = b->raw;
	if (last->uid == uid && last->from == b->from &&
	    last->octets <= b->skip) {
		b->raw = last->raw;
		b->octets = last->octets;
		b->crlf = last->crlf;
		b->skip -= last->octets;
	}
	return 1;
}

static int
text_piece(struct imap *s, struct body *b)
{
	imap_write(s, slice_of(b->text.at, (size_t)b->left));
	b->left = 0;
	return 0;
}

int
body_piece(struct imap *s, struct body *b)
{
	char in[PIECE], out[2 * PIECE];
	size_t want = PIECE, len, from;
	ssize_t n;

	if (b->left == 0)
		return 0;
	if (b->text_owned != NULL)
		return text_piece(s, b);
	if (want > b->end - b->raw)
		want = (size_t)(b->end - b->raw);
	n = pread(b->fd, in, want, (off_t)b->raw);
	if (n <= 0)
		return -1;
	s->body_place = (struct body_place){ b->uid, b->from, b->raw,
		b->octets, b->crlf };
	render_hide_nuls(in, (size_t)n);
	len = crlf_expand(&b->crlf, in, (size_t)n, out);
	b->raw += (uint64_t)n;
	b->octets += len;
	from = b->skip < len ? (size_t)b->skip : len;
	b->skip -= from;
	if (len - from > b->left)
		len = from + (size_t)b->left;
	imap_write(s, slice_of(out + from, len - from));
	b->left -= len - from;
	return b->left > 0;
}

void
body_end(struct body *b)
{
	free(b->text_owned);
	b->text_owned = NULL;
}
