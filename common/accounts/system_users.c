#include "common/accounts/system_users.h"

#include <stdlib.h>

#include "common/accounts/username.h"

enum { F_NAME, F_PASSWORD, F_UID, F_GID, F_GECOS, F_HOME, F_SHELL, F_COUNT };

struct system_users {
	char			*text;
	struct system_user	*rows;		/* in the order of the file */
	size_t			 count, room;
	uint32_t		*by_uid, *by_name;
};

/* name:x:uid:gid:gecos:home:shell */
static bool
split(struct slice line, struct slice field[F_COUNT])
{
	for (size_t i = 0; i < F_COUNT; i++) {
		const char *colon = memchr(line.at, ':', line.len);
		size_t n = colon == NULL ? line.len :
		    (size_t)(colon - line.at);

		if ((colon == NULL) != (i + 1 == F_COUNT))
			return false;
		field[i] = slice_of(line.at, n);
		line = slice_skip(line, colon == NULL ? n : n + 1);
	}
	return true;
}

static bool
has_capital(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] >= 'A' && s.at[i] <= 'Z')
			return true;
	return false;
}

/* False for a line that is not a usable user. */
static bool
parse_row(struct slice line, struct system_user *u)
{
	struct slice field[F_COUNT];
	unsigned long long uid, gid;

	if (!split(line, field) || !username_local_valid(field[F_NAME]) ||
	    has_capital(field[F_NAME]) ||
	    slice_number(field[F_UID], UINT32_MAX - 1, &uid) == -1 ||
	    slice_number(field[F_GID], UINT32_MAX - 1, &gid) == -1 ||
	    field[F_HOME].len == 0 || field[F_HOME].at[0] != '/')
		return false;
	*u = (struct system_user){ field[F_NAME], field[F_HOME],
	    field[F_SHELL], (uint32_t)uid, (uint32_t)gid };
	return true;
}

static struct slice
cut_line(struct slice *rest)
{
	const char *lf = memchr(rest->at, '\n', rest->len);
	size_t n = lf == NULL ? rest->len : (size_t)(lf - rest->at);
	struct slice line = slice_of(rest->at, n);

	*rest = slice_skip(*rest, lf == NULL ? n : n + 1);
	return line;
}

static int
parse_rows(struct system_users *t, struct slice rest, uint32_t min,
    uint32_t max, size_t *skipped, struct table_error *err)
{
	while (rest.len > 0) {
		struct slice line = cut_line(&rest);
		struct system_user u;

		if (line.len > TABLE_LINE_MAX || !parse_row(line, &u)) {
			++*skipped;
			continue;
		}
		if (u.uid < min || u.uid > max)
			continue;
		if (table_grow((void **)&t->rows, &t->room, t->count,
		    sizeof(*t->rows), err) == -1)
			return -1;
		t->rows[t->count++] = u;
	}
	return 0;
}

static int
order_uid(const void *a, const void *b, void *rows)
{
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	const struct system_user *r = rows;

	if (r[i].uid != r[j].uid)
		return r[i].uid < r[j].uid ? -1 : 1;
	return i < j ? -1 : i > j;
}

static int
order_name(const void *a, const void *b, void *rows)
{
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	const struct system_user *r = rows;
	int c = table_compare(r[i].name, r[j].name);

	return c != 0 ? c : i < j ? -1 : i > j;
}

static uint32_t *
make_index(struct system_users *t, int (*order)(const void *, const void *,
    void *))
{
	uint32_t *index = reallocarray(NULL, t->count + 1, sizeof(*index));

	if (index == NULL)
		return NULL;
	for (size_t i = 0; i < t->count; i++)
		index[i] = (uint32_t)i;
	if (t->count > 0)
		qsort_r(index, t->count, sizeof(*index), order, t->rows);
	return index;
}

struct system_users *
system_users_compile(struct slice text, uint32_t min, uint32_t max,
    size_t *skipped, struct table_error *err)
{
	struct system_users *t = calloc(1, sizeof(*t));

	*skipped = 0;
	if (t == NULL || (t->text = malloc(text.len + 1)) == NULL)
		goto no_memory;
	if (text.len > 0)
		memcpy(t->text, text.at, text.len);
	if (parse_rows(t, slice_of(t->text, text.len), min == 0 ? 1 : min,
	    max, skipped, err) == -1) {
		system_users_free(t);
		return NULL;
	}
	if ((t->by_uid = make_index(t, order_uid)) == NULL ||
	    (t->by_name = make_index(t, order_name)) == NULL)
		goto no_memory;
	return t;
no_memory:
	table_error_set(err, 0, "no memory for its %zu octets", text.len);
	system_users_free(t);
	return NULL;
}

void
system_users_free(struct system_users *t)
{
	if (t == NULL)
		return;
	free(t->by_uid);
	free(t->by_name);
	free(t->rows);
	free(t->text);
	free(t);
}

/* The first of equal ones is the one that stands first in the file. */
const struct system_user *
system_users_by_name(const struct system_users *t, struct slice name)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table_compare(t->rows[t->by_name[middle]].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == t->count ||
	    !slice_equal(t->rows[t->by_name[low]].name, name))
		return NULL;
	return &t->rows[t->by_name[low]];
}

const struct system_user *
system_users_by_uid(const struct system_users *t, uint32_t uid)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->rows[t->by_uid[middle]].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == t->count || t->rows[t->by_uid[low]].uid != uid)
		return NULL;
	return &t->rows[t->by_uid[low]];
}

size_t
system_users_count(const struct system_users *t)
{
	return t->count;
}
