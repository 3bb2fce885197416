/*
 * A name that parses and is printed parses to the same again, and printing
 * that changes nothing any more.
 */
#include <stdlib.h>
#include <string.h>

#include "common/mailbox/maildir_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(int truth)
{
	if (!truth)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char once[MAILDIR_NAME_MAX + 1], twice[MAILDIR_NAME_MAX + 1];
	struct maildir_name a, b;

	if (maildir_name_parse(slice_of(data, size), &a) != PARSE_OK)
		return 0;
	if (maildir_name_print(&a, a.has_info, once) == -1)
		return 0;
	check(maildir_name_parse(slice_str(once), &b) == PARSE_OK);
	check(slice_equal(a.base, b.base));
	check(a.flags == b.flags && a.keywords == b.keywords);
	check(a.has_identity == b.has_identity);
	check(!a.has_identity ||
	    (a.uid == b.uid && a.uidvalidity == b.uidvalidity));
	check(a.has_size == b.has_size && a.size == b.size);
	check(b.has_info || !a.has_info);
	check(maildir_name_print(&b, b.has_info, twice) == 0);
	check(strcmp(once, twice) == 0);
	return 0;
}
