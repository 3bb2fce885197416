/*
 * bulkhead-uidl as it is, and with its checksum put right.  What parses, prints
 * to what parses to the same.
 */
#include <stdlib.h>
#include <string.h>

#include "common/mailbox/sealed.h"
#include "common/mailbox/uidl.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(struct slice in)
{
	char one[UIDL_LEN_MAX + 1], two[UIDL_LEN_MAX + 1];
	struct uidls u, v;
	size_t len;
	char *out;

	if (uidls_parse(in, &u) == PARSE_OK) {
		out = uidls_print(&u, &len);
		if (out == NULL ||
		    uidls_parse(slice_of(out, len), &v) != PARSE_OK ||
		    u.count != v.count || u.identity != v.identity)
			abort();
		for (size_t i = 0; i < u.count; i++)
			if (!uidls_get(&u, u.lines[i].uid, one) ||
			    !uidls_get(&v, u.lines[i].uid, two) ||
			    strcmp(one, two) != 0)
				abort();
		uidls_clear(&v);
		free(out);
	}
	uidls_clear(&u);
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
