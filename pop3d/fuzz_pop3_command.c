/* Any octets as a POP3 line: refused, or a keyword of letters. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "pop3d/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);
	struct pop3_command c;
	unsigned long n;

	memcpy(copy, data, size);
	if (pop3_command_parse(pop3_line(copy, size), &c) == PARSE_OK) {
		assert(c.keyword.len > 0 && c.keyword.len <= POP3_KEYWORD_MAX);
		while (pop3_number(&c.argument, &n) == 0)
			assert(n <= 0x7fffffff);
	}
	free(copy);
	return 0;
}
