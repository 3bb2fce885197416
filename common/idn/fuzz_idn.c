/* Domain names and texts with names beyond ASCII. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/idn/idn.h"
#include "common/utf8/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One spelling: done twice, it is the same. */
static void
check_local(struct slice in)
{
	char once[512], twice[512];
	int n = idn_local(in, once, sizeof(once));

	if (n == -1)
		return;
	assert(utf8_is_valid(slice_of(once, (size_t)n)) ||
	    slice_is_ascii(in));
	assert(idn_local(slice_of(once, (size_t)n), twice, sizeof(twice)) ==
	    n);
	assert(slice_equal(slice_of(once, (size_t)n),
	    slice_of(twice, (size_t)n)));
}

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
	text = idn_text(in, size % 2 ? IDN_WORDS_NAMES : IDN_WORDS_DOMAINS,
	    &len);
	assert(text != NULL);
	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	for (size_t i = 0; i < len; i++)
		lines -= text[i] == '\n';
	assert(lines == 0);
	free(text);
	check_local(in);
	return 0;
}
