/*
 * The first octets are taken as arguments of BDAT.  The rest, looked at in
 * pieces of any size, gives the same facts as in one; and what a DATA decoder
 * says of the same content, stuffed.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/smtp/command.h"
#include "common/smtp/data.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
same(const struct smtp_data *a, const struct smtp_data *b)
{
	if (a->size != b->size || a->line != b->line ||
	    a->longest != b->longest || a->received != b->received ||
	    a->fields != b->fields || a->bare_cr != b->bare_cr ||
	    a->bare_lf != b->bare_lf || a->eight_bit != b->eight_bit ||
	    a->has_date != b->has_date || a->header_done != b->header_done ||
	    a->header_cut != b->header_cut)
		abort();
}

static bool
has_dot_line(const uint8_t *in, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (in[i] == '.' && (i == 0 || in[i - 1] == '\n'))
			return true;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_data whole, pieces, decoded;
	uint64_t n;
	bool last;
	size_t step, content;
	char *copy;

	smtp_bdat_parse(slice_of(data, size), &n, &last);
	if (size < 2)
		return 0;
	step = (size_t)data[0] % 40 + 1;
	data++, size--;
	smtp_data_init(&whole);
	smtp_data_chunk(&whole, (const char *)data, size);
	smtp_data_init(&pieces);
	for (size_t at = 0; at < size; at += step)
		smtp_data_chunk(&pieces, (const char *)data + at,
		    size - at < step ? size - at : step);
	same(&whole, &pieces);
	if (has_dot_line(data, size))
		return 0;
	copy = malloc(size);
	memcpy(copy, data, size);
	smtp_data_init(&decoded);
	smtp_data_take(&decoded, copy, size, &content);
	same(&whole, &decoded);
	free(copy);
	return 0;
}
