/* The payloads of records and of the index; the first octet says which. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "queue-manager/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
state_again(struct slice in)
{
	struct message *m = message_state_get(1, in);
	struct ipc_writer w;
	size_t size;
	void *buf;

	if (m == NULL)
		return;
	size = message_state_size(m);
	buf = malloc(size);
	assert(buf != NULL);
	ipc_writer_init(&w, buf, size);
	message_state_put(&w, m);
	assert(!w.failed && w.len == size);
	message_free(m);
	m = message_state_get(1, slice_of(buf, size));
	assert(m != NULL);
	message_free(m);
	free(buf);
}

static void
message(struct slice in)
{
	struct place place = { 1, 4096, (uint32_t)in.len };
	struct event_message e;

	if (event_message_get(in, &e) == 0)
		message_free(message_from_record(1, &place, &e));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event_expanded expanded;
	struct event_target target;
	struct event_result result;
	struct clock_mark mark;
	struct slice in, address;
	uint64_t ceiling;
	uint32_t n = 0;
	bool held;

	if (size == 0)
		return 0;
	in = slice_of(data + 1, size - 1);
	switch (data[0] % 8) {
	case 0:
		message(in);
		break;
	case 1:
		if (event_expanded_get(in, &expanded) == -1)
			break;
		while (event_address_next(&expanded.addresses, &address))
			n++;
		assert(n == expanded.count);
		break;
	case 7:
		if (event_targets_get(in, &expanded) == -1)
			break;
		while (event_target_next(&expanded.addresses, &target))
			n++;
		assert(n == expanded.count);
		break;
	case 2:
		(void)event_result_get(in, &result);
		break;
	case 3:
		(void)event_hold_get(in, &held);
		break;
	case 4:
		(void)event_ids_get(in, &ceiling);
		break;
	case 5:
		(void)event_clock_get(in, &mark);
		break;
	default:
		state_again(in);
	}
	return 0;
}
