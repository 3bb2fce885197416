#include "common/tls/names.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DNS_NAME_MAX = 253 };

int
tls_names_add(struct tls_names *names, const char *name, const void *what)
{
	struct tls_named *at = names->at;

	if (names->n == names->size) {
		size_t size = names->size == 0 ? 16 : names->size * 2;

		if ((at = reallocarray(at, size, sizeof(*at))) == NULL)
			return -1;
		names->at = at;
		names->size = size;
	}
	names->at[names->n++] = (struct tls_named){ name, what };
	return 0;
}

/*
 * Stable, and insertion is no worse than anything else for what comes nearly
 * sorted; a site with thousands of names pays it once at a reload.
 */
void
tls_names_sort(struct tls_names *names)
{
	for (size_t i = 1; i < names->n; i++) {
		struct tls_named moved = names->at[i];
		size_t k = i;

		for (; k > 0 && strcmp(names->at[k - 1].name, moved.name) > 0;
		    k--)
			names->at[k] = names->at[k - 1];
		names->at[k] = moved;
	}
}

void
tls_names_clear(struct tls_names *names)
{
	free(names->at);
	*names = (struct tls_names){ 0 };
}

static size_t
find_exact(const struct tls_names *names, const char *name,
    const struct tls_named **first)
{
	size_t low = 0, high = names->n, n = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(names->at[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + n < names->n && strcmp(names->at[low + n].name, name) == 0)
		n++;
	*first = names->at + low;
	return n;
}

/* Lower case without the trailing dot; false for what is no name. */
static bool
fold(const char *name, char out[DNS_NAME_MAX + 1])
{
	size_t len = strnlen(name, DNS_NAME_MAX + 2);

	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len == 0 || len > DNS_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];

		out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	out[len] = '\0';
	return true;
}

size_t
tls_names_find(const struct tls_names *names, const char *name,
    const struct tls_named **first)
{
	char folded[DNS_NAME_MAX + 1], *dot;
	size_t n;

	*first = NULL;
	/* A star is for certificates to say, not for clients. */
	if (names->n == 0 || !fold(name, folded) || strchr(folded, '*') != NULL)
		return 0;
	if ((n = find_exact(names, folded, first)) > 0)
		return n;
	dot = strchr(folded, '.');
	if (dot == NULL || dot == folded)
		return 0;
	*--dot = '*';
	return find_exact(names, dot, first);
}
