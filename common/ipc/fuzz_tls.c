/* What is asked of tlskeyd and answered by it; the first octet says which. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/ipc/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t again[TLS_BODY_MAX];

static void
same(struct slice body, size_t len)
{
	assert(len == body.len && memcmp(again, body.at, len) == 0);
}

static void
fuzz_keys(struct slice body)
{
	static struct tls_key_id ids[TLS_KEYS_MAX];
	size_t n;

	if (tls_keys_decode(body, ids, &n) == 0)
		same(body, tls_keys_encode(ids, n, again));
}

static void
fuzz_block(struct slice body)
{
	char name[TLS_NAME_MAX + 1];
	uint32_t roles;

	if (tls_block_decode(body, name, &roles) == 0)
		same(body, tls_block_encode(name, roles, again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_sign sign;
	struct tls_ticket_keys tickets;
	enum tls_refusal why;
	struct slice body, sig;

	if (size == 0 || size > TLS_BODY_MAX)
		return 0;
	body = slice_of(data + 1, size - 1);
	switch (data[0] % 6) {
	case 0:
		if (tls_sign_decode(body, &sign) == 0)
			same(body, tls_sign_encode(&sign, again));
		break;
	case 1:
		if (tls_signed_decode(body, &sig) == 0)
			same(body, tls_signed_encode(sig, again));
		break;
	case 2:
		if (tls_refused_decode(body, &why) == 0)
			same(body, tls_refused_encode(why, again));
		break;
	case 3:
		fuzz_keys(body);
		break;
	case 4:
		if (tls_tickets_decode(body, &tickets) == 0)
			same(body, tls_tickets_encode(&tickets, again));
		break;
	case 5:
		fuzz_block(body);
		break;
	}
	return 0;
}
