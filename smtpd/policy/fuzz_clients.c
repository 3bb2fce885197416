/* The table of clients: whatever it says, every question has an answer. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "smtpd/policy/lists.h"
#include "smtpd/policy/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct net_address a = { .family = NET_IPV4,
		.octets = { 192, 0, 2, 1 } };
	struct rules_subject who = { .client = &a,
		.name = SLICE_LITERAL("a.b.example"),
		.helo = SLICE_LITERAL("x"), .has_sender = true };
	struct list_reply reply;
	struct table_error err = { 0 };
	struct rules *t;

	if (size > 65536)
		return 0;
	list_reply_parse(in, &reply);
	if ((t = rules_compile(in, &err)) == NULL) {
		assert(err.text[0] != '\0');
		return 0;
	}
	rules_match(t, &who);
	who.sender = slice_of(data, size < 600 ? size : 600);
	a.family = NET_IPV6;
	rules_match(t, &who);
	rules_free(t);
	return 0;
}
