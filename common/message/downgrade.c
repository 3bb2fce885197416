/* What is to be done with a message, found out a step at a time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/message/downgrade_private.h"
#include "common/message/header.h"
#include "common/message/transfer.h"

enum {
	LINE_MAX_OCTETS = 998, /* RFC 5322 section 2.1.1, without CRLF */
	PART_COST = 64         /* of a part without any octet */
};

/* ---- segments ---- */

/* Behind the last one of the same kind it is that one. */
static int
add_segment(struct downgrade *d, const struct segment *s)
{
	struct segment *last = d->n > 0 ? &d->segments[d->n - 1] : NULL;

	if (s->to <= s->from)
		return 0;
	if (last != NULL && s->what <= SEVEN_BIT && last->what == s->what &&
	    last->to == s->from) {
		last->to = s->to;
		return 0;
	}
	if (d->n == DOWNGRADE_SEGMENTS_MAX) {
		d->too_many = true;
		return -1;
	}
	if (d->segments == NULL || d->n == d->size) {
		size_t size = d->size == 0 ? 16 : d->size * 2;
		struct segment *p = reallocarray(d->segments, size, sizeof(*p));

		if (p == NULL)
			return -1;
		d->segments = p;
		d->size = size;
	}
	d->segments[d->n++] = *s;
	return 0;
}

static int
add(struct downgrade *d, enum what what, uint64_t from, uint64_t to)
{
	if ((what == LINES || what == SEVEN_BIT) &&
	    (d->flags & DOWNGRADE_KEEP_OUTSIDE) != 0)
		what = COPY;
	else if (what == SEVEN_BIT && (d->flags & DOWNGRADE_KEEP_8BIT) != 0)
		what = LINES;
	return add_segment(d, &(struct segment){ what, from, to, NULL });
}

static int
add_text(struct downgrade *d, const char *text)
{
	return add_segment(d, &(struct segment){ TEXT, 0, strlen(text), text });
}

int
downgrade_read_all(
    const struct downgrade *d, uint64_t at, char *buf, size_t len)
{
	const struct downgrade_source *s = &d->source;

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

/* ---- what a body holds ---- */

static void
spend(struct planning *p, uint64_t n)
{
	p->budget = n < p->budget ? p->budget - (size_t)n : 0;
}

static void
look(struct planning *p, struct slice piece)
{
	struct nature *what = &p->nature;

	for (size_t i = 0; i < piece.len; i++) {
		char c = piece.at[i];

		what->eight_bit |= (unsigned char)c > 127;
		what->binary |= c == '\0' || (p->last == '\r') != (c == '\n');
		p->line = c == '\n' ? 0 : p->line + (c != '\r');
		what->binary |= p->line > LINE_MAX_OCTETS;
		p->last = c;
	}
}

/* One piece of it; DOWNGRADE_OK: its nature is known. */
static enum downgrade_verdict
look_further(struct downgrade *d, const struct mime_part *part)
{
	struct planning *p = &d->p;
	uint64_t left;
	size_t n;

	if (!p->looking) {
		p->looking = true;
		p->at = part->body.raw;
		p->line = 0;
		p->last = 'x';
	}
	left = part->raw_end > p->at ? part->raw_end - p->at : 0;
	if (left == 0 || (p->nature.eight_bit && p->nature.binary)) {
		p->nature.binary |= p->last == '\r';
		p->looking = false;
		return DOWNGRADE_OK;
	}
	n = left < DOWNGRADE_PIECE ? (size_t)left : DOWNGRADE_PIECE;
	if (downgrade_read_all(d, p->at, d->piece, n) == -1)
		return DOWNGRADE_FAILED;
	look(p, slice_of(d->piece, n));
	p->at += n;
	spend(p, n);
	return DOWNGRADE_MORE;
}

/* ---- what a part is ---- */

static bool
has_type(const struct mime *m, const struct mime_part *p, const char *type,
    const char *subtype)
{
	return slice_equal_nocase(mime_string(m, p->type.value),
	    slice_str(type)) && (subtype == NULL ||
	    slice_equal_nocase(mime_string(m, p->subtype),
		slice_str(subtype)));
}

/* What is in it is signed or encrypted as it is. */
static bool
protects(const struct mime *m, const struct mime_part *p)
{
	return p->kind == MIME_MULTIPART &&
	       (has_type(m, p, "multipart", "signed") ||
		   has_type(m, p, "multipart", "encrypted"));
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

static bool
keeps_8bit(const struct downgrade *d)
{
	return (d->flags & DOWNGRADE_KEEP_8BIT) != 0;
}

/* Does the field say more than the next host takes? */
static bool
says_too_much(const struct downgrade *d, const struct mime_part *p)
{
	struct slice encoding = mime_string(d->p.m, p->encoding);

	return encoding.at != NULL &&
	       (slice_equal_nocase(encoding, slice_str("binary")) ||
		   (!keeps_8bit(d) &&
		       slice_equal_nocase(encoding, slice_str("8bit"))));
}

static bool
is_message(const struct mime *m, const struct mime_part *p)
{
	return p->parent == MIME_NONE ||
	       m->parts[p->parent].kind == MIME_MESSAGE;
}

/* The first part behind p and all that is in it; they stand in their order. */
static uint32_t
part_behind(const struct mime *m, uint32_t i)
{
	uint32_t j = i + 1;

	while (j < m->parts_len && m->parts[j].depth > m->parts[i].depth)
		j++;
	return j;
}

/* ---- header sections ---- */

struct fresh_fields {
	const char *encoding; /* the whole field */
	bool mime, type;
};

static const char quoted_printable_field[] =
    "Content-Transfer-Encoding: quoted-printable\r\n";
static const char base64_field[] = "Content-Transfer-Encoding: base64\r\n";
static const char eight_bit_field[] = "Content-Transfer-Encoding: 8bit\r\n";
static const char seven_bit_field[] = "Content-Transfer-Encoding: 7bit\r\n";

static int
add_fresh(struct downgrade *d, const struct fresh_fields *fresh)
{
	if ((fresh->mime && add_text(d, "MIME-Version: 1.0\r\n") == -1) ||
	    (fresh->type && add_text(d, "Content-Type: text/plain; "
					"charset=unknown-8bit\r\n") == -1))
		return -1;
	return add_text(d, fresh->encoding);
}

/*
 * The header section, which is text, without the fields that are written
 * anew.  The empty line, if there is one, comes behind those.
 */
static int
rewrite_header(struct downgrade *d, const struct mime_part *p,
    struct slice text, const struct fresh_fields *fresh)
{
	uint64_t base = p->header.raw, kept = 0, end;
	struct slice rest = text;
	struct header_field f;

	while (header_next(&rest, &f)) {
		uint64_t at = (uint64_t)(f.whole.at - text.at);

		if (!slice_equal_nocase(f.name,
		    slice_str("Content-Transfer-Encoding")))
			continue;
		if (add(d, LINES, base + kept, base + at) == -1)
			return -1;
		kept = at + f.whole.len;
	}
	end = (uint64_t)(rest.at - text.at);
	if (end < kept)
		end = kept;
	if (add(d, LINES, base + kept, base + end) == -1 ||
	    (end > kept && text.at[end - 1] != '\n' &&
		add_text(d, "\r\n") == -1) ||
	    add_fresh(d, fresh) == -1)
		return -1;
	if (end == text.len)
		return add_text(d, "\r\n");
	return add(d, LINES, base + end, base + text.len);
}

/* Does a boundary, or the end of all, come before the empty line? */
static bool
is_cut_off(struct slice section)
{
	struct header_field f;

	while (header_next(&section, &f))
		;
	return section.len == 0;
}

/*
 * Not encoded: only its label is wrong.  That stays where a part has no body:
 * the empty line behind a new label would give one to a multipart, of what
 * comes behind the boundary.
 */
static int
new_header(struct downgrade *d, const struct mime_part *p, bool encode)
{
	size_t len = (size_t)(p->body.raw - p->header.raw);
	struct fresh_fields fresh = {
		.encoding = keeps_8bit(d) ? eight_bit_field : seven_bit_field
	};
	struct header_field f;
	struct slice section;
	char *text = malloc(len + 1);
	int r = -1;

	if (text == NULL ||
	    downgrade_read_all(d, p->header.raw, text, len) == -1)
		goto out;
	section = slice_of(text, len);
	if (!encode && p->parent != MIME_NONE && is_cut_off(section)) {
		r = add(d, LINES, p->header.raw, p->body.raw);
		goto out;
	}
	if (encode) {
		fresh.encoding = p->kind == MIME_TEXT ? quoted_printable_field
						      : base64_field;
		fresh.mime =
		    is_message(d->p.m, p) &&
		    !header_find(section, slice_str("MIME-Version"), &f);
		fresh.type =
		    is_message(d->p.m, p) &&
		    !header_find(section, slice_str("Content-Type"), &f);
	}
	r = rewrite_header(d, p, section, &fresh);
out:
	free(text);
	return r;
}

/* ---- parts ---- */

static enum downgrade_verdict
added(const struct downgrade *d, int r)
{
	if (r == 0)
		return DOWNGRADE_MORE;
	return d->too_many ? DOWNGRADE_TOO_COMPLEX : DOWNGRADE_FAILED;
}

/* What is before its header section, that, and its body if it is encoded. */
static int
add_part(struct downgrade *d, const struct mime_part *part, bool encode,
    bool relabel)
{
	struct planning *p = &d->p;

	if (add(d, SEVEN_BIT, p->planned, part->header.raw) == -1)
		return -1;
	if (p->planned < part->header.raw)
		p->planned = part->header.raw;
	if ((encode || relabel
		    ? new_header(d, part, encode)
		    : add(d, LINES, p->planned, part->body.raw)) == -1)
		return -1;
	if (p->planned < part->body.raw)
		p->planned = part->body.raw;
	if (!encode)
		return 0;
	p->planned = part->raw_end;
	return add(d, part->kind == MIME_TEXT ? QUOTED_PRINTABLE : BASE64,
	    part->body.raw, part->raw_end);
}

/* Its nature is known; it is in nothing that protects it. */
static enum downgrade_verdict
plan_part(struct downgrade *d, const struct mime_part *part)
{
	const struct mime *m = d->p.m;
	const struct nature *what = &d->p.nature;
	bool encode = what->binary || (what->eight_bit && !keeps_8bit(d));
	bool relabel = says_too_much(d, part);

	if (encode && !may_be_encoded(m, part))
		return DOWNGRADE_CANNOT;
	if ((encode || relabel) && part->header.raw < d->p.planned)
		return DOWNGRADE_TOO_COMPLEX;
	if (protects(m, part))
		d->p.protected_to = part_behind(m, d->p.part);
	return added(d, add_part(d, part, encode, relabel));
}

static enum downgrade_verdict
part_step(struct downgrade *d)
{
	struct planning *p = &d->p;
	const struct mime_part *part = &p->m->parts[p->part];
	enum downgrade_verdict v;

	if (p->part >= p->protected_to) {
		if ((is_leaf(part) || protects(p->m, part)) &&
		    (v = look_further(d, part)) != DOWNGRADE_OK)
			return v;
		if ((v = plan_part(d, part)) != DOWNGRADE_MORE)
			return v;
		spend(p, part->body.raw - part->header.raw);
	}
	spend(p, PART_COST);
	p->nature = (struct nature){ 0 };
	p->part++;
	return DOWNGRADE_MORE;
}

/* ---- all of it ---- */

static enum downgrade_verdict
parse_step(struct downgrade *d)
{
	struct planning *p = &d->p;
	uint64_t left = d->source.size - p->read;
	size_t n = left < DOWNGRADE_PIECE ? (size_t)left : DOWNGRADE_PIECE;

	if (n > 0) {
		if (downgrade_read_all(d, p->read, d->piece, n) == -1)
			return DOWNGRADE_FAILED;
		mime_feed(p->parser, slice_of(d->piece, n));
		p->read += n;
		spend(p, n);
		return DOWNGRADE_MORE;
	}
	if ((p->m = mime_finish(p->parser)) == NULL) {
		errno = ENOMEM;
		return DOWNGRADE_FAILED;
	}
	return p->m->limited ? DOWNGRADE_TOO_COMPLEX : DOWNGRADE_MORE;
}

static enum downgrade_verdict
step(struct downgrade *d)
{
	struct planning *p = &d->p;
	enum downgrade_verdict v;

	if (p->m == NULL)
		return parse_step(d);
	if (p->part < p->m->parts_len)
		return part_step(d);
	v = added(d, add(d, SEVEN_BIT, p->planned, d->source.size));
	return v == DOWNGRADE_MORE ? DOWNGRADE_OK : v;
}

static void
planning_clear(struct planning *p)
{
	mime_parser_free(p->parser);
	mime_free(p->m);
	p->parser = NULL;
	p->m = NULL;
}

enum downgrade_verdict
downgrade_plan(struct downgrade *d)
{
	enum downgrade_verdict v;
	int saved;

	d->p.budget = DOWNGRADE_STEP;
	while ((v = step(d)) == DOWNGRADE_MORE)
		if (d->p.budget == 0)
			return v;
	saved = errno;
	planning_clear(&d->p);
	errno = saved;
	return v;
}

struct downgrade *
downgrade_begin(const struct downgrade_source *source, unsigned flags)
{
	struct downgrade *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->source = *source;
	d->flags = flags;
	d->p.parser = mime_parser_new(&mime_default_limits);
	if (d->p.parser == NULL) {
		free(d);
		errno = ENOMEM;
		return NULL;
	}
	return d;
}

enum downgrade_verdict
downgrade_new(const struct downgrade_source *source, unsigned flags,
    struct downgrade **to)
{
	struct downgrade *d = downgrade_begin(source, flags);
	enum downgrade_verdict v =
	    d == NULL ? DOWNGRADE_FAILED : DOWNGRADE_MORE;
	int saved;

	while (v == DOWNGRADE_MORE)
		v = downgrade_plan(d);
	if (v == DOWNGRADE_OK) {
		*to = d;
		return v;
	}
	saved = errno;
	downgrade_free(d);
	errno = saved;
	return v;
}

size_t
downgrade_memory(const struct downgrade *d)
{
	return sizeof(*d) + d->size * sizeof(*d->segments);
}

void
downgrade_free(struct downgrade *d)
{
	if (d == NULL)
		return;
	planning_clear(&d->p);
	free(d->segments);
	free(d);
}
