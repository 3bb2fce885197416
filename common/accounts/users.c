#include "common/accounts/users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/accounts/account.h"
#include "common/accounts/username.h"

/*
 * All rows that carry a number stand in rows[], ordered by number.  Those
 * of living users come once more in by_name[], as indices, ordered by name.
 */
struct users_table {
	char		*text;
	struct user	*rows;		/* name.len 0: removed */
	size_t		 count, room;
	uint32_t	*by_name;
	size_t		 named;
};

static bool
home_valid(struct slice path)
{
	struct slice rest = path;

	if (path.len < 2 || path.len >= PATH_MAX || path.at[0] != '/')
		return false;
	while (rest.len > 0) {
		const char *slash;
		size_t n;

		rest = slice_skip(rest, 1);
		slash = rest.len == 0 ? NULL : memchr(rest.at, '/', rest.len);
		n = slash == NULL ? rest.len : (size_t)(slash - rest.at);
		if (n == 0 || (n <= 2 && rest.at[0] == '.' &&
		    rest.at[n - 1] == '.'))
			return false;
		rest = slice_skip(rest, n);
	}
	return true;
}

static int
take_number(struct slice *rest, struct user *u, struct table_error *err)
{
	struct slice field;
	unsigned long long n;

	if (!table_field(rest, &field))
		return table_error_set(err, u->line,
		    "the number is missing; write NAME@DOMAIN NUMBER");
	if (slice_number(field, ACCOUNT_NUMBER_MAX, &n) == -1 || n == 0)
		return table_error_quote(err, u->line, field,
		    "not a number from 1 to 1000000000; bulkhead user add "
		    "gives the next free one");
	u->number = (uint32_t)n;
	return 0;
}

static int
take_name(struct slice field, struct user *u, struct table_error *err)
{
	struct username name;

	if (username_parse(field, &name) != PARSE_OK || name.domain.len == 0)
		return table_error_quote(err, u->line, field,
		    "not a user's address; write NAME@DOMAIN with letters, "
		    "digits and . _ - + = '");
	table_lower(field);
	u->name = field;
	return 0;
}

static bool
take_home(struct slice value, struct user *u)
{
	u->home = value;
	return home_valid(value);
}

/* Octets, or with K, M, G or T behind the number that many of 1024. */
static bool
take_quota(struct slice value, struct user *u)
{
	static const char units[] = "KMGT";
	const char *unit = value.len > 1
			       ? strchr(units, value.at[value.len - 1] & ~0x20)
			       : NULL;
	unsigned long long n, scale = 1;

	if (unit != NULL) {
		scale <<= 10 * (unit - units + 1);
		value.len--;
	}
	if (slice_number(value, INT64_MAX / scale, &n) == -1)
		return false;
	u->quota_octets = n * scale;
	u->has_quota = true;
	return true;
}

static bool
take_messages(struct slice value, struct user *u)
{
	unsigned long long n;

	if (slice_number(value, UINT32_MAX, &n) == -1)
		return false;
	u->quota_messages = n;
	u->has_messages = true;
	return true;
}

static const struct {
	struct slice key;
	bool (*take)(struct slice value, struct user *);
	const char *wrong;
} options[] = {
	{ SLICE_LITERAL("home="), take_home,
	    "not a usable home; write an absolute path without \".\", "
	    "\"..\" and \"//\"" },
	{ SLICE_LITERAL("quota="), take_quota,
	    "not a size; write octets, or a number with K, M, G or T, such "
	    "as quota=5G (0: no limit)" },
	{ SLICE_LITERAL("messages="), take_messages,
	    "not a count; write a number, 0 for no limit" },
};

enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

static int
take_options(struct slice rest, struct user *u, struct table_error *err)
{
	struct slice field;

	while (table_field(&rest, &field)) {
		size_t i = 0;

		while (
		    i < OPTIONS && !slice_starts_nocase(field, options[i].key))
			i++;
		if (i == OPTIONS)
			return table_error_quote(err, u->line, field,
			    "not known here; home=PATH, quota=SIZE and "
			    "messages=COUNT may follow the number");
		if (!options[i].take(slice_skip(field, options[i].key.len), u))
			return table_error_quote(
			    err, u->line, field, options[i].wrong);
	}
	return 0;
}

static int
parse_row(struct slice line, struct user *u, struct table_error *err)
{
	struct slice field;

	table_field(&line, &field);
	if (slice_equal(field, SLICE_LITERAL("!removed"))) {
		if (take_number(&line, u, err) == -1)
			return -1;
		return line.len == 0 ? 0 : table_error_quote(err, u->line,
		    line, "not known here; write !removed NUMBER");
	}
	if (take_name(field, u, err) == -1 ||
	    take_number(&line, u, err) == -1)
		return -1;
	return take_options(line, u, err);
}

static int
add_row(void *ctx, struct slice line, unsigned number, bool indented,
    struct table_error *err)
{
	struct users_table *t = ctx;
	struct user u = { .line = number };

	(void)indented;
	if (parse_row(line, &u, err) == -1 ||
	    table_grow((void **)&t->rows, &t->room, t->count,
		sizeof(*t->rows), err) == -1)
		return -1;
	t->rows[t->count++] = u;
	return 0;
}

static int
order_number(const void *a, const void *b)
{
	const struct user *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

static int
order_name(const void *a, const void *b, void *rows)
{
	const struct user *x = (struct user *)rows + *(const uint32_t *)a;
	const struct user *y = (struct user *)rows + *(const uint32_t *)b;
	int c = table_compare(x->name, y->name);

	return c != 0 ? c : x->line < y->line ? -1 : x->line > y->line;
}

static int
index_rows(struct users_table *t, struct table_error *err)
{
	if (t->count == 0)
		return 0;
	qsort(t->rows, t->count, sizeof(*t->rows), order_number);
	t->by_name = reallocarray(NULL, t->count, sizeof(*t->by_name));
	if (t->by_name == NULL)
		return table_error_set(err, 0, "no memory for %zu users",
		    t->count);
	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].name.len > 0)
			t->by_name[t->named++] = (uint32_t)i;
	qsort_r(t->by_name, t->named, sizeof(*t->by_name), order_name,
	    t->rows);
	return 0;
}

static int
refuse_twice(struct users_table *t, struct table_error *err)
{
	for (size_t i = 1; i < t->count; i++)
		if (t->rows[i].number == t->rows[i - 1].number)
			return table_error_set(err, t->rows[i].line,
			    "the number %u stands in line %u already; no "
			    "number is used twice, give the next free one",
			    t->rows[i].number, t->rows[i - 1].line);
	for (size_t i = 1; i < t->named; i++) {
		const struct user *u = &t->rows[t->by_name[i]];
		const struct user *before = &t->rows[t->by_name[i - 1]];
		char what[96];

		if (table_compare(u->name, before->name) != 0)
			continue;
		snprintf(what, sizeof(what), "stands in line %u already; "
		    "keep one of the two", before->line);
		return table_error_quote(err, u->line, u->name, what);
	}
	return 0;
}

struct users_table *
users_compile(struct slice text, struct table_error *err)
{
	struct users_table *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		table_error_set(err, 0, "no memory");
		return NULL;
	}
	if ((t->text = table_copy(text, err)) == NULL ||
	    table_rows(slice_of(t->text, text.len), add_row, t, err) == -1 ||
	    index_rows(t, err) == -1 || refuse_twice(t, err) == -1)
		goto fail;
	return t;
fail:
	users_free(t);
	return NULL;
}

void
users_free(struct users_table *t)
{
	if (t == NULL)
		return;
	free(t->by_name);
	free(t->rows);
	free(t->text);
	free(t);
}

const struct user *
users_by_name(const struct users_table *t, struct slice name)
{
	size_t low = 0, high = t->named;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct user *u = &t->rows[t->by_name[middle]];
		int c = table_compare(name, u->name);

		if (c == 0)
			return u;
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct user *
users_by_number(const struct users_table *t, uint32_t number)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct user *u = &t->rows[middle];

		if (u->number == number)
			return u->name.len > 0 ? u : NULL;
		if (number < u->number)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

size_t
users_count(const struct users_table *t)
{
	return t->named;
}

const struct user *
users_at(const struct users_table *t, size_t i)
{
	return &t->rows[t->by_name[i]];
}

uint32_t
users_highest(const struct users_table *t)
{
	return t->count == 0 ? 0 : t->rows[t->count - 1].number;
}
