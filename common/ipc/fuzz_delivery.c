/* What decodes, encodes to the same octets again. */
#include <stdlib.h>

#include "common/ipc/delivery.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char buf[DELIVERY_BODY_MAX];
	struct slice in = slice_of(data, size);
	struct delivery d;
	struct delivered r;

	if (delivery_decode(in, &d) == 0) {
		size_t len = delivery_encode(&d, buf, sizeof(buf));
		if (!slice_equal(in, slice_of(buf, len)))
			abort();
	}
	if (delivered_decode(in, &r) == 0) {
		size_t len = delivered_encode(&r, buf, sizeof(buf));
		if (!slice_equal(in, slice_of(buf, len)))
			abort();
	}
	return 0;
}
