/* Never more than the parameters allowed, no cut in scratch of four times. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/message/content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct content *c = malloc(sizeof(*c));
	char *scratch = malloc(size * 4 + 1);
	struct text t = text_in(scratch, size * 4);
	size_t steps = 0;

	if (content_parse(slice_of(data, size), &t, c, &steps) == PARSE_OK) {
		assert(c->type.len > 0);
		assert(c->params_len <= CONTENT_PARAMS_MAX);
		for (size_t i = 0; i < c->params_len; i++)
			assert(c->params[i].name.len > 0);
	}
	assert(!t.cut && steps <= size);
	free(scratch);
	free(c);
	return 0;
}
