/* Any octets as base64, and what they decode to as a PLAIN message. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/sasl/base64.h"
#include "common/sasl/plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1), *out = malloc(3 * (size / 4) + 1);
	struct sasl_plain p;
	size_t len;

	memcpy(copy, data, size);
	if (sasl_base64_decode(slice_of(copy, size), out, &len) == 0) {
		assert(len <= 3 * (size / 4));
		if (sasl_plain_parse(slice_of(out, len), &p) == PARSE_OK)
			assert(p.authzid.len + p.authcid.len + p.password.len +
			    2 == len);
	}
	free(out);
	free(copy);
	return 0;
}
