#include <stdlib.h>

#include "common/message/content.h"
#include "common/message/scan.h"

static bool
is_token_char(int c)
{
	return c > ' ' && c != 127 && strchr("()<>@,;:\\\"/[]?=", c) == NULL;
}

static struct slice
take_token(struct scan *s)
{
	const char *start = s->at;

	while (is_token_char(scan_peek(s)))
		scan_skip(s);
	return slice_of(start, (size_t)(s->at - start));
}

/*
 * A value: quoted, or everything up to what must end it.  Programs forget the
 * quotes around file names with all sorts of characters in them.
 */
static struct slice
take_value(struct scan *s, struct text *out)
{
	const char *start = s->at;
	size_t from = out->len;
	int c;

	if (scan_peek(s) == '"') {
		scan_quoted(s, out);
		return text_since(out, from);
	}
	while ((c = scan_peek(s)) > ' ' && strchr(";\"(", c) == NULL)
		scan_skip(s);
	return slice_of(start, (size_t)(s->at - start));
}

static void
skip_to_semicolon(struct scan *s)
{
	struct text none = { 0 };
	int c;

	while (scan_cfws(s, NULL), (c = scan_peek(s)) != -1 && c != ';') {
		if (c == '"')
			scan_quoted(s, &none);
		else
			scan_skip(s);
	}
}

/*
 * RFC 2231 section 7: "name*2*" is base "name", section 2, extended.  What is
 * not of that form stays a name like any other.
 */
static void
split_name(struct content_param *p)
{
	struct slice n = p->name;
	unsigned long long section;
	const char *star;

	p->section = -1;
	if (n.len > 1 && n.at[n.len - 1] == '*') {
		p->extended = true;
		n.len--;
	}
	star = memchr(n.at, '*', n.len);
	if (star != NULL && star != n.at &&
	    slice_number(slice_skip(n, (size_t)(star - n.at) + 1),
		CONTENT_PARAMS_MAX, &section) == 0) {
		p->section = (int)section;
		n.len = (size_t)(star - n.at);
		p->name = n;
	} else if (p->extended)
		p->extended = false;	/* "name*=": complete as it is */
}

static bool
take_param(struct scan *s, struct text *scratch, struct content_param *p)
{
	*p = (struct content_param){ 0 };
	scan_skip(s);
	scan_cfws(s, NULL);
	p->name = take_token(s);
	scan_cfws(s, NULL);
	if (p->name.len == 0 || scan_peek(s) != '=')
		return false;
	scan_skip(s);
	scan_cfws(s, NULL);
	p->value = take_value(s, scratch);
	split_name(p);
	return true;
}

static int
by_name_and_section(const void *a, const void *b)
{
	const struct content_param *p = a, *q = b;
	size_t n = p->name.len < q->name.len ? p->name.len : q->name.len;
	int d = n > 0 ? strncasecmp(p->name.at, q->name.at, n) : 0;

	if (d == 0 && p->name.len != q->name.len)
		d = p->name.len < q->name.len ? -1 : 1;
	if (d == 0)
		d = p->section - q->section;
	return d != 0 ? d : p->order - q->order;
}

static int
by_order(const void *a, const void *b)
{
	const struct content_param *p = a, *q = b;

	return p->order - q->order;
}

/* A piece that is not encoded among others that are. */
static void
add_encoded(struct text *out, struct slice value)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.at[i];
		if (is_token_char(c) && strchr("*'%", c) == NULL && c < 128) {
			text_put(out, (char)c);
			continue;
		}
		text_put(out, '%');
		text_put(out, hex[c >> 4]);
		text_put(out, hex[c & 15]);
	}
}

/*
 * The pieces p[0] to p[n-1], sections 0 to n-1, into p[0].  Section 0 alone
 * names the charset (RFC 2231 section 4.1), so it decides what the whole is.
 */
static void
join(struct content_param *p, size_t n, struct text *out)
{
	size_t from = out->len;

	for (size_t i = 0; i < n; i++)
		if (p[0].extended && !p[i].extended)
			add_encoded(out, p[i].value);
		else
			text_add(out, p[i].value);
	p[0].value = text_since(out, from);
	from = out->len;
	text_add(out, p[0].name);
	if (p[0].extended)
		text_put(out, '*');
	p[0].name = text_since(out, from);
}

/* Pieces that lack an earlier one can mean nothing and are dropped. */
static void
join_continuations(struct content *c, struct text *scratch)
{
	struct content_param *p = c->params;
	size_t to = 0, n;

	qsort(p, c->params_len, sizeof(*p), by_name_and_section);
	for (size_t i = 0; i < c->params_len; i += n) {
		n = 1;
		if (p[i].section > 0)
			continue;
		if (p[i].section == 0) {
			while (i + n < c->params_len &&
			    p[i + n].section == (int)n &&
			    slice_equal_nocase(p[i + n].name, p[i].name))
				n++;
			join(&p[i], n, scratch);
		}
		p[to++] = p[i];
	}
	c->params_len = to;
	qsort(p, c->params_len, sizeof(*p), by_order);
}

enum parse
content_parse(struct slice body, struct text *scratch, struct content *c,
    size_t *steps)
{
	struct scan s = scan_of(body);
	bool continued = false;

	c->params_len = 0;
	c->subtype = (struct slice){ 0 };
	scan_cfws(&s, NULL);
	c->type = take_token(&s);
	scan_cfws(&s, NULL);
	if (scan_peek(&s) == '/') {
		scan_skip(&s);
		scan_cfws(&s, NULL);
		c->subtype = take_token(&s);
	}
	for (skip_to_semicolon(&s); !scan_end(&s); skip_to_semicolon(&s)) {
		struct content_param *p = &c->params[c->params_len];
		if (c->params_len == CONTENT_PARAMS_MAX)
			break;
		if (!take_param(&s, scratch, p))
			continue;
		p->order = (int)c->params_len++;
		continued |= p->section >= 0;
	}
	if (continued)
		join_continuations(c, scratch);
	if (steps != NULL)
		*steps += s.steps;
	return c->type.len > 0 ? PARSE_OK : PARSE_BAD;
}

struct slice
content_param(const struct content *c, struct slice name)
{
	for (size_t i = 0; i < c->params_len; i++)
		if (slice_equal_nocase(c->params[i].name, name))
			return c->params[i].value;
	return (struct slice){ 0 };
}
