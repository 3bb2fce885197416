/* Any header section gives keys that can be read back; any blob is survived. */
#include <assert.h>
#include <stdlib.h>

#include "imapd/session/sort_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(struct slice blob)
{
	struct sort_keys k;
	uint64_t sum = 0;

	if (sort_keys_read(blob, &k) == -1)
		return;
	for (size_t i = 0; i < k.references_len; i++)
		sum += k.references[i];
	for (size_t i = 0; i < SORT_STRINGS; i++)
		for (size_t n = 0; n < k.string[i].len; n++)
			sum += (unsigned char)k.string[i].at[n];
	if (sum == 0x1234567890abcdef)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static _Alignas(8) char blob[SORT_BLOB_MAX];
	struct sort_keys k;
	int64_t len = sort_keys_make(slice_of(data, size), blob);
	void *copy;

	assert(len == -1 || sort_keys_read(slice_of(blob, (size_t)len), &k) ==
	    0);
	if (size > 0 && (copy = malloc(size)) != NULL) {
		memcpy(copy, data, size);
		check(slice_of(copy, size));
		free(copy);
	}
	return 0;
}
