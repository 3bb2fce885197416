/* /etc/passwd, as the host's administrator may have left it. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/accounts/system_users.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table_error err;
	size_t skipped;
	struct system_users *t = system_users_compile(slice_of(data, size),
	    1000, 60000, &skipped, &err);

	assert(t != NULL);
	assert(system_users_by_uid(t, 0) == NULL);
	assert(system_users_by_name(t, SLICE_LITERAL("root")) == NULL ||
	    system_users_by_name(t, SLICE_LITERAL("root"))->uid >= 1000);
	system_users_free(t);
	return 0;
}
