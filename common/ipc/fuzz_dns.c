/* Questions to resolver and its answers; the first octet says which. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/ipc/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
question(struct slice body)
{
	uint8_t again[DNS_ASK_MAX];
	struct dns_question q;
	size_t len;

	if (dns_question_decode(body, &q) == -1)
		return;
	assert(q.name.len > 0 && q.name.len <= DNS_NAME_MAX);
	len = dns_question_encode(&q, again);
	assert(len == body.len && memcmp(again, body.at, len) == 0);
}

/* What was taken is built again: the same octets must come out. */
static void
answer(struct slice body)
{
	static uint8_t again[DNS_ANSWER_MAX];
	struct dns_answer a;
	struct dns_builder b;
	struct dns_record rec;
	size_t len;

	if (dns_answer_decode(body, &a) == -1)
		return;
	dns_builder_begin(&b, &a, again);
	while (dns_answer_next(&a, &rec))
		assert(dns_builder_add(&b, &rec));
	len = dns_builder_end(&b);
	assert(len == body.len && memcmp(again, body.at, len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > DNS_ANSWER_MAX)
		return 0;
	if (data[0] % 2 == 0)
		question(slice_of(data + 1, size - 1));
	else
		answer(slice_of(data + 1, size - 1));
	return 0;
}
