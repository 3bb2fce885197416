/* Any octets, in two pieces: the result is short and well-formed. */
#include <assert.h>

#include "common/message/charset.h"
#include "imapd/session/preview.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct preview p;
	size_t cut;

	if (size < 2)
		return 0;
	cut = 2 + data[1] % (size - 1);
	if (cut > size)
		cut = size;
	preview_init(&p, data[0] & 1);
	preview_feed(&p, slice_of(in.at + 2, cut - 2));
	preview_feed(&p, slice_skip(in, cut));
	assert(p.len <= PREVIEW_MAX && p.characters <= PREVIEW_CHARACTERS);
	assert(utf8_is_valid(slice_of(p.at, p.len)));
	return 0;
}
