/* The rows of a view, from an index that anybody may have written. */
#include <stdlib.h>

#include "common/mailbox/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(int truth)
{
	if (!truth)
		abort();
}

/* Every entry that will be made has a UID of its own, in ascending order. */
static void
check_outline(const struct outline *o)
{
	uint64_t messages = 0, before = 0;

	for (uint32_t i = 0; i < o->chunks; i++) {
		uint64_t base = (uint64_t)o->chunk[i].number * CHUNK_UIDS;

		for (uint64_t left = o->chunk[i].present; left != 0;
		     left &= left - 1, messages++) {
			uint64_t uid = base + (unsigned)__builtin_ctzll(left);

			check(uid > before && uid <= UINT32_MAX);
			before = uid;
		}
	}
	check(messages == o->messages && before == o->last);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rows = slice_of(data, size);
	struct outline *o = outline_new();
	uint64_t present;
	uint32_t number;

	for (size_t i = 0; o != NULL && i < size / VIEW_ROW_LEN; i++) {
		index_view_row(rows, i, &number, &present);
		if (outline_add(&o, number, present) == -1)
			break;
	}
	if (o != NULL)
		check_outline(o);
	free(o);
	return 0;
}
