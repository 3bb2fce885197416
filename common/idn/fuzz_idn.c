/* Domain names and texts with names beyond ASCII. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/idn/idn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	char out[IDN_DOMAIN_MAX];
	int n = idn_domain(in, out);
	size_t len, lines = 0;
	char *text;

	assert(n >= -1 && n <= IDN_DOMAIN_MAX);
	for (int i = 0; i < n; i++)
		assert((unsigned char)out[i] < 128);
	text = idn_text(in, &len);
	assert(text != NULL);
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	for (size_t i = 0; i < len; i++)
		lines -= text[i] == '\n';
	assert(lines == 0);
	free(text);
	return 0;
}
