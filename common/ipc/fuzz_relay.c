/* What decodes, encodes to the same octets again. */
#include <stdlib.h>

#include "common/ipc/relay.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
again(struct slice in, struct relay *y)
{
	static uint8_t buf[RELAY_BODY_MAX];
	struct relay_recipient r;
	struct relay_part p;
	size_t len;

	relay_begin(&p, y, buf);
	while (relay_next(y, &r))
		if (!relay_add(&p, &r))
			abort();
	len = relay_end(&p);
	if (!slice_equal(in, slice_of(buf, len)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct relay y;
	struct relayed d;

	if (size <= RELAY_BODY_MAX && relay_decode(in, &y) == 0)
		again(in, &y);
	if (relayed_decode(in, &d) == 0) {
		char buf[RELAYED_BODY_MAX];

		if (!slice_equal(in, slice_of(buf,
		    relayed_encode(&d, buf, sizeof(buf)))))
			abort();
	}
	return 0;
}
