/*
 * Any octets before login.  A command that is whole is taken from any longer
 * input too; one that is cut never changes the input.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "imapd/login_command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);
	struct imap_login_command c;
	enum imap_login_fault fault;
	size_t at = 0;

	memcpy(copy, data, size);
	while (at < size) {
		enum parse p = imap_login_command_parse(copy + at, size - at,
		    &c, &fault);

		if (p != PARSE_OK)
			assert(memcmp(copy + at, data + at, size - at) == 0);
		if (p == PARSE_MORE)
			break;
		assert(c.used > 0 && c.used <= size - at);
		at += c.used;
	}
	free(copy);
	return 0;
}
