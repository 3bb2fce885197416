/* DNS messages, and the host's files; the first octet says which. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "resolver/host_files.h"
#include "resolver/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever the message was: what is made of it, a stage takes. */
static void
packet(struct slice in, enum dns_type type)
{
	static uint8_t buf[DNS_ANSWER_MAX];
	struct dns_question q = { type, SLICE_LITERAL("example.org") };
	struct dns_answer a;
	struct dns_record rec;
	size_t len = packet_to_answer(in, &q, type == DNS_MX, buf);

	if (len == 0)
		return;
	assert(dns_answer_decode(slice_of(buf, len), &a) == 0);
	while (dns_answer_next(&a, &rec))
		assert(rec.type == type);
}

static void
anchors(struct slice in)
{
	char out[ANCHOR_MAX];
	unsigned line = 0;

	while (anchor_next(&in, &line, out) == PARSE_OK)
		assert(strlen(out) < ANCHOR_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = { DNS_A, DNS_CNAME, DNS_PTR,
		DNS_MX, DNS_TXT, DNS_AAAA, DNS_TLSA };
	struct net_address servers[NAMESERVERS_MAX];
	struct slice in;

	if (size == 0 || size > 65536)
		return 0;
	in = slice_of(data + 1, size - 1);
	if (data[0] < 7)
		packet(in, types[data[0]]);
	else if (data[0] == 7)
		anchors(in);
	else
		assert(nameservers_read(in, servers) <= NAMESERVERS_MAX);
	return 0;
}
