#include "imapd/session/render.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/message/address.h"

#define NIL ((struct slice){ 0 })

static void
add(struct buffer *b, const char *s)
{
	buffer_add_slice(b, slice_str(s));
}

void
buffer_add_slice(struct buffer *b, struct slice s)
{
	size_t size = b->size == 0 ? 512 : b->size;
	char *now;

	if (b->failed || s.len == 0)
		return;
	while (size - b->len < s.len)
		size *= 2;
	if (size != b->size) {
		if ((now = realloc(b->at, size)) == NULL) {
			b->failed = true;
			return;
		}
		b->at = now;
		b->size = size;
	}
	memcpy(b->at + b->len, s.at, s.len);
	b->len += s.len;
}

void
render_hide_nuls(char *at, size_t len)
{
	char *nul;

	while (len > 0 && (nul = memchr(at, '\0', len)) != NULL) {
		*nul = (char)0x80;
		len -= (size_t)(nul - at) + 1;
		at = nul + 1;
	}
}

static void
add_number(struct buffer *b, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	add(b, text);
}

static bool
fits_quoted(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < ' ' || s.at[i] == 127)
			return false;	/* 8-bit octets are negative */
	return s.len < 1000;
}

/* Quoted where RFC 3501 lets it, else a literal. */
static void
add_string(struct buffer *b, struct slice s)
{
	size_t from = 0;

	if (!fits_quoted(s)) {
		add(b, "{");
		add_number(b, s.len);
		add(b, "}\r\n");
		buffer_add_slice(b, s);
		return;
	}
	add(b, "\"");
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] == '"' || s.at[i] == '\\') {
			buffer_add_slice(b, slice_of(s.at + from, i - from));
			add(b, "\\");
			from = i;
		}
	buffer_add_slice(b, slice_skip(s, from));
	add(b, "\"");
}

void
buffer_add_nstring(struct buffer *b, struct slice s)
{
	if (s.at == NULL)
		add(b, "NIL");
	else
		add_string(b, s);
}

/* ---- the envelope ---- */

static void
add_address(struct buffer *b, enum address_kind kind, const struct address *a)
{
	if (kind == ADDRESS_GROUP_END) {
		add(b, "(NIL NIL NIL NIL)");
		return;
	}
	add(b, "(");
	buffer_add_nstring(b, kind == ADDRESS_GROUP ? NIL : a->name);
	add(b, " ");
	buffer_add_nstring(b, a->route);
	add(b, " ");
	buffer_add_nstring(b, kind == ADDRESS_GROUP ? a->name : a->mailbox);
	add(b, " ");
	buffer_add_nstring(b, a->domain);
	add(b, ")");
}

/* False when there is no address in it. */
static bool
add_addresses(struct buffer *b, struct slice field)
{
	size_t before = b->len;
	struct address_list l;
	enum address_kind kind;
	struct address a;
	char *scratch;
	bool any = false;

	if (field.len == 0 || (scratch = malloc(field.len)) == NULL)
		return false;
	address_list_init(&l, field, scratch, field.len);
	add(b, "(");
	while ((kind = address_next(&l, &a)) != ADDRESS_END) {
		add_address(b, kind, &a);
		any = true;
	}
	add(b, ")");
	if (!any)
		b->len = before;
	free(scratch);
	return any;
}

static void
add_envelope(const struct mime *m, const struct mime_envelope *e,
    struct buffer *b)
{
	struct slice f[ENVELOPE_FIELDS];

	for (int i = 0; i < ENVELOPE_FIELDS; i++)
		f[i] = mime_string(m, e->field[i]);
	add(b, "(");
	buffer_add_nstring(b, f[ENVELOPE_DATE]);
	add(b, " ");
	buffer_add_nstring(b, f[ENVELOPE_SUBJECT]);
	for (int i = ENVELOPE_FROM; i <= ENVELOPE_BCC; i++) {
		/* Without them, Sender and Reply-To are From. */
		bool from = i == ENVELOPE_SENDER || i == ENVELOPE_REPLY_TO;

		add(b, " ");
		if (!add_addresses(b, f[i]) &&
		    !(from && add_addresses(b, f[ENVELOPE_FROM])))
			add(b, "NIL");
	}
	add(b, " ");
	buffer_add_nstring(b, f[ENVELOPE_IN_REPLY_TO]);
	add(b, " ");
	buffer_add_nstring(b, f[ENVELOPE_MESSAGE_ID]);
	add(b, ")");
}

void
render_envelope(const struct mime *m, struct buffer *b)
{
	add_envelope(m, &m->envelopes[m->parts[0].envelope], b);
}

/* ---- the structure ---- */

static void
add_params(const struct mime *m, const struct mime_value *v, struct buffer *b)
{
	if (v->count == 0) {
		add(b, "NIL");
		return;
	}
	for (uint32_t i = 0; i < v->count; i++) {
		const struct mime_param *p = &m->params[v->first + i];

		add(b, i == 0 ? "(" : " ");
		add_string(b, mime_string(m, p->name));
		add(b, " ");
		add_string(b, mime_string(m, p->value));
	}
	add(b, ")");
}

static void
add_disposition(const struct mime *m, const struct mime_part *p,
    struct buffer *b)
{
	struct slice value = mime_string(m, p->disposition.value);

	if (value.at == NULL) {
		add(b, "NIL");
		return;
	}
	add(b, "(");
	add_string(b, value);
	add(b, " ");
	add_params(m, &p->disposition, b);
	add(b, ")");
}

/* RFC 3282: "en, de" */
static void
add_languages(struct slice list, struct buffer *b)
{
	size_t n = 0;

	if (list.at == NULL)
		list = SLICE_LITERAL("");
	for (size_t i = 0; i < list.len;) {
		size_t from = i;

		while (i < list.len && strchr(", \t", list.at[i]) == NULL)
			i++;
		if (i > from) {
			add(b, n++ == 0 ? "(" : " ");
			add_string(b, slice_of(list.at + from, i - from));
		}
		while (i < list.len && strchr(", \t", list.at[i]) != NULL)
			i++;
	}
	add(b, n == 0 ? "NIL" : ")");
}

static void
add_extension(const struct mime *m, const struct mime_part *p,
    struct buffer *b)
{
	add(b, " ");
	add_disposition(m, p, b);
	add(b, " ");
	add_languages(mime_string(m, p->language), b);
	add(b, " ");
	buffer_add_nstring(b, mime_string(m, p->location));
}

/*
 * What a part is shown as.  A multipart that has no part is text; a part past
 * a limit, or a type that promises structure it does not have, is octets.
 */
static void
add_type(const struct mime *m, const struct mime_part *p, struct buffer *b)
{
	struct slice type = mime_string(m, p->type.value);
	bool is_text = slice_equal_nocase(type, SLICE_LITERAL("text"));
	bool structured =
	    slice_equal_nocase(type, SLICE_LITERAL("multipart")) ||
	    slice_equal_nocase(type, SLICE_LITERAL("message"));

	if (p->kind == MIME_TEXT && !is_text) {
		add(b, "\"text\" \"plain\" (\"charset\" \"us-ascii\")");
		return;
	}
	if (p->kind == MIME_BASIC && (structured || type.at == NULL)) {
		add(b, "\"application\" \"octet-stream\" NIL");
		return;
	}
	add_string(b, type);
	add(b, " ");
	add_string(b, mime_string(m, p->subtype));
	add(b, " ");
	add_params(m, &p->type, b);
}

static void
add_fields(const struct mime *m, const struct mime_part *p, struct buffer *b)
{
	struct slice encoding = mime_string(m, p->encoding);

	add(b, "(");
	add_type(m, p, b);
	add(b, " ");
	buffer_add_nstring(b, mime_string(m, p->id));
	add(b, " ");
	buffer_add_nstring(b, mime_string(m, p->description));
	add(b, " ");
	add_string(b, encoding.at == NULL ? SLICE_LITERAL("7bit") : encoding);
	add(b, " ");
	add_number(b, p->octets);
}

/* What comes after the children, or is all there is. */
static void
close_part(const struct mime *m, const struct mime_part *p, bool extended,
    struct buffer *b)
{
	if (p->kind == MIME_MULTIPART) {
		add(b, " ");
		add_string(b, mime_string(m, p->subtype));
		if (extended) {
			add(b, " ");
			add_params(m, &p->type, b);
			add_extension(m, p, b);
		}
		add(b, ")");
		return;
	}
	if (p->kind != MIME_BASIC) {
		add(b, " ");
		add_number(b, p->lines);
	}
	if (extended) {
		add(b, " ");
		buffer_add_nstring(b, mime_string(m, p->md5));
		add_extension(m, p, b);
	}
	add(b, ")");
}

static void
open_part(const struct mime *m, const struct mime_part *p, struct buffer *b)
{
	if (p->kind == MIME_MULTIPART) {
		add(b, "(");
		return;
	}
	add_fields(m, p, b);
	if (p->kind != MIME_MESSAGE)
		return;
	add(b, " ");
	add_envelope(m, &m->envelopes[m->parts[p->first_child].envelope], b);
	add(b, " ");
}

void
render_structure(const struct mime *m, bool extended, struct buffer *b)
{
	const struct mime_part *p = &m->parts[0];

	for (;;) {
		open_part(m, p, b);
		if (p->first_child != MIME_NONE) {
			p = &m->parts[p->first_child];
			continue;
		}
		close_part(m, p, extended, b);
		while (p->next == MIME_NONE) {
			if (p->parent == MIME_NONE)
				return;
			p = &m->parts[p->parent];
			close_part(m, p, extended, b);
		}
		p = &m->parts[p->next];
	}
}
