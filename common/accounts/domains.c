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

static int
take_kind(struct slice *line, struct domain *d, struct table_error *err)
{
	struct slice field;

	if (!table_field(line, &field) ||
	    slice_equal_nocase(field, SLICE_LITERAL("local")))
		d->kind = DOMAIN_LOCAL;
	else if (slice_equal_nocase(field, SLICE_LITERAL("virtual")))
		d->kind = DOMAIN_VIRTUAL;
	else
		return table_error_quote(err, d->line, field,
		    "not a kind of domain; write local or virtual");
	return line->len == 0 ? 0 : table_error_quote(err, d->line, *line,
	    "one word too many; write DOMAIN [local|virtual]");
}

static int
add(struct domains_table *t, struct slice name, struct slice kind,
    unsigned line, struct table_error *err)
{
	struct domain d = { .name = name, .line = line };

	if (!username_domain_valid(name))
		return table_error_quote(err, line, name,
		    "not a domain; write a name such as example.org");
	if (take_kind(&kind, &d, err) == -1 ||
	    table_grow((void **)&t->rows, &t->room, t->count,
		sizeof(*t->rows), err) == -1)
		return -1;
	table_lower(name);
	if (t->count == 0)
		t->first = name;
	t->rows[t->count++] = d;
	return 0;
}

static int
parse_rows(struct domains_table *t, struct slice text,
    struct table_error *err)
{
	struct table_reader reader;
	struct slice line, name;
	enum parse p;

	table_reader_init(&reader, text);
	while ((p = table_next(&reader, &line, err)) == PARSE_OK) {
		table_field(&line, &name);
		if (add(t, name, line, reader.line, err) == -1)
			return -1;
	}
	return p == PARSE_BAD ? -1 : 0;
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
		char what[96];

		if (!slice_equal(t->rows[i].name, t->rows[i - 1].name))
			continue;
		snprintf(what, sizeof(what), "stands in line %u already; "
		    "keep one of the two", t->rows[i - 1].line);
		return table_error_quote(err, t->rows[i].line,
		    t->rows[i].name, what);
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
	if (copy_texts(t, text, host_name, err) == -1 ||
	    parse_rows(t, slice_of(t->text, text.len), err) == -1 ||
	    (t->count == 0 && add(t, slice_of(t->text + text.len,
		host_name.len), SLICE_LITERAL(""), 0, err) == -1))
		goto fail;
	if (t->count > 1)
		qsort(t->rows, t->count, sizeof(*t->rows), order);
	if (refuse_twice(t, err) == -1)
		goto fail;
	return t;
fail:
	domains_free(t);
	return NULL;
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

const struct domain *
domains_find(const struct domains_table *t, struct slice name)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = table_compare(name, t->rows[middle].name);

		if (c == 0)
			return &t->rows[middle];
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
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
