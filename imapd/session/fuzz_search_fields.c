/* Any header section gives a blob that answers; any blob is survived. */
#include <assert.h>
#include <stdlib.h>

#include "imapd/session/search_fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char blob[SEARCH_FIELDS_BLOB_MAX];
	struct search_step step[] = {
		{ .op = SEARCH_HEADER, .name = SLICE_LITERAL("Subject") },
		{ .op = SEARCH_SENTON, .days = 20759 },
		{ .op = SEARCH_HEADER, .name = SLICE_LITERAL("To") },
	};
	struct needle needles[3] = { { .text = SLICE_LITERAL("A") },
		{ .text = { NULL, 0 } }, { .text = { NULL, 0 } } };
	struct search search = { .step = step, .len = 3 };
	enum truth values[3];
	size_t len = search_fields_make(slice_of(data, size), blob);
	void *copy;

	assert(len == 0 || search_fields_answer(slice_of(blob, len), &search,
	    needles, values) == 0);
	if (size > 0 && (copy = malloc(size)) != NULL) {
		memcpy(copy, data, size);
		search_fields_answer(slice_of(copy, size), &search, needles,
		    values);
		free(copy);
	}
	return 0;
}
