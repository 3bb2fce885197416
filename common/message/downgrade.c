#include "common/message/downgrade.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/message/encode.h"
#include "common/message/header.h"
#include "common/message/structure.h"
#include "common/message/transfer.h"

enum {
	PIECE = 65536,
	LINE_MAX_OCTETS = 998	/* RFC 5322 section 2.1.1, without CRLF */
};

enum what { COPY, TEXT, QUOTED_PRINTABLE, BASE64 };

/* What the result is made of, in its order. */
struct segment {
	enum what	what;
	uint64_t	from, to;	/* octets of the message */
	char		*text;		/* TEXT: owned */
};

struct downgrade {
	struct downgrade_source source;
	bool		 keep_8bit;
	struct segment	*segments;
	size_t		 n, size;
	/* where downgrade_next() is */
	size_t		 current;
	uint64_t	 at;
	struct encode_state encoder;
	char		*piece;
};

/* What a body holds. */
struct nature {
	bool	eight_bit;
	bool	binary;		/* no lines, or NUL in them */
};

/* ---- segments ---- */

static int
add(struct downgrade *d, enum what what, uint64_t from, uint64_t to,
    char *text)
{
	struct segment *p;

	if (to <= from && what != TEXT)
		return 0;
	if (d->n == d->size) {
		size_t size = d->size == 0 ? 16 : d->size * 2;

		p = reallocarray(d->segments, size, sizeof(*p));
		if (p == NULL) {
			free(text);
			return -1;
		}
		d->segments = p;
		d->size = size;
	}
	d->segments[d->n++] = (struct segment){ what, from, to, text };
	return 0;
}

static int
add_text(struct downgrade *d, const char *text)
{
	char *copy = strdup(text);

	return copy == NULL ? -1 : add(d, TEXT, 0, strlen(text), copy);
}

static int
read_all(const struct downgrade_source *s, uint64_t at, char *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = s->read(s->ctx, at, buf, len);

		if (n <= 0) {
			if (n == 0)
				errno = ENODATA;
			return -1;
		}
		buf += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* ---- what is to be done ---- */

static void
look(struct nature *what, uint64_t *line, char *last, struct slice piece)
{
	for (size_t i = 0; i < piece.len; i++) {
		char c = piece.at[i];

		what->eight_bit |= (unsigned char)c > 127;
		what->binary |= c == '\0' || (*last == '\r') != (c == '\n');
		*line = c == '\n' ? 0 : *line + (c != '\r');
		what->binary |= *line > LINE_MAX_OCTETS;
		*last = c;
	}
}

static int
nature_of(struct downgrade *d, const struct mime_part *p, struct nature *what)
{
	uint64_t at = p->body.raw, line = 0;
	char last = 'x';

	*what = (struct nature){ 0 };
	while (at < p->raw_end && !(what->eight_bit && what->binary)) {
		size_t n = p->raw_end - at < PIECE ?
		    (size_t)(p->raw_end - at) : PIECE;

		if (read_all(&d->source, at, d->piece, n) == -1)
			return -1;
		look(what, &line, &last, slice_of(d->piece, n));
		at += n;
	}
	what->binary |= last == '\r';
	return 0;
}

static bool
has_type(const struct mime *m, const struct mime_part *p, const char *type,
    const char *subtype)
{
	return slice_equal_nocase(mime_string(m, p->type.value),
	    slice_str(type)) && (subtype == NULL ||
	    slice_equal_nocase(mime_string(m, p->subtype),
		slice_str(subtype)));
}

/* Is one of those around it signed or encrypted as it is? */
static bool
is_protected(const struct mime *m, const struct mime_part *p)
{
	for (uint32_t i = p->parent; i != MIME_NONE; i = m->parts[i].parent)
		if (has_type(m, &m->parts[i], "multipart", "signed") ||
		    has_type(m, &m->parts[i], "multipart", "encrypted"))
			return true;
	return false;
}

static bool
is_leaf(const struct mime_part *p)
{
	return p->kind == MIME_BASIC || p->kind == MIME_TEXT;
}

/* RFC 2046 section 5.2: these are 7bit by definition. */
static bool
may_be_encoded(const struct mime *m, const struct mime_part *p)
{
	struct slice encoding = mime_string(m, p->encoding);

	return !has_type(m, p, "message", NULL) &&
	    !has_type(m, p, "multipart", NULL) && (encoding.at == NULL ||
	    transfer_encoding_of(encoding) == TRANSFER_IDENTITY);
}

/* Does the field say more than the next host takes? */
static bool
says_too_much(const struct downgrade *d, const struct mime *m,
    const struct mime_part *p)
{
	struct slice encoding = mime_string(m, p->encoding);

	return encoding.at != NULL &&
	    (slice_equal_nocase(encoding, slice_str("binary")) ||
		(!d->keep_8bit &&
		    slice_equal_nocase(encoding, slice_str("8bit"))));
}

/* ---- header sections ---- */

/* The header section without the fields that are written anew. */
static int
add_header(struct downgrade *d, const struct mime_part *p, const char *encoding,
    bool mime, bool type)
{
	uint64_t len = p->body.raw - p->header.raw, kept = 0;
	struct header_field f;
	struct slice rest;
	char line[96];
	char *text = malloc(len + 1);
	int r = -1;

	if (text == NULL || read_all(&d->source, p->header.raw, text, len) ==
	    -1)
		goto out;
	rest = slice_of(text, len);
	while (header_next(&rest, &f)) {
		uint64_t at = (uint64_t)(f.whole.at - text);

		if (!slice_equal_nocase(f.name,
		    slice_str("Content-Transfer-Encoding")))
			continue;
		if (add(d, COPY, p->header.raw + kept, p->header.raw + at,
		    NULL) == -1)
			goto out;
		kept = at + f.whole.len;
	}
	/* The empty line, if there is one, comes behind the new fields. */
	len = (uint64_t)(rest.at - text);
	if (len < kept)
		len = kept;
	snprintf(line, sizeof(line), "Content-Transfer-Encoding: %s\r\n",
	    encoding);
	if (add(d, COPY, p->header.raw + kept, p->header.raw + len, NULL) ==
	    -1 || (mime && add_text(d, "MIME-Version: 1.0\r\n") == -1) ||
	    (type && add_text(d, "Content-Type: text/plain; "
		"charset=unknown-8bit\r\n") == -1) ||
	    add_text(d, line) == -1)
		goto out;
	if (p->header.raw + len == p->body.raw)
		r = add_text(d, "\r\n");
	else
		r = add(d, COPY, p->header.raw + len, p->body.raw, NULL);
out:
	free(text);
	return r;
}

static bool
is_message(const struct mime *m, const struct mime_part *p)
{
	return p->parent == MIME_NONE ||
	    m->parts[p->parent].kind == MIME_MESSAGE;
}

/* Does the header section have that field? */
static int
has_field(struct downgrade *d, const struct mime_part *p, const char *name,
    bool *has)
{
	uint64_t len = p->body.raw - p->header.raw;
	struct header_field f;
	char *text = malloc(len + 1);
	int r;

	if (text == NULL)
		return -1;
	r = read_all(&d->source, p->header.raw, text, len);
	*has = r == 0 && header_find(slice_of(text, len), slice_str(name), &f);
	free(text);
	return r;
}

/* ---- parts ---- */

static int
encode_part(struct downgrade *d, const struct mime *m,
    const struct mime_part *p)
{
	bool text = p->kind == MIME_TEXT;
	bool mime = true, type = true;

	if (has_field(d, p, "MIME-Version", &mime) == -1 ||
	    has_field(d, p, "Content-Type", &type) == -1)
		return -1;
	if (add_header(d, p, text ? "quoted-printable" : "base64",
	    is_message(m, p) && !mime, is_message(m, p) && !type) == -1)
		return -1;
	return add(d, text ? QUOTED_PRINTABLE : BASE64, p->body.raw,
	    p->raw_end, NULL);
}

/* One part; *at is how far the message is planned. */
static enum downgrade_verdict
plan_part(struct downgrade *d, const struct mime *m, const struct mime_part *p,
    uint64_t *at)
{
	struct nature what = { 0 };
	bool encode;

	if (is_leaf(p) && nature_of(d, p, &what) == -1)
		return DOWNGRADE_FAILED;
	encode = what.binary || (what.eight_bit && !d->keep_8bit);
	if (encode && (is_protected(m, p) || !may_be_encoded(m, p)))
		return DOWNGRADE_CANNOT;
	if (!encode && (!says_too_much(d, m, p) || is_protected(m, p)))
		return DOWNGRADE_OK;
	if (p->header.raw < *at)
		return DOWNGRADE_TOO_COMPLEX;
	if (add(d, COPY, *at, p->header.raw, NULL) == -1)
		return DOWNGRADE_FAILED;
	*at = encode ? p->raw_end : p->body.raw;
	if ((encode ? encode_part(d, m, p) :
	    add_header(d, p, d->keep_8bit ? "8bit" : "7bit", false, false)) ==
	    -1)
		return DOWNGRADE_FAILED;
	return DOWNGRADE_OK;
}

static enum downgrade_verdict
plan_all(struct downgrade *d, const struct mime *m)
{
	enum downgrade_verdict v;
	uint64_t at = 0;

	if (m->limited)
		return DOWNGRADE_TOO_COMPLEX;
	for (uint32_t i = 0; i < m->parts_len; i++)
		if ((v = plan_part(d, m, &m->parts[i], &at)) != DOWNGRADE_OK)
			return v;
	return add(d, COPY, at, d->source.size, NULL) == 0 ? DOWNGRADE_OK :
	    DOWNGRADE_FAILED;
}

static struct mime *
parse(struct downgrade *d)
{
	struct mime_parser *parser = mime_parser_new(&mime_default_limits);
	struct mime *m = NULL;
	uint64_t at = 0;

	while (parser != NULL && at < d->source.size) {
		size_t n = d->source.size - at < PIECE ?
		    (size_t)(d->source.size - at) : PIECE;

		if (read_all(&d->source, at, d->piece, n) == -1)
			goto out;
		mime_feed(parser, slice_of(d->piece, n));
		at += n;
	}
	if (parser != NULL && (m = mime_finish(parser)) == NULL)
		errno = ENOMEM;
out:
	mime_parser_free(parser);
	return m;
}

enum downgrade_verdict
downgrade_new(const struct downgrade_source *source, bool keep_8bit,
    struct downgrade **to)
{
	struct downgrade *d = calloc(1, sizeof(*d));
	enum downgrade_verdict v = DOWNGRADE_FAILED;
	struct mime *m;

	if (d == NULL)
		return v;
	d->source = *source;
	d->keep_8bit = keep_8bit;
	if ((d->piece = malloc(PIECE)) != NULL && (m = parse(d)) != NULL) {
		v = plan_all(d, m);
		mime_free(m);
	}
	if (v == DOWNGRADE_OK)
		*to = d;
	else
		downgrade_free(d);
	return v;
}

void
downgrade_free(struct downgrade *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n; i++)
		free(d->segments[i].text);
	free(d->segments);
	free(d->piece);
	free(d);
}

/* ---- the result ---- */

static void
begin_segment(struct downgrade *d)
{
	d->at = d->segments[d->current].from;
	d->encoder = (struct encode_state){ 0 };
}

static void
finish_segment(struct downgrade *d, struct text *out)
{
	const struct segment *s = &d->segments[d->current++];

	if (s->what == QUOTED_PRINTABLE)
		encode_quoted_printable_end(&d->encoder, out);
	else if (s->what == BASE64)
		encode_base64_end(&d->encoder, out);
	d->at = 0;
}

static int
take(struct downgrade *d, const struct segment *s, size_t n, struct text *out)
{
	if (s->what == TEXT) {
		text_add(out, slice_of(s->text + d->at, n));
		d->at += n;
		return 0;
	}
	if (read_all(&d->source, d->at, d->piece, n) == -1)
		return -1;
	d->at += n;
	switch (s->what) {
	case QUOTED_PRINTABLE:
		encode_quoted_printable(&d->encoder, slice_of(d->piece, n),
		    out);
		break;
	case BASE64:
		encode_base64(&d->encoder, slice_of(d->piece, n), out);
		break;
	default:
		text_add(out, slice_of(d->piece, n));
	}
	return 0;
}

ssize_t
downgrade_next(struct downgrade *d, char *out, size_t size)
{
	struct text text = { .at = out, .size = size };
	size_t room = (size - 2 * ENCODE_ROOM) / 4;

	if (room > PIECE)
		room = PIECE;
	while (d->current < d->n && size - text.len >= 4 * room + ENCODE_ROOM) {
		const struct segment *s = &d->segments[d->current];
		uint64_t left;

		if (d->at == 0)
			begin_segment(d);
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
}
