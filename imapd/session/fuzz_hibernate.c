/* Any octets, with the checksum that they should have; what is taken is written
 * back the same. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/checksum/crc32c.h"
#include "imapd/session/hibernate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hibernated h;
	uint8_t *in = malloc(size + 4), *out;
	uint32_t crc = crc32c(0, data, size);

	if (in == NULL)
		return 0;
	if (size > 0)
		memcpy(in, data, size);
	for (int i = 0; i < 4; i++)
		in[size + (size_t)i] = (uint8_t)(crc >> 8 * i);
	(void)hibernated_decode(slice_of(in, size), &h);
	hibernated_clear(&h);
	if (hibernated_decode(slice_of(in, size + 4), &h) == 0) {
		out = malloc(hibernated_size(&h));
		if (out != NULL)
			assert(hibernated_encode(&h, out,
				   hibernated_size(&h)) == size + 4 &&
			    memcmp(in, out, size + 4) == 0);
		free(out);
	}
	hibernated_clear(&h);
	free(in);
	return 0;
}
