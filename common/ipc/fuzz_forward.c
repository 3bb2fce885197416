/* What decodes, encodes to the same octets again. */
#include <stdlib.h>

#include "common/ipc/forward.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char buf[FORWARD_ANSWER_MAX * 2];
	struct slice in = slice_of(data, size), to[FORWARD_ADDRESSES_MAX];
	struct forward_ask ask;
	struct forward_answer a, copy;
	size_t len, n = 0;

	if (forward_ask_decode(in, &ask) == 0) {
		len = forward_ask_encode(&ask, buf, sizeof(buf));
		if (!slice_equal(in, slice_of(buf, len)))
			abort();
	}
	if (forward_answer_decode(in, &a) == 0) {
		copy = a;
		while (forward_next_address(&a, &to[n]))
			n++;
		len = forward_answer_encode(&copy, to, buf, sizeof(buf));
		if (n != copy.n_addresses ||
		    !slice_equal(in, slice_of(buf, len)))
			abort();
	}
	return 0;
}
