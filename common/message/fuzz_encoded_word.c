/* Three octets out for one in always fit; pieces of a body change nothing. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/message/charset.h"
#include "common/message/encoded_word.h"
#include "common/message/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_transfer(enum transfer_encoding e, struct slice in, size_t cut)
{
	size_t room = in.len + TRANSFER_HELD_MAX;
	char *at[2] = { malloc(room), malloc(room) };
	struct text t[2] = { text_in(at[0], room), text_in(at[1], room) };

	for (int i = 0; i < 2; i++) {
		struct transfer_state st = { 0 };
		size_t n = i == 0 ? 0 : cut;
		transfer_decode(e, &st, slice_of(in.at, n), &t[i]);
		transfer_decode(e, &st, slice_skip(in, n), &t[i]);
		transfer_finish(e, &st, &t[i]);
		assert(!t[i].cut);
	}
	assert(slice_equal(text_since(&t[0], 0), text_since(&t[1], 0)));
	free(at[0]);
	free(at[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	size_t steps = 0, cut = size > 0 ? data[0] % (size + 1) : 0;
	char *out = malloc(size * 3 + 1);
	struct text t = text_in(out, size * 3);

	encoded_words_decode(in, &t, &steps);
	assert(!t.cut && steps <= 8 * size + 4096);
	free(out);
	check_transfer(TRANSFER_BASE64, in, cut);
	check_transfer(TRANSFER_QUOTED_PRINTABLE, in, cut);
	return 0;
}
