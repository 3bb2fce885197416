/* The first octet chooses the set, the second where the text is cut. */
#include <assert.h>
#include <stdlib.h>

#include "common/message/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct text
decode(const struct charset *cs, struct slice in, size_t cut)
{
	size_t room = CHARSET_ROOM(in.len);
	struct charset_state st = { 0 };
	struct text t = text_in(malloc(room), room);

	charset_decode(cs, &st, slice_of(in.at, cut), &t);
	charset_decode(cs, &st, slice_skip(in, cut), &t);
	charset_finish(cs, &st, &t);
	assert(!t.cut);
	return t;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct charset *cs;
	struct text whole, pieces;
	struct slice in;
	const char *name;

	if (size < 2 || (name = charset_name(2 + data[0] % 64)) == NULL)
		return 0;
	cs = charset_of(slice_str(name));
	in = slice_of(data + 2, size - 2);
	whole = decode(cs, in, 0);
	pieces = decode(cs, in, data[1] % (in.len + 1));
	assert(slice_equal(text_since(&whole, 0), text_since(&pieces, 0)));
	assert(utf8_is_valid(text_since(&whole, 0)));
	free(whole.at);
	free(pieces.at);
	return 0;
}
