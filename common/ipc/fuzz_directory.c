/* The fields of the questions to directory; the first octet says which. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/ipc/directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was taken is encoded again: the same octets must come out. */
static void
same(struct slice body, const void *again, size_t len)
{
	assert(len == body.len && (len == 0 ||
	    memcmp(again, body.at, len) == 0));
}

static void
expanded(struct slice body)
{
	static uint8_t again[DIRECTORY_EXPANDED_MAX];
	struct directory_expanded e;
	struct directory_part part;
	struct directory_target t;

	if (directory_expanded_decode(body, &e) == -1)
		return;
	directory_part_begin(&part, again);
	while (directory_expanded_next(&e, &t))
		assert(directory_part_add(&part, &t));
	same(body, again, directory_part_end(&part, e.verdict, e.last));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[DIRECTORY_BODY_MAX];
	struct directory_resolved resolved;
	struct directory_account account;
	struct directory_ask ask;
	struct slice body, address;

	if (size == 0 || size > DIRECTORY_EXPANDED_MAX)
		return 0;
	body = slice_of(data + 1, size - 1);
	switch (data[0] % 5) {
	case 0:
		if (directory_ask_decode(body, &ask) == 0)
			same(body, again, directory_ask_encode(&ask, again));
		break;
	case 1:
		if (directory_resolved_decode(body, &resolved) == 0)
			same(body, again, directory_resolved_encode(&resolved,
			    again));
		break;
	case 2:
		expanded(body);
		break;
	case 4:
		if (directory_account_ask_decode(body, &address) == 0)
			same(body, again, directory_account_ask_encode(address,
			    again));
		break;
	case 3:
		if (directory_account_decode(body, &account) == 0)
			same(body, again, directory_account_encode(&account,
			    again));
		break;
	}
	return 0;
}
