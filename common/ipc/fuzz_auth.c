/* The fields of logins and senders; the first octet says which. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/ipc/auth.h"
#include "common/ipc/sender.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
same(struct slice body, const void *again, size_t len)
{
	assert(len == body.len && (len == 0 ||
	    memcmp(again, body.at, len) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[AUTH_BODY_MAX];
	struct auth_login login;
	struct auth_apop apop;
	struct auth_pam_attempt attempt;
	struct slice body, a, b;
	struct ticket ticket;
	enum auth_refusal why;
	struct auth_sasl_start start;
	struct account account;
	uint64_t number;
	unsigned set;

	if (size == 0 || size > AUTH_BODY_MAX)
		return 0;
	body = slice_of(data + 1, size - 1);
	switch (data[0] % 11) {
	case 0:
		if (auth_login_decode(body, &login) == 0)
			same(body, again, auth_login_encode(&login, again));
		break;
	case 1:
		if (auth_ticket_decode(body, &ticket, &a) == 0)
			same(body, again, auth_ticket_encode(&ticket, a,
			    again));
		break;
	case 2:
		if (auth_verify_decode(body, &a, &b) == 0)
			same(body, again, auth_verify_encode(a, b, again));
		break;
	case 3:
		if (auth_pam_attempt_decode(body, &attempt) == 0)
			same(body, again, auth_pam_attempt_encode(&attempt,
			    again));
		break;
	case 4:
		if (auth_refusal_decode(body, &why) == 0)
			same(body, again, auth_refusal_encode(why, again));
		break;
	case 5:
		if (auth_sasl_start_decode(body, &start) == 0)
			same(body, again, auth_sasl_start_encode(&start,
			    again));
		break;
	case 6:
		if (auth_sasl_message_decode(body, &number, &a) == 0)
			same(body, again, auth_sasl_message_encode(number, a,
			    again));
		break;
	case 7:
		if (auth_account_decode(body, &account, &a) == 0)
			same(body, again, auth_account_encode(&account, a,
			    again));
		break;
	case 8:
		if (auth_offer_decode(body, &set) == 0)
			same(body, again, auth_offer_encode(set, again));
		break;
	case 9:
		if (sender_ask_decode(body, &account, &a) == 0)
			same(body, again, sender_ask_encode(&account, a,
			    again));
		break;
	case 10:
		if (auth_apop_decode(body, &apop) == 0)
			same(body, again, auth_apop_encode(&apop, again));
		break;
	}
	return 0;
}
