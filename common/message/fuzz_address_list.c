/* Scratch of the input's size is enough, work is linear, groups are closed. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/message/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *scratch = malloc(size + 1);
	struct address_list l;
	struct address a;
	enum address_kind k;
	int groups = 0;
	unsigned n = 0;

	address_list_init(&l, slice_of(data, size), scratch, size);
	while ((k = address_next(&l, &a)) != ADDRESS_END) {
		groups += k == ADDRESS_GROUP;
		groups -= k == ADDRESS_GROUP_END;
		assert(groups == 0 || groups == 1);
		assert(k != ADDRESS_MAILBOX || a.domain.at != NULL);
		n += k != ADDRESS_GROUP_END;
	}
	assert(groups == 0 && n <= ADDRESS_LIST_MAX);
	assert(!l.scratch.cut);
	assert(l.in.steps <= size);
	free(scratch);
	return 0;
}
