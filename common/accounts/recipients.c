#include "common/accounts/recipients.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/accounts/username.h"

struct recipients_table {
	char			*text;
	struct relay_recipient	*rows;	/* ordered by domain, local */
	size_t			 count, room;
};

static int
add_row(void *ctx, struct slice line, unsigned number, bool indented,
    struct table_error *err)
{
	struct recipients_table *t = ctx;
	struct slice address;
	struct username name;

	(void)indented;
	table_field(&line, &address);
	if (address.len > 1 && address.at[0] == '@')
		return table_error_quote(err, number, address, "a whole "
		    "domain; write it into the table domains as relay "
		    "unchecked");
	if (address_plain_parse(address, &name) != PARSE_OK || name.domain.len == 0)
		return table_error_quote(err, number, address,
		    "not an address; write NAME@DOMAIN");
	if (line.len > 0)
		return table_error_quote(err, number, line,
		    "one word too many; write one address a line");
	if (table_grow((void **)&t->rows, &t->room, t->count,
	    sizeof(*t->rows), err) == -1)
		return -1;
	table_lower(address);
	t->rows[t->count++] = (struct relay_recipient){ name.local,
		name.domain, number };
	return 0;
}

static int
compare(const void *key, const void *row)
{
	const struct relay_recipient *x = key, *y = row;
	int c = table_compare(x->domain, y->domain);

	return c != 0 ? c : table_compare(x->local, y->local);
}

static int
order(const void *a, const void *b)
{
	const struct relay_recipient *x = a, *y = b;
	int c = compare(a, b);

	return c != 0 ? c : x->line < y->line ? -1 : x->line > y->line;
}

static int
refuse_twice(const struct recipients_table *t, struct table_error *err)
{
	for (size_t i = 1; i < t->count; i++) {
		const struct relay_recipient *r = &t->rows[i];

		if (compare(r, r - 1) == 0)
			return table_error_set(err, r->line, "this address "
			    "stands in line %u already; keep one of the two",
			    (r - 1)->line);
	}
	return 0;
}

struct recipients_table *
recipients_compile(struct slice text, struct table_error *err)
{
	struct recipients_table *t = calloc(1, sizeof(*t));

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
	recipients_free(t);
	return NULL;
}

void
recipients_free(struct recipients_table *t)
{
	if (t == NULL)
		return;
	free(t->rows);
	free(t->text);
	free(t);
}

const struct relay_recipient *
recipients_find(const struct recipients_table *t, struct slice local,
    struct slice domain)
{
	struct relay_recipient key = { local, domain, 0 };

	return table_search(t->rows, t->count, sizeof(*t->rows), &key,
	    compare);
}

size_t
recipients_count(const struct recipients_table *t)
{
	return t->count;
}

const struct relay_recipient *
recipients_at(const struct recipients_table *t, size_t i)
{
	return &t->rows[i];
}
