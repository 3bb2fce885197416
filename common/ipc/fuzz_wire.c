/* Any octets as a message between any two roles: refused or within its rule. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/ipc/start.h"
#include "common/ipc/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ipc_message m = { 0 };
	struct start_account account;
	enum start_refusal refusal;
	struct ticket ticket;
	const char *why = NULL;
	struct slice in;
	uint8_t role;
	int good;
	char *copy;

	if (size < 3)
		return 0;
	m.nfds = data[2] % (IPC_FDS_MAX + 1);
	copy = malloc(size - 3 + 1);
	memcpy(copy, data + 3, size - 3);
	in = slice_of(copy, size - 3);
	if (ipc_wire_check(in, data[0] % IPC_ROLE_COUNT,
	    data[1] % IPC_ROLE_COUNT, &m, &why) == 0) {
		assert(m.body.len <= m.rule->max);
		in = m.body;
	} else
		assert(why != NULL);
	start_ticket_decode(in, &ticket);
	start_redeem_decode(in, &ticket, &role);
	start_account_decode(in, &good, &account);
	start_refusal_decode(in, &refusal);
	free(copy);
	return 0;
}
