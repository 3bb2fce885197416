#include "remote-relay/logins.h"

#include <stdlib.h>
#include <string.h>

#include "remote-relay/settings.h"

/* The next run of octets that are no blanks. */
static struct slice
word_take(struct slice *in)
{
	size_t len = 0;
	struct slice word;

	while (len < in->len && in->at[len] != ' ' && in->at[len] != '\t')
		len++;
	word = slice_of(in->at, len);
	while (len < in->len && (in->at[len] == ' ' || in->at[len] == '\t'))
		len++;
	*in = slice_skip(*in, len);
	return word;
}

static int
take_row(void *ctx, struct slice line, unsigned number, bool indented,
    struct table_error *err)
{
	struct logins *all = ctx;
	struct login *l = &all->at[all->n];
	struct slice route = word_take(&line);

	(void)indented;
	if (all->n == LOGINS_MAX)
		return table_error_set(err, number, "more than %d rows",
		    LOGINS_MAX);
	if (slice_equal(route, slice_str(ROUTE_DEFAULT)))
		route.len = 0;
	if (slice_copy_str(route, l->route, sizeof(l->route)) == -1 ||
	    slice_copy_str(word_take(&line), l->user, sizeof(l->user)) == -1 ||
	    slice_copy_str(line, l->password, sizeof(l->password)) == -1 ||
	    l->user[0] == '\0' || l->password[0] == '\0')
		return table_error_set(err, number,
		    "not a login; write ROUTE NAME PASSWORD");
	if (logins_find(all, l->route) != NULL)
		return table_error_set(err, number,
		    "a second login of one route; leave one");
	all->n++;
	return 0;
}

struct logins *
logins_parse(struct slice text, struct table_error *err)
{
	struct logins *all = calloc(1, sizeof(*all));

	if (all == NULL) {
		table_error_set(err, 0, "out of memory");
		return NULL;
	}
	if (table_rows(text, take_row, all, err) == 0)
		return all;
	logins_free(all);
	return NULL;
}

void
logins_free(struct logins *all)
{
	if (all == NULL)
		return;
	explicit_bzero(all, sizeof(*all));
	free(all);
}

const struct login *
logins_find(const struct logins *all, const char *route)
{
	for (size_t i = 0; all != NULL && i < all->n; i++)
		if (strcmp(all->at[i].route, route) == 0)
			return &all->at[i];
	return NULL;
}
