/* Up to the first NUL a reverse-path, then a message: what comes out is within
 * its bounds, and can do nothing to a terminal but ring once. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "local-delivery/runner/terminal_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice path = slice_of("", 0), text = slice_of(data, size);
	const char *nul = memchr(text.at, '\0', size);
	char *out = malloc(TERMINAL_TEXT_MAX);
	size_t n;

	if (out == NULL)
		return 0;
	if (nul != NULL) {
		path = slice_of(text.at, (size_t)(nul - text.at));
		text = slice_skip(text, path.len + 1);
	}
	n = terminal_text(text, path, out);
	if (n == 0 || n > TERMINAL_TEXT_MAX || out[0] != '\a')
		abort();
	for (size_t i = 1; i < n; i++)
		if (out[i] != '\t' && out[i] != '\r' && out[i] != '\n' &&
		    (out[i] < ' ' || out[i] > '~'))
			abort();
	free(out);
	return 0;
}
