/* bulkhead-keywords as it is, and with its checksum put right.  What parses,
 * prints to the same octets. */
#include <stdlib.h>
#include <string.h>

#include "common/mailbox/more_keywords.h"
#include "common/mailbox/sealed.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(struct slice in)
{
	struct more_keywords m, n;
	size_t len;
	char *out;

	if (more_parse(in, &m) == PARSE_OK) {
		out = more_print(&m, &len);
		if (out == NULL ||
		    more_parse(slice_of(out, len), &n) != PARSE_OK ||
		    n.count != m.count || n.identity != m.identity ||
		    memcmp(n.names, m.names, sizeof(n.names)) != 0)
			abort();
		for (size_t i = 0; i < m.count; i++)
			if (more_get(&n, m.rows[i].uid) != m.rows[i].bits)
				abort();
		more_clear(&n);
		free(out);
		if (more_set(&m, 17, 3) == 0 && more_get(&m, 17) != 3)
			abort();
		more_set(&m, 17, 0);
		if (more_get(&m, 17) != 0)
			abort();
	}
	more_clear(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + SEAL_LEN + 1);

	if (text == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	check(slice_of(text, size));
	size = seal_put(text, size);
	check(slice_of(text, size));
	free(text);
	return 0;
}
