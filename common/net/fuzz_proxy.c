#include <assert.h>
#include <stdint.h>

#include "common/net/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct proxy_header h, again;
	size_t used, used_again;
	enum parse p = proxy_header_take(in, &h, &used);

	assert(p != PARSE_MORE || size < PROXY_V2_MAX);
	if (p != PARSE_OK)
		return 0;
	assert(used <= size && used <= PROXY_V2_MAX);
	assert(h.local || h.client.family == NET_IPV4 ||
	    h.client.family == NET_IPV6);
	/* What follows it has no part in it. */
	in.len = used;
	assert(proxy_header_take(in, &again, &used_again) == PARSE_OK &&
	    used_again == used);
	if (used > 0) {
		in.len--;
		assert(proxy_header_take(in, &again, &used_again) ==
		    PARSE_MORE);
	}
	return 0;
}
