/* The table relay-recipients. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/accounts/recipients.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table_error err;
	struct recipients_table *t = recipients_compile(slice_of(data, size),
	    &err);

	if (t == NULL)
		return 0;
	for (size_t i = 0; i < recipients_count(t); i++) {
		const struct relay_recipient *r = recipients_at(t, i);

		assert(recipients_find(t, r->local, r->domain) == r);
	}
	recipients_free(t);
	return 0;
}
