/* The passwords table; what is refused must not be quoted in the error. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/accounts/passwords.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table_error err;
	struct passwords_table *t = passwords_compile(slice_of(data, size),
	    &err);

	if (t == NULL)
		return 0;
	assert((passwords_count(t) == 0) == (passwords_typical(t).len == 0));
	if (passwords_typical(t).len > 0)
		assert(password_hash_valid(passwords_typical(t)));
	assert((passwords_scram_count(t) == 0) ==
	    (passwords_typical_scram(t).len == 0));
	if (passwords_typical_scram(t).len > 0)
		assert(password_scram_valid(passwords_typical_scram(t)));
	passwords_free(t);
	return 0;
}
