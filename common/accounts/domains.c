#include "common/accounts/domains.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/accounts/username.h"

struct domains_table {
	char		*text;
	struct domain	*rows;		/* ordered by name */
	size_t		 count, room;
	struct slice	 first;		/* name of the default domain */
};

static const char *const kinds[] = {
	[DOMAIN_LOCAL] = "local",
	[DOMAIN_VIRTUAL] = "virtual",
	[DOMAIN_RELAY] = "relay",
	[DOMAIN_ALIAS] = "alias",
};

const char *
domain_kind_name(enum domain_kind kind)
{
	return kinds[kind];
}

static int
take_kind(struct slice *line, struct domain *d, struct table_error *err)
{
	struct slice field;

	d->kind = DOMAIN_LOCAL;
	if (!table_field(line, &field))
		return 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (slice_equal_nocase(field, slice_str(kinds[i]))) {
			d->kind = (enum domain_kind)i;
			return 0;
		}
	return table_error_quote(err, d->line, field, "not a kind of domain; "
	    "write local, virtual, relay or alias of DOMAIN");
}

/* What a kind has behind it: "unchecked", "of DOMAIN". */
static int
take_options(struct slice *line, struct domain *d, struct table_error *err)
{
	struct slice field;

	if (d->kind == DOMAIN_RELAY && line->len > 0) {
		table_field(line, &field);
		if (!slice_equal_nocase(field, SLICE_LITERAL("unchecked")))
			return table_error_quote(err, d->line, field, "not "
			    "known here; only unchecked may follow relay "
			    "(where its hosts are, routes says)");
		d->unchecked = true;
	}
	if (d->kind == DOMAIN_ALIAS) {
		if (!table_field(line, &field) ||
		    !slice_equal_nocase(field, SLICE_LITERAL("of")) ||
		    !table_field(line, &d->of) ||
		    !username_domain_valid(d->of))
			return table_error_quote(err, d->line, d->name,
			    "an alias of what? write DOMAIN alias of DOMAIN");
		table_lower(d->of);
	}
	return line->len == 0 ? 0 : table_error_quote(err, d->line, *line,
	    "one word too many; write DOMAIN [local | virtual | relay "
	    "[unchecked] | alias of DOMAIN]");
}

static int
add(struct domains_table *t, struct slice name, struct slice rest,
    unsigned line, struct table_error *err)
{
	struct domain d = { .name = name, .line = line };

	if (!username_domain_valid(name))
		return table_error_quote(err, line, name,
		    "not a domain; write a name such as example.org");
	if (take_kind(&rest, &d, err) == -1 ||
	    take_options(&rest, &d, err) == -1 ||
	    table_grow((void **)&t->rows, &t->room, t->count,
		sizeof(*t->rows), err) == -1)
		return -1;
	table_lower(name);
	if (t->first.len == 0 &&
	    (d.kind == DOMAIN_LOCAL || d.kind == DOMAIN_VIRTUAL))
		t->first = name;
	t->rows[t->count++] = d;
	return 0;
}

static int
add_row(void *ctx, struct slice line, unsigned number, bool indented,
    struct table_error *err)
{
	struct slice name;

	(void)indented;
	table_field(&line, &name);
	return add(ctx, name, line, number, err);
}

static int
order(const void *a, const void *b)
{
	const struct domain *x = a, *y = b;
	int c = table_compare(x->name, y->name);

	return c != 0 ? c : x->line < y->line ? -1 : x->line > y->line;
}

static int
refuse_twice(const struct domains_table *t, struct table_error *err)
{
	for (size_t i = 1; i < t->count; i++) {
		const struct domain *d = &t->rows[i], *before = d - 1;
		char what[96];

		if (!slice_equal(d->name, before->name))
			continue;
		if (before->line == 0)
			return table_error_quote(err, d->line, d->name,
			    "is this host's own name and the only domain for "
			    "its users; make it local");
		snprintf(what, sizeof(what), "stands in line %u already; "
		    "keep one of the two", before->line);
		return table_error_quote(err, d->line, d->name, what);
	}
	return 0;
}

static int
check_aliases(const struct domains_table *t, struct table_error *err)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct domain *d = &t->rows[i], *of;

		if (d->kind != DOMAIN_ALIAS)
			continue;
		of = domains_find(t, d->of);
		if (of == NULL)
			return table_error_quote(err, d->line, d->of,
			    "not in this table; an alias is of a domain that "
			    "has a line of its own here");
		if (of->kind == DOMAIN_ALIAS)
			return table_error_quote(err, d->line, d->of,
			    "an alias itself; name the domain that it is an "
			    "alias of");
	}
	return 0;
}

/* text and host name in one buffer of the table's own. */
static int
copy_texts(struct domains_table *t, struct slice text, struct slice host,
    struct table_error *err)
{
	if ((t->text = malloc(text.len + host.len + 1)) == NULL)
		return table_error_set(err, 0, "no memory for its %zu octets",
		    text.len);
	if (text.len > 0)
		memcpy(t->text, text.at, text.len);
	if (host.len > 0)
		memcpy(t->text + text.len, host.at, host.len);
	return 0;
}

static int
compile(struct domains_table *t, struct slice text, struct slice host,
    struct table_error *err)
{
	if (copy_texts(t, text, host, err) == -1 ||
	    table_rows(slice_of(t->text, text.len), add_row, t, err) == -1 ||
	    (t->first.len == 0 && add(t, slice_of(t->text + text.len,
		host.len), SLICE_LITERAL(""), 0, err) == -1))
		return -1;
	qsort(t->rows, t->count, sizeof(*t->rows), order);
	if (refuse_twice(t, err) == -1)
		return -1;
	return check_aliases(t, err);
}

struct domains_table *
domains_compile(struct slice text, struct slice host_name,
    struct table_error *err)
{
	struct domains_table *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		table_error_set(err, 0, "no memory");
		return NULL;
	}
	/* NOLINTNEXTLINE: copy_texts answers -1 for a t without its text */
	if (compile(t, text, host_name, err) == -1) {
		domains_free(t);
		return NULL;
	}
	return t;
}

void
domains_free(struct domains_table *t)
{
	if (t == NULL)
		return;
	free(t->rows);
	free(t->text);
	free(t);
}

static int
compare(const void *key, const void *row)
{
	return table_compare(*(const struct slice *)key,
	    ((const struct domain *)row)->name);
}

const struct domain *
domains_find(const struct domains_table *t, struct slice name)
{
	return table_search(t->rows, t->count, sizeof(*t->rows), &name,
	    compare);
}

const struct domain *
domains_resolve(const struct domains_table *t, struct slice name,
    const struct domain **written)
{
	*written = domains_find(t, name);
	return *written == NULL || (*written)->kind != DOMAIN_ALIAS ?
	    *written : domains_find(t, (*written)->of);
}

const struct domain *
domains_default(const struct domains_table *t)
{
	return domains_find(t, t->first);
}

size_t
domains_count(const struct domains_table *t)
{
	return t->count;
}
