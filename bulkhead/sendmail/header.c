/* Reading a header section, field by field. */
#include "bulkhead/sendmail/header.h"
#include "bulkhead/sendmail/recipients.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

enum { DROPPED = 1, TO = 2, RESENT_TO = 4 };

static const struct field {
	const char	*name;
	unsigned	 flags;
	size_t		 seen;	/* offset of a bool in struct header, or 0 */
} fields[] = {
	{ "From", 0, offsetof(struct header, has_from) },
	{ "To", TO, 0 },
	{ "Cc", TO, 0 },
	{ "Bcc", TO | DROPPED, 0 },
	{ "Resent-To", RESENT_TO, offsetof(struct header, has_resent) },
	{ "Resent-Cc", RESENT_TO, offsetof(struct header, has_resent) },
	{ "Resent-Bcc", RESENT_TO | DROPPED,
	    offsetof(struct header, has_resent) },
	{ "Return-Path", DROPPED, 0 },
};

int
text_add(struct text *t, struct slice more)
{
	size_t need = t->len + more.len, room = t->room;
	char *grown;

	if (need > SENDMAIL_HEADER_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	while (room < need)
		room = room == 0 ? 4096 : room * 2;
	if (room > t->room) {
		if ((grown = realloc(t->at, room)) == NULL)
			return -1;
		t->at = grown;
		t->room = room;
	}
	if (more.len > 0)
		memcpy(t->at + t->len, more.at, more.len);
	t->len = need;
	return 0;
}

void
text_clear(struct text *t)
{
	free(t->at);
	*t = (struct text){ 0 };
}

/* Octets of the field name at the front; 0 when the line is no field. */
static size_t
field_name_length(struct slice line)
{
	size_t n = 0, end;

	while (n < line.len && line.at[n] > ' ' && line.at[n] != ':' &&
	    line.at[n] < 0x7f)
		n++;
	/* obs: blanks before the colon (RFC 5322 section 4.5). */
	for (end = n; end < line.len &&
	    (line.at[end] == ' ' || line.at[end] == '\t'); end++)
		;
	return n > 0 && end < line.len && line.at[end] == ':' ? n : 0;
}

static const struct field *
field_of(struct slice name)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (slice_equal_nocase(name, slice_str(fields[i].name)))
			return &fields[i];
	return NULL;
}

static int
complain(int error)
{
	if (error == EMSGSIZE)
		return sendmail_fail(EX_DATAERR,
		    "the header section is longer than %d octets",
		    SENDMAIL_HEADER_MAX);
	return sendmail_fail(error == ENOMEM ? EX_OSERR : EX_IOERR,
	    "the message cannot be read: %s", strerror(error));
}

/* A whole field, lines with CRLF, stands at the end of h->kept. */
static int
field_end(struct header *h, size_t from, bool addresses)
{
	const struct field *f;
	struct slice all, body;
	size_t name_len;

	if (h->kept.len == from)
		return 0;
	all = slice_of(h->kept.at + from, h->kept.len - from);
	name_len = field_name_length(all);
	if ((f = field_of(slice_of(all.at, name_len))) == NULL)
		return 0;
	body = slice_skip(all, name_len);
	while (body.at[0] != ':')
		body = slice_skip(body, 1);
	body = slice_skip(body, 1);
	if (f->seen != 0)
		*(bool *)(void *)((char *)h + f->seen) = true;
	if (addresses && (f->flags & (TO | RESENT_TO)) != 0 &&
	    recipients_take(body, (f->flags & TO) != 0 ? &h->to :
							 &h->resent_to) !=
		PARSE_OK)
		return sendmail_fail(EX_DATAERR,
		    "the addresses of the %s field are not understood",
		    f->name);
	if ((f->flags & DROPPED) != 0)
		h->kept.len = from;
	return 0;
}

/* This line is the body's first. */
static int
body_begins(struct header *h, struct slice piece, bool last)
{
	h->body_follows = true;
	h->first_body_open = !last;
	if (text_add(&h->first_body, piece) == -1)
		return complain(errno);
	return 0;
}

static bool
continues(struct slice line, bool have_field)
{
	return have_field && line.len > 0 &&
	    (line.at[0] == ' ' || line.at[0] == '\t');
}

static bool
is_mbox_line(struct slice line)
{
	return slice_starts_nocase(line, SLICE_LITERAL("From ")) ||
	    slice_starts_nocase(line, SLICE_LITERAL(">From "));
}

static int
add_piece(struct header *h, struct slice piece, bool last)
{
	if (text_add(&h->kept, piece) == -1 ||
	    (last && text_add(&h->kept, SLICE_LITERAL("\r\n")) == -1))
		return complain(errno);
	return 0;
}

int
header_read(struct header *h, struct input *in, bool addresses)
{
	bool first, last, very_first = true, mbox = false, have_field = false;
	struct slice piece;
	size_t field = 0;	/* where the present one begins */
	int status = 0, got = 0;

	while (status == 0 &&
	    (got = input_piece(in, &piece, &first, &last)) == 1) {
		if (first)
			mbox = very_first && is_mbox_line(piece);
		very_first = false;
		if (mbox)
			continue;
		if (!first || continues(piece, have_field)) {
			status = add_piece(h, piece, last);
			continue;
		}
		if ((status = field_end(h, field, addresses)) != 0)
			return status;
		field = h->kept.len;
		have_field = true;
		if (piece.len == 0) {
			h->body_follows = true;
			return 0;
		}
		if (field_name_length(piece) == 0)
			return body_begins(h, piece, last);
		status = add_piece(h, piece, last);
	}
	if (status == 0 && got == -1)
		return complain(errno);
	return status != 0 ? status : field_end(h, field, addresses);
}

void
header_clear(struct header *h)
{
	text_clear(&h->kept);
	text_clear(&h->first_body);
	address_list_clear(&h->to);
	address_list_clear(&h->resent_to);
}
