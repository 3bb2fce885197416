#include "common/accounts/routes.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/accounts/username.h"

struct routes_table {
	char		*text;
	struct route	*rows;		/* ordered by from, pattern */
	size_t		 count, room;
};

/* ---- rows ---- */

static bool
pattern_valid(struct slice p)
{
	struct username name;

	if (p.len > 1 && p.at[0] == '.')
		return p.at[1] != '[' &&
		    username_domain_valid(slice_skip(p, 1));
	if (memchr(p.at, '@', p.len) != NULL)
		return address_plain_parse(p, &name) == PARSE_OK;
	return username_domain_valid(p);
}

static int
take_pattern(struct slice field, struct route *r, struct table_error *err)
{
	static const struct slice from = SLICE_LITERAL("from:");
	struct slice p = field;

	if (slice_starts_nocase(p, from)) {
		r->from = true;
		p = slice_skip(p, from.len);
	}
	if (!slice_equal(p, r->from ? SLICE_LITERAL("<>") :
	    SLICE_LITERAL("*")) && (p.len == 0 || !pattern_valid(p)))
		return table_error_quote(err, r->line, field, "not a pattern; "
		    "write USER@DOMAIN, DOMAIN, .DOMAIN, one of these behind "
		    "from:, or *");
	table_lower(p);
	r->pattern = p;
	return 0;
}

/* "5.7.1", of the class of the code. */
static bool
take_status(struct slice s, unsigned class, uint8_t enhanced[3])
{
	for (int i = 0; i < 3; i++) {
		const char *dot = memchr(s.at, '.', s.len);
		size_t n = dot == NULL ? s.len : (size_t)(dot - s.at);
		unsigned long long v;

		if ((dot == NULL) != (i == 2) ||
		    slice_number(slice_of(s.at, n), 255, &v) == -1)
			return false;
		enhanced[i] = (uint8_t)v;
		s = slice_skip(s, dot == NULL ? n : n + 1);
	}
	return enhanced[0] == class;
}

static bool
printable(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] < ' ' || s.at[i] > '~')
			return false;
	return true;
}

static int
take_error(struct slice rest, struct route *r, struct table_error *err)
{
	struct slice field, behind = rest;
	unsigned long long code;

	if (!table_field(&behind, &field) ||
	    slice_number(field, 599, &code) == -1 || code < 450)
		return table_error_quote(err, r->line, rest, "no reply code "
		    "from 450 to 599; write error CODE TEXT");
	r->code = (uint16_t)code;
	rest = behind;
	if (table_field(&behind, &field) && field.len > 2 &&
	    field.at[1] == '.' && take_status(field, (unsigned)code / 100,
	    r->enhanced))
		rest = behind;
	else
		memcpy(r->enhanced, (uint8_t[]){ (uint8_t)(code / 100), 7,
		    1 }, sizeof(r->enhanced));
	r->text = rest;
	if (rest.len == 0 || rest.len > ROUTE_TEXT_MAX || !printable(rest))
		return table_error_set(err, r->line, "an error wants 1 to %d "
		    "printable characters of text: why is it refused?",
		    ROUTE_TEXT_MAX);
	return 0;
}

static bool
name_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '.' || c == '_' ||
		    c == '-'))
			return false;
	}
	return s.len > 0 && s.len <= ROUTE_NAME_MAX;
}

static int
take_route(struct slice rest, struct route *r, struct table_error *err)
{
	struct slice name;

	if (!table_field(&rest, &name))
		return table_error_quote(err, r->line, r->pattern,
		    "goes where? write the name of a route, direct, or error "
		    "CODE TEXT behind it");
	if (slice_equal(name, SLICE_LITERAL("error")))
		return take_error(rest, r, err);
	if (slice_equal(name, SLICE_LITERAL("local")))
		return table_error_quote(err, r->line, name, "mail is local "
		    "by its domain; write the domain into the domains table");
	if (!name_valid(name))
		return table_error_quote(err, r->line, name, "not the name of "
		    "a route; letters, digits and . _ - are");
	if (rest.len > 0)
		return table_error_quote(err, r->line, rest,
		    "one word too many; write PATTERN ROUTE");
	r->name = slice_equal(name, SLICE_LITERAL("direct")) ?
	    slice_of(name.at, 0) : name;
	return 0;
}

static int
add_row(void *ctx, struct slice line, unsigned number, bool indented,
    struct table_error *err)
{
	struct routes_table *t = ctx;
	struct route r = { .line = number, .name = slice_of(line.at, 0),
		.text = slice_of(line.at, 0) };
	struct slice pattern;

	(void)indented;
	table_field(&line, &pattern);
	if (take_pattern(pattern, &r, err) == -1 ||
	    take_route(line, &r, err) == -1 ||
	    table_grow((void **)&t->rows, &t->room, t->count,
		sizeof(*t->rows), err) == -1)
		return -1;
	t->rows[t->count++] = r;
	return 0;
}

static int
compare(const void *key, const void *row)
{
	const struct route *x = key, *y = row;

	if (x->from != y->from)
		return x->from ? 1 : -1;
	return table_compare(x->pattern, y->pattern);
}

static int
order(const void *a, const void *b)
{
	const struct route *x = a, *y = b;
	int c = compare(a, b);

	return c != 0 ? c : x->line < y->line ? -1 : x->line > y->line;
}

static int
refuse_twice(const struct routes_table *t, struct table_error *err)
{
	for (size_t i = 1; i < t->count; i++) {
		const struct route *r = &t->rows[i];
		char what[96];

		if (compare(r, r - 1) != 0)
			continue;
		snprintf(what, sizeof(what), "stands in line %u already; "
		    "keep one of the two", (r - 1)->line);
		return table_error_quote(err, r->line, r->pattern, what);
	}
	return 0;
}

struct routes_table *
routes_compile(struct slice text, struct table_error *err)
{
	struct routes_table *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		table_error_set(err, 0, "no memory");
		return NULL;
	}
	if ((t->text = table_copy(text, err)) == NULL ||
	    table_rows(slice_of(t->text, text.len), add_row, t, err) == -1)
		goto fail;
	if (t->count > 0)
		qsort(t->rows, t->count, sizeof(*t->rows), order);
	if (refuse_twice(t, err) == -1)
		goto fail;
	return t;
fail:
	routes_free(t);
	return NULL;
}

void
routes_free(struct routes_table *t)
{
	if (t == NULL)
		return;
	free(t->rows);
	free(t->text);
	free(t);
}

/* ---- looking ---- */

static const struct route *
exact(const struct routes_table *t, struct slice pattern, bool from)
{
	struct route key = { .pattern = pattern, .from = from };

	return table_search(t->rows, t->count, sizeof(*t->rows), &key,
	    compare);
}

static const struct route *
by_mailbox(const struct routes_table *t, struct slice local,
    struct slice domain, bool from)
{
	char text[2 * USERNAME_MAX];

	if (local.len + 1 + domain.len > sizeof(text))
		return NULL;
	memcpy(text, local.at, local.len);
	text[local.len] = '@';
	memcpy(text + local.len + 1, domain.at, domain.len);
	return exact(t, slice_of(text, local.len + 1 + domain.len), from);
}

/* The domain, then ".parent" for each parent, the nearest first. */
static const struct route *
by_domain(const struct routes_table *t, struct slice domain, bool from)
{
	const struct route *r = exact(t, domain, from);

	if (domain.at[0] == '[')
		return r;
	while (r == NULL) {
		const char *dot = domain.len < 2 ? NULL :
		    memchr(domain.at + 1, '.', domain.len - 1);

		if (dot == NULL)
			return NULL;
		domain = slice_skip(domain, (size_t)(dot - domain.at));
		r = exact(t, domain, from);
	}
	return r;
}

static const struct route *
by_address(const struct routes_table *t, const struct route_address *a,
    bool from, char delimiter)
{
	const struct route *r = by_mailbox(t, a->local, a->domain, from);
	const char *mark = delimiter == '\0' || a->local.len == 0 ? NULL :
	    memchr(a->local.at, delimiter, a->local.len);

	if (r == NULL && mark != NULL)
		r = by_mailbox(t, slice_of(a->local.at,
		    (size_t)(mark - a->local.at)), a->domain, from);
	return r != NULL ? r : by_domain(t, a->domain, from);
}

const struct route *
routes_find(const struct routes_table *t, const struct route_address *to,
    const struct route_address *from, char delimiter)
{
	const struct route *r;

	if (t->count == 0)
		return NULL;
	if (to->domain.len > 0 &&
	    (r = by_address(t, to, false, delimiter)) != NULL)
		return r;
	r = from->domain.len == 0 ? exact(t, SLICE_LITERAL("<>"), true) :
	    by_address(t, from, true, delimiter);
	return r != NULL ? r : exact(t, SLICE_LITERAL("*"), false);
}

size_t
routes_count(const struct routes_table *t)
{
	return t->count;
}

const struct route *
routes_at(const struct routes_table *t, size_t i)
{
	return &t->rows[i];
}
