#include "common/accounts/aliases.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/accounts/username.h"

struct aliases_table {
	char			*text;
	struct alias		*rows;		/* ordered by domain, local */
	size_t			 count, room;
	struct alias_target	*targets;	/* in the order of the file */
	size_t			 target_count, target_room;
};

static int
refuse_foreign(struct slice target, unsigned line, struct table_error *err)
{
	if (target.at[0] == '|' || target.at[0] == '/' ||
	    target.at[0] == '"')
		return table_error_quote(err, line, target, "files and "
		    "programs are not delivered to from here; name a user");
	if (slice_starts_nocase(target, SLICE_LITERAL(":include:")))
		return table_error_quote(err, line, target, "lists in other "
		    "files are not read; write the targets here, one a line "
		    "behind a blank");
	return table_error_quote(err, line, target, "not an address; write "
	    "NAME or NAME@DOMAIN with letters, digits and . _ - + = '");
}

static int
add_target(struct aliases_table *t, struct slice text, unsigned line,
    struct table_error *err)
{
	struct username name;

	if (username_parse(text, &name) != PARSE_OK)
		return refuse_foreign(text, line, err);
	if (table_grow((void **)&t->targets, &t->target_room, t->target_count,
	    sizeof(*t->targets), err) == -1)
		return -1;
	table_lower(name.domain);
	t->targets[t->target_count++] =
	    (struct alias_target){ name.local, name.domain, line };
	t->rows[t->count - 1].count++;
	return 0;
}

/* "target, target": empty ones are passed over, as at a line's end. */
static int
add_targets(struct aliases_table *t, struct slice list, unsigned line,
    struct table_error *err)
{
	while (list.len > 0) {
		const char *comma = memchr(list.at, ',', list.len);
		size_t n = comma == NULL ? list.len :
		    (size_t)(comma - list.at);
		struct slice one = table_trim(slice_of(list.at, n));

		if (one.len > 0 && add_target(t, one, line, err) == -1)
			return -1;
		list = slice_skip(list, comma == NULL ? n : n + 1);
	}
	return 0;
}

static int
parse_key(struct slice key, struct alias *a, struct table_error *err)
{
	struct username name;

	if (key.len > 1 && key.at[0] == '@') {
		name.local = slice_of(key.at, 0);
		name.domain = slice_skip(key, 1);
		if (!username_domain_valid(name.domain))
			return table_error_quote(err, a->line, key,
			    "not a domain; write @DOMAIN: TARGET");
	} else if (username_parse(key, &name) != PARSE_OK)
		return table_error_quote(err, a->line, key, "not an alias; "
		    "write NAME, NAME@DOMAIN or @DOMAIN before the colon");
	table_lower(key);
	a->local = name.local;
	a->domain = name.domain;
	return 0;
}

/*
 * The colon behind the key: not one inside an address literal.
 */
static const char *
find_colon(struct slice line)
{
	bool literal = false;

	for (size_t i = 0; i < line.len; i++) {
		if (line.at[i] == '[')
			literal = true;
		else if (line.at[i] == ']')
			literal = false;
		else if (line.at[i] == ':' && !literal)
			return line.at + i;
	}
	return NULL;
}

/* Does the last alias have a target?  Asked when it can get no more. */
static int
finish_row(const struct aliases_table *t, struct table_error *err)
{
	if (t->count == 0 || t->rows[t->count - 1].count > 0)
		return 0;
	return table_error_set(err, t->rows[t->count - 1].line,
	    "an alias without a target; write one behind the colon");
}

static int
parse_line(struct aliases_table *t, struct slice line, unsigned number,
    struct table_error *err)
{
	struct alias a = { .first = t->target_count, .line = number };
	const char *colon = find_colon(line);
	size_t n;

	if (finish_row(t, err) == -1)
		return -1;
	if (colon == NULL)
		return table_error_quote(err, number, line,
		    "no colon; write NAME: TARGET, TARGET");
	n = (size_t)(colon - line.at);
	if (parse_key(table_trim(slice_of(line.at, n)), &a, err) == -1 ||
	    table_grow((void **)&t->rows, &t->room, t->count,
		sizeof(*t->rows), err) == -1)
		return -1;
	t->rows[t->count++] = a;
	return add_targets(t, slice_skip(line, n + 1), number, err);
}

static int
parse_rows(struct aliases_table *t, struct slice text, struct table_error *err)
{
	struct table_reader reader;
	struct slice line;
	enum parse p;

	table_reader_init(&reader, text);
	while ((p = table_next(&reader, &line, err)) == PARSE_OK)
		if ((reader.indented && t->count > 0 ?
		    add_targets(t, line, reader.line, err) :
		    parse_line(t, line, reader.line, err)) == -1)
			return -1;
	return p == PARSE_BAD ? -1 : finish_row(t, err);
}

static int
compare_key(const struct alias *a, struct slice local, struct slice domain)
{
	int c = table_compare(a->domain, domain);

	return c != 0 ? c : table_compare(a->local, local);
}

static int
order(const void *a, const void *b)
{
	const struct alias *x = a, *y = b;
	int c = compare_key(x, y->local, y->domain);

	return c != 0 ? c : x->line < y->line ? -1 : x->line > y->line;
}

static int
refuse_twice(const struct aliases_table *t, struct table_error *err)
{
	for (size_t i = 1; i < t->count; i++) {
		const struct alias *a = &t->rows[i];

		if (compare_key(a, t->rows[i - 1].local,
		    t->rows[i - 1].domain) == 0)
			return table_error_set(err, a->line, "this alias "
			    "stands in line %u already; put all its targets "
			    "there", t->rows[i - 1].line);
	}
	return 0;
}

struct aliases_table *
aliases_compile(struct slice text, struct table_error *err)
{
	struct aliases_table *t = calloc(1, sizeof(*t));

	if (t == NULL || (t->text = malloc(text.len + 1)) == NULL) {
		table_error_set(err, 0, "no memory for its %zu octets",
		    text.len);
		goto fail;
	}
	if (text.len > 0)
		memcpy(t->text, text.at, text.len);
	if (parse_rows(t, slice_of(t->text, text.len), err) == -1)
		goto fail;
	if (t->count > 0)
		qsort(t->rows, t->count, sizeof(*t->rows), order);
	if (refuse_twice(t, err) == -1)
		goto fail;
	return t;
fail:
	aliases_free(t);
	return NULL;
}

void
aliases_free(struct aliases_table *t)
{
	if (t == NULL)
		return;
	free(t->targets);
	free(t->rows);
	free(t->text);
	free(t);
}

const struct alias *
aliases_find(const struct aliases_table *t, struct slice local,
    struct slice domain)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = compare_key(&t->rows[middle], local, domain);

		if (c == 0)
			return &t->rows[middle];
		if (c > 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

size_t
aliases_count(const struct aliases_table *t)
{
	return t->count;
}

const struct alias *
aliases_at(const struct aliases_table *t, size_t i)
{
	return &t->rows[i];
}

size_t
aliases_index(const struct aliases_table *t, const struct alias *a)
{
	return (size_t)(a - t->rows);
}

const struct alias_target *
aliases_target(const struct aliases_table *t, const struct alias *a, size_t i)
{
	return &t->targets[a->first + i];
}
