#include "common/accounts/aliases.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/accounts/aliases_private.h"
#include "common/accounts/username.h"

/* What stands where a target should, and is none. */
static int
refuse_target(struct slice target, unsigned line, struct table_error *err)
{
	return table_error_quote(err, line, target, "not an address; write "
	    "NAME, NAME@DOMAIN or :include:LIST");
}

int
aliases_add_target(struct aliases_table *t, const struct alias_target *target,
    struct table_error *err)
{
	if (table_grow((void **)&t->targets, &t->target_room, t->target_count,
	    sizeof(*t->targets), err) == -1)
		return -1;
	t->targets[t->target_count++] = *target;
	t->rows[t->count - 1].count++;
	return 0;
}

int
aliases_parse_target(const struct aliases_table *t, struct slice text,
    unsigned line, bool list, struct alias_target *target,
    struct table_error *err)
{
	struct username name;

	*target = (struct alias_target){ .line = line };
	if (aliases_is_program(text))
		return aliases_parse_program(t, text, list, target, err);
	if (address_plain_parse(text, &name) != PARSE_OK)
		return refuse_target(text, line, err);
	table_lower(name.domain);
	target->local = name.local;
	target->domain = name.domain;
	return 0;
}

/* "@a: @b": the local-part goes along. */
static int
add_domain_target(struct aliases_table *t, struct slice text, unsigned line,
    struct table_error *err)
{
	struct alias *a = &t->rows[t->count - 1];
	struct alias_target target = { .local = slice_of(text.at, 0),
		.domain = slice_skip(text, 1), .line = line };

	if (!username_domain_valid(target.domain))
		return refuse_target(text, line, err);
	if (a->local.len > 0)
		return table_error_quote(err, line, text, "a whole domain "
		    "stands for another one only, @DOMAIN: @DOMAIN; write "
		    "NAME@DOMAIN");
	table_lower(target.domain);
	a->maps = true;
	return aliases_add_target(t, &target, err);
}

static int
add_target(struct aliases_table *t, struct slice text, unsigned line,
    struct table_error *err)
{
	static const struct slice include = SLICE_LITERAL(":include:");
	struct alias_target target;

	if (slice_starts_nocase(text, include)) {
		text = table_trim(slice_skip(text, include.len));
		if (aliases_list_name_valid(text))
			return aliases_include(t, text, line, err);
		return table_error_quote(err, line, text, "not the name of a "
		    "list; write :include:NAME, and put the file into the "
		    "directory lists");
	}
	if (text.len > 1 && text.at[0] == '@')
		return add_domain_target(t, text, line, err);
	return aliases_parse_target(t, text, line, false, &target, err) == -1 ? -1 :
	    aliases_add_target(t, &target, err);
}

bool
aliases_cut_target(struct slice *list, struct slice *target)
{
	while (list->len > 0) {
		const char *comma;
		size_t n = 0;

		*list = table_trim(*list);
		/* A comma in quotes divides nothing. */
		if (list->len > 0 && list->at[0] == '"')
			n = aliases_quoted_len(*list);
		comma = n == list->len ? NULL :
		    memchr(list->at + n, ',', list->len - n);
		n = comma == NULL ? list->len : (size_t)(comma - list->at);
		*target = table_trim(slice_of(list->at, n));
		*list = slice_skip(*list, comma == NULL ? n : n + 1);
		if (target->len > 0)
			return true;
	}
	return false;
}

static int
add_targets(struct aliases_table *t, struct slice list, unsigned line,
    struct table_error *err)
{
	struct slice one;

	while (aliases_cut_target(&list, &one))
		if (add_target(t, one, line, err) == -1)
			return -1;
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

/* Does the last alias have a target?  Asked when it can get no more.  An
 * empty list is no fault: a club may have no members yet. */
static int
finish_row(const struct aliases_table *t, struct table_error *err)
{
	const struct alias *a = t->count == 0 ? NULL : &t->rows[t->count - 1];

	if (a == NULL || a->count > 0 || a->broken || t->included)
		return 0;
	return table_error_set(err, a->line,
	    "an alias without a target; write one behind the colon");
}

static int
begin_row(struct aliases_table *t, struct slice line, unsigned number,
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
	t->included = false;
	return add_targets(t, slice_skip(line, n + 1), number, err);
}

static int
add_line(void *ctx, struct slice line, unsigned number, bool indented,
    struct table_error *err)
{
	struct aliases_table *t = ctx;

	return indented && t->count > 0 ?
	    add_targets(t, line, number, err) :
	    begin_row(t, line, number, err);
}

static int
compare(const void *key, const void *row)
{
	const struct alias *x = key, *y = row;
	int c = table_compare(x->domain, y->domain);

	return c != 0 ? c : table_compare(x->local, y->local);
}

static int
order(const void *a, const void *b)
{
	const struct alias *x = a, *y = b;
	int c = compare(a, b);

	return c != 0 ? c : x->line < y->line ? -1 : x->line > y->line;
}

static int
refuse_twice(const struct aliases_table *t, struct table_error *err)
{
	for (size_t i = 1; i < t->count; i++) {
		const struct alias *a = &t->rows[i];

		if (compare(a, a - 1) == 0)
			return table_error_set(err, a->line, "this alias "
			    "stands in line %u already; put all its targets "
			    "there", (a - 1)->line);
	}
	return 0;
}

static int
compile(struct aliases_table *t, struct slice text, struct table_error *err)
{
	if ((t->text = table_copy(text, err)) == NULL ||
	    table_rows(slice_of(t->text, text.len), add_line, t, err) == -1 ||
	    finish_row(t, err) == -1 || aliases_collect_programs(t, err) == -1)
		return -1;
	if (t->count > 0)
		qsort(t->rows, t->count, sizeof(*t->rows), order);
	return refuse_twice(t, err);
}

struct aliases_table *
aliases_compile(struct slice text, const struct alias_list *lists,
    size_t count, enum aliases_programs allowed, struct table_error *err)
{
	struct aliases_table *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		table_error_set(err, 0, "no memory");
		return NULL;
	}
	t->allowed = allowed;
	if (aliases_take_lists(t, lists, count, err) == -1 ||
	    compile(t, text, err) == -1) {
		aliases_free(t);
		return NULL;
	}
	return t;
}

void
aliases_free(struct aliases_table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n_lists; i++)
		free(t->lists[i].text);
	free(t->lists);
	free(t->faults);
	free(t->targets);
	free(t->programs);
	free(t->rows);
	free(t->text);
	free(t);
}

const struct alias *
aliases_find(const struct aliases_table *t, struct slice local,
    struct slice domain)
{
	struct alias key = { .local = local, .domain = domain };

	return table_search(t->rows, t->count, sizeof(*t->rows), &key,
	    compare);
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
