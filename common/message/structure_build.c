#include <errno.h>
#include <stdlib.h>

#include "common/message/content.h"
#include "common/message/header.h"
#include "common/message/structure_build.h"

#define ABSENT ((struct mime_str){ MIME_NONE, 0 })

static const char *const envelope_names[ENVELOPE_FIELDS] = {
	"Date", "Subject", "From", "Sender", "Reply-To", "To", "Cc", "Bcc",
	"In-Reply-To", "Message-ID"
};

/* Room for one more; the arrays double. */
static bool
grow(struct mime_builder *b, void *array, uint32_t len, uint32_t *size,
    size_t element)
{
	void *now, **at = array;
	uint32_t want = *size == 0 ? 4 : *size * 2;

	if (len < *size)
		return true;
	if ((now = reallocarray(*at, want, element)) == NULL) {
		b->no_memory = true;
		return false;
	}
	*at = now;
	*size = want;
	return true;
}

/* Past the limit a string is absent, as if its field had not been there. */
static struct mime_str
keep(struct mime_builder *b, struct slice s)
{
	struct mime *m = b->mime;
	size_t size = m->strings_size == 0 ? 512 : m->strings_size;
	struct mime_str kept = { (uint32_t)m->strings_len, (uint32_t)s.len };
	char *now;

	if (s.at == NULL)
		return ABSENT;
	if (s.len > b->limits->strings - m->strings_len) {
		m->limited = true;
		return ABSENT;
	}
	while (size - m->strings_len < s.len)
		size *= 2;
	if (size != m->strings_size) {
		if ((now = realloc(m->strings, size)) == NULL) {
			b->no_memory = true;
			return ABSENT;
		}
		m->strings = now;
		m->strings_size = size;
	}
	if (s.len > 0)
		memcpy(m->strings + m->strings_len, s.at, s.len);
	m->strings_len += s.len;
	return kept;
}

uint32_t
mime_build_part(struct mime_builder *b, uint32_t parent,
    struct mime_place header)
{
	struct mime *m = b->mime;
	uint32_t i = m->parts_len;

	if (!grow(b, &m->parts, i, &m->parts_size, sizeof(*m->parts)))
		return MIME_NONE;
	m->parts[i] = (struct mime_part){
		.kind = MIME_TEXT, .parent = parent, .first_child = MIME_NONE,
		.last_child = MIME_NONE, .next = MIME_NONE,
		.envelope = MIME_NONE, .header = header, .body = header,
		.type.value = ABSENT, .subtype = ABSENT, .id = ABSENT,
		.description = ABSENT, .encoding = ABSENT, .md5 = ABSENT,
		.disposition.value = ABSENT, .language = ABSENT,
		.location = ABSENT,
	};
	m->parts_len++;
	if (parent == MIME_NONE)
		return i;
	m->parts[i].depth = m->parts[parent].depth + 1;
	if (m->parts[parent].first_child == MIME_NONE)
		m->parts[parent].first_child = i;
	else
		m->parts[m->parts[parent].last_child].next = i;
	m->parts[parent].last_child = i;
	return i;
}

static void
keep_params(struct mime_builder *b, const struct content *c,
    struct mime_value *v)
{
	struct mime *m = b->mime;

	v->first = m->params_len;
	v->count = 0;
	for (size_t i = 0; i < c->params_len; i++) {
		struct mime_param p = { keep(b, c->params[i].name),
			keep(b, c->params[i].value) };
		if (p.name.at == MIME_NONE || p.value.at == MIME_NONE ||
		    !grow(b, &m->params, m->params_len, &m->params_size,
			sizeof(p)))
			return;
		m->params[m->params_len++] = p;
		v->count++;
	}
}

/* RFC 2045 section 5.2, and RFC 2046 section 5.1.5 for a digest. */
static void
default_type(struct mime_builder *b, struct mime_part *p)
{
	struct mime *m = b->mime;
	const struct mime_part *up =
	    p->parent == MIME_NONE ? NULL : &m->parts[p->parent];

	if (up != NULL && up->kind == MIME_MULTIPART &&
	    slice_equal_nocase(mime_string(m, up->subtype),
		SLICE_LITERAL("digest"))) {
		p->kind = MIME_MESSAGE;
		p->type.value = keep(b, SLICE_LITERAL("message"));
		p->subtype = keep(b, SLICE_LITERAL("rfc822"));
		return;
	}
	p->kind = MIME_TEXT;
	p->type = (struct mime_value){ ABSENT, 0, 0 };
	p->subtype = ABSENT;
}

static enum mime_kind
kind_of(const struct content *c)
{
	if (slice_equal_nocase(c->type, SLICE_LITERAL("multipart")))
		return MIME_MULTIPART;
	if (slice_equal_nocase(c->type, SLICE_LITERAL("text")))
		return MIME_TEXT;
	if (slice_equal_nocase(c->type, SLICE_LITERAL("message")) &&
	    (slice_equal_nocase(c->subtype, SLICE_LITERAL("rfc822")) ||
		slice_equal_nocase(c->subtype, SLICE_LITERAL("global"))))
		return MIME_MESSAGE;
	return MIME_BASIC;
}

static struct slice
trim_end(struct slice s)
{
	while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		s.len--;
	return s;
}

static void
read_type(struct mime_builder *b, struct mime_part *p, struct content *c,
    struct mime_str *boundary)
{
	struct slice limit;

	p->kind = kind_of(c);
	if (c->subtype.len == 0) {	/* "Content-Type: text" */
		default_type(b, p);
		return;
	}
	limit = trim_end(content_param(c, SLICE_LITERAL("boundary")));
	if (p->kind == MIME_MULTIPART && limit.len == 0) {
		default_type(b, p);
		return;
	}
	p->type.value = keep(b, c->type);
	p->subtype = keep(b, c->subtype);
	keep_params(b, c, &p->type);
	if (p->kind == MIME_MULTIPART)
		*boundary = keep(b, limit);
}

/* What the field loop below carries around. */
struct reader {
	struct mime_builder	*b;
	struct mime_part	*part;
	struct mime_envelope	*envelope;	/* NULL where no message */
	struct mime_str		*boundary;
	struct text		 scratch;	/* four times the section */
	struct content		*content;
	bool			 have_type;
};

static struct mime_str
keep_unfolded(struct reader *r, struct slice body)
{
	r->scratch.len = 0;
	header_unfold(body, &r->scratch);
	return keep(r->b, text_since(&r->scratch, 0));
}

static void
read_content_field(struct reader *r, struct slice name, struct slice body)
{
	static const struct {
		const char	*name;
		size_t		 offset;
	} plain[] = {
		{ "ID", offsetof(struct mime_part, id) },
		{ "Description", offsetof(struct mime_part, description) },
		{ "MD5", offsetof(struct mime_part, md5) },
		{ "Language", offsetof(struct mime_part, language) },
		{ "Location", offsetof(struct mime_part, location) },
	};
	struct mime_part *p = r->part;

	r->scratch.len = 0;
	if (slice_equal_nocase(name, SLICE_LITERAL("Type"))) {
		if (!r->have_type && content_parse(body, &r->scratch,
		    r->content, &r->b->steps) == PARSE_OK)
			read_type(r->b, p, r->content, r->boundary);
		r->have_type = true;
		return;
	}
	if (slice_equal_nocase(name, SLICE_LITERAL("Disposition"))) {
		if (p->disposition.value.at == MIME_NONE &&
		    content_parse(body, &r->scratch, r->content,
			&r->b->steps) == PARSE_OK) {
			p->disposition.value = keep(r->b, r->content->type);
			keep_params(r->b, r->content, &p->disposition);
		}
		return;
	}
	if (slice_equal_nocase(name, SLICE_LITERAL("Transfer-Encoding"))) {
		if (p->encoding.at == MIME_NONE && content_parse(body,
		    &r->scratch, r->content, &r->b->steps) == PARSE_OK)
			p->encoding = keep(r->b, r->content->type);
		return;
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		struct mime_str *s =
		    (struct mime_str *)(void *)((char *)p + plain[i].offset);
		if (s->at == MIME_NONE &&
		    slice_equal_nocase(name, slice_str(plain[i].name)))
			*s = keep_unfolded(r, body);
	}
}

/* Of a field that stands there more often than allowed the first counts. */
static void
read_envelope_field(struct reader *r, struct slice name, struct slice body)
{
	for (int i = 0; i < ENVELOPE_FIELDS; i++) {
		struct mime_str *s = &r->envelope->field[i];
		if (s->at == MIME_NONE &&
		    slice_equal_nocase(name, slice_str(envelope_names[i]))) {
			*s = keep_unfolded(r, body);
			return;
		}
	}
}

static void
read_fields(struct reader *r, struct slice section)
{
	const struct slice content = SLICE_LITERAL("Content-");
	struct header_field f;

	while (header_next(&section, &f)) {
		r->b->steps += f.whole.len;
		if (slice_starts_nocase(f.name, content))
			read_content_field(r, slice_skip(f.name, content.len),
			    f.body);
		else if (r->envelope != NULL)
			read_envelope_field(r, f.name, f.body);
	}
}

static struct mime_envelope *
new_envelope(struct mime_builder *b, struct mime_part *p)
{
	struct mime *m = b->mime;
	struct mime_envelope *e;

	if (!grow(b, &m->envelopes, m->envelopes_len, &m->envelopes_size,
	    sizeof(*e)))
		return NULL;
	p->envelope = m->envelopes_len++;
	e = &m->envelopes[p->envelope];
	for (int i = 0; i < ENVELOPE_FIELDS; i++)
		e->field[i] = ABSENT;
	return e;
}

void
mime_build_header(struct mime_builder *b, uint32_t part, struct slice section,
    struct mime_str *boundary)
{
	struct mime_part *p = &b->mime->parts[part];
	struct reader r = { .b = b, .part = p, .boundary = boundary };
	size_t size = section.len * 4 + 1;
	char *scratch = malloc(size);

	*boundary = ABSENT;
	r.content = malloc(sizeof(*r.content));
	r.scratch = text_in(scratch, size);
	if (scratch == NULL || r.content == NULL)
		b->no_memory = true;
	else {
		if (p->parent == MIME_NONE ||
		    b->mime->parts[p->parent].kind == MIME_MESSAGE)
			r.envelope = new_envelope(b, p);
		default_type(b, p);
		read_fields(&r, section);
	}
	free(scratch);
	free(r.content);
}
