/* Whatever decodes must encode to something that decodes the same. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/ipc/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct envelope e, again;
	struct envelope_recipient r;
	struct ipc_writer w;
	uint32_t n = 0;
	void *buf;

	if (envelope_decode(slice_of(data, size), &e) == -1)
		return 0;
	buf = malloc(size + 256);
	assert(buf != NULL);
	ipc_writer_init(&w, buf, size + 256);
	envelope_begin(&w, &e);
	again = e;
	while (envelope_next(&again, &r)) {
		envelope_put_recipient(&w, &r);
		n++;
	}
	assert(n == e.n_recipients && !w.failed);
	assert(envelope_decode(slice_of(w.buf, w.len), &again) == 0);
	assert(again.n_recipients == n && again.flags == e.flags);
	assert(slice_equal(again.reverse_path, e.reverse_path));
	assert(slice_equal(again.helo, e.helo));
	assert(slice_equal(again.envid, e.envid) && again.ret == e.ret);
	assert(slice_equal(again.auth, e.auth));
	free(buf);
	return 0;
}
