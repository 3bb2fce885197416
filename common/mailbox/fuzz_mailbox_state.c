/*
 * The first octet chooses the file; the checksum is put right so that the
 * fuzzer gets past it.  What parses, prints to the same octets.
 */
#include <stdlib.h>
#include <string.h>

#include "common/mailbox/sealed.h"
#include "common/mailbox/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_folder(struct slice in)
{
	char out[STATE_FILE_MAX];
	struct folder_state s;

	if (folder_state_parse(in, &s) == STATE_OK &&
	    !slice_equal(in, slice_of(out, folder_state_print(&s, out))))
		abort();
}

static void
check_next(struct slice in)
{
	char out[STATE_FILE_MAX];
	struct numbers n, m;
	uint32_t v, w;

	if (next_parse(in, &v, &n) != STATE_OK)
		return;
	if (next_parse(slice_of(out, next_print(v, &n, out)), &w, &m) !=
	    STATE_OK || v != w || n.uid != m.uid || n.modseq != m.modseq)
		abort();
}

static void
check_mailbox(struct slice in)
{
	char out[STATE_FILE_MAX];
	uint32_t v, w;

	if (mailbox_state_parse(in, &v) != STATE_OK)
		return;
	if (mailbox_state_parse(slice_of(out, mailbox_state_print(v, out)),
	    &w) != STATE_OK || v != w)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const checks[])(struct slice) = {
		check_folder, check_next, check_mailbox,
	};
	char text[STATE_FILE_MAX + SEAL_LEN + 1];
	size_t len;

	if (size < 1 || size > STATE_FILE_MAX)
		return 0;
	len = size - 1;
	memcpy(text, data + 1, len);
	checks[data[0] % 3](slice_of(text, len));
	len = seal_put(text, len);
	checks[data[0] % 3](slice_of(text, len));
	return 0;
}
