/* The domains table. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/accounts/domains.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table_error err;
	struct domains_table *t = domains_compile(slice_of(data, size),
	    SLICE_LITERAL("host.example"), &err);

	if (t == NULL)
		return 0;
	assert(domains_count(t) > 0 && domains_default(t) != NULL);
	domains_free(t);
	return 0;
}
