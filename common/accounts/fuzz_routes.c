/* The routes table, up to the first NUL; behind it an address to ask for. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/accounts/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ask(const struct routes_table *t, struct slice address)
{
	const char *at = address.len == 0 ? NULL :
	    memrchr(address.at, '@', address.len);
	struct route_address to = { address, slice_of(address.at, 0) };
	struct route_address null = { slice_of("", 0), slice_of("", 0) };
	const struct route *r;

	if (at != NULL) {
		to.local.len = (size_t)(at - address.at);
		to.domain = slice_skip(address, to.local.len + 1);
	}
	r = routes_find(t, &to, &null, '+');
	assert(r == NULL || r->line > 0);
	r = routes_find(t, &null, &to, '\0');
	assert(r == NULL || r->from || slice_equal(r->pattern,
	    SLICE_LITERAL("*")));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size), address = slice_of(data, 0);
	const char *nul = size == 0 ? NULL : memchr(data, '\0', size);
	struct table_error err;
	struct routes_table *t;

	if (nul != NULL) {
		text.len = (size_t)(nul - text.at);
		address = slice_of(nul + 1, size - text.len - 1);
	}
	if ((t = routes_compile(text, &err)) == NULL)
		return 0;
	for (size_t i = 0; i < routes_count(t); i++) {
		const struct route *r = routes_at(t, i);

		assert(r->pattern.len > 0 && r->name.len <= ROUTE_NAME_MAX);
		assert(r->code == 0 || (r->code >= 450 && r->code <= 599 &&
		    r->enhanced[0] == r->code / 100 && r->text.len > 0));
	}
	ask(t, address);
	routes_free(t);
	return 0;
}
