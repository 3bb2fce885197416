/*
 * Any stream in any pieces: the end is where the definition has it, and all
 * segmentations give one result.  The first octet chooses the pieces.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/smtp/data.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Decode in pieces of at most step octets; content goes to out. */
static size_t
decode(const uint8_t *in, size_t len, size_t step, char *out, size_t *out_len,
    struct smtp_data *d)
{
	size_t at = 0, n, content;

	smtp_data_init(d);
	*out_len = 0;
	while (at < len && !smtp_data_ended(d)) {
		char *piece;

		n = len - at < step ? len - at : step;
		piece = malloc(n);
		memcpy(piece, in + at, n);
		at += smtp_data_take(d, piece, n, &content);
		memcpy(out + *out_len, piece, content);
		*out_len += content;
		free(piece);
	}
	return at;
}

/* Where CRLF "." CRLF ends first; len + 1 if it does not. */
static size_t
definition(const uint8_t *in, size_t len)
{
	if (len >= 3 && memcmp(in, ".\r\n", 3) == 0)
		return 3;
	for (size_t i = 0; i + 5 <= len; i++)
		if (memcmp(in + i, "\r\n.\r\n", 5) == 0)
			return i + 5;
	return len + 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_data whole, cut;
	size_t step, used, used_cut, len, len_cut;
	char *a, *b;

	if (size < 2)
		return 0;
	step = (size_t)data[0] % 40 + 1;
	data++, size--;
	a = malloc(size);
	b = malloc(size);
	used = decode(data, size, size, a, &len, &whole);
	used_cut = decode(data, size, step, b, &len_cut, &cut);
	assert(used == used_cut && whole.place == cut.place);
	assert(len == len_cut && memcmp(a, b, len) == 0 && len == whole.size);
	assert(whole.bare_cr == cut.bare_cr && whole.bare_lf == cut.bare_lf);
	assert(whole.received == cut.received &&
	    whole.longest == cut.longest && whole.eight_bit == cut.eight_bit &&
	    whole.header_done == cut.header_done);
	assert(smtp_data_ended(&whole) == (definition(data, size) <= size));
	if (smtp_data_ended(&whole))
		assert(used == definition(data, size));
	free(a);
	free(b);
	return 0;
}
