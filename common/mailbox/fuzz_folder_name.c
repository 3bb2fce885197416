/* One name, one spelling, one directory directly below the Maildir. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mailbox/folder_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(int truth)
{
	if (!truth)
		abort();
}

static void
check_name(const struct folder_name *n)
{
	char utf8[FOLDER_UTF8_MAX + 1];
	struct folder_name again, up;
	size_t len = strlen(n->disk);

	check(len <= FOLDER_NAME_MAX && strchr(n->disk, '/') == NULL);
	check(strstr(n->disk, "..") == NULL);
	check(len == 0 || (n->disk[0] == '.' && len >= 2));
	for (size_t i = 0; i < len; i++)
		check(n->disk[i] >= 0x20 && n->disk[i] < 0x7f);
	check(folder_name_parse(slice_str(folder_name_imap(n)), &again) ==
	    PARSE_OK && folder_name_equal(n, &again));
	folder_name_utf8(n, utf8);
	check(folder_name_parse_utf8(slice_str(utf8), &again) == PARSE_OK &&
	    folder_name_equal(n, &again));
	if (len > 0)
		check(folder_name_parse_disk(slice_str(n->disk), &again) ==
		    PARSE_OK);
	if (folder_name_superior(n, &up))
		check(folder_name_is_below(n, &up));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct folder_name n;

	if (folder_name_parse(in, &n) == PARSE_OK) {
		check(folder_name_is_inbox(&n) ||
		    slice_equal(slice_str(folder_name_imap(&n)), in));
		check_name(&n);
	}
	if (folder_name_parse_utf8(in, &n) == PARSE_OK)
		check_name(&n);
	if (folder_name_parse_disk(in, &n) == PARSE_OK) {
		check(slice_equal(slice_str(n.disk), in));
		check_name(&n);
	}
	return 0;
}
