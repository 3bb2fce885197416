/* Any content: it never grows, and a second time nothing is left to remove. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/smtp/strip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);
	size_t len;

	memcpy(copy, data, size);
	len = smtp_strip_bcc(copy, size);
	assert(len <= size);
	assert(smtp_strip_bcc(copy, len) == len);
	free(copy);
	return 0;
}
