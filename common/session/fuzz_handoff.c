/* Any octets as a handoff record; what is taken is written back the same. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/session/handoff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1), again[HANDOFF_MAX];
	struct handoff h;

	memcpy(copy, data, size);
	if (handoff_decode(slice_of(copy, size), &h) == 0)
		assert(handoff_encode(&h, again, sizeof(again)) == size &&
		    memcmp(copy, again, size) == 0);
	free(copy);
	return 0;
}
