/* Any text is read to an end; what comes out holds what a target may hold. */
#include <stdint.h>
#include <stdlib.h>

#include "local-delivery/runner/forward_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct forward_reader r;
	struct forward_target t;
	size_t n = 0;

	forward_reader_init(&r, slice_of(data, size));
	while (forward_next(&r, &t) == FORWARD_TARGET) {
		if (t.text.len == 0 || t.text.len > FORWARD_TEXT_MAX ||
		    t.line == 0 || ++n > size)
			abort();
		for (size_t i = 0; i < t.text.len; i++)
			if ((unsigned char)t.text.at[i] < ' ' &&
			    t.text.at[i] != '\t')
				abort();
	}
	return 0;
}
