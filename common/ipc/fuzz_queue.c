/* The bodies of the queue's channels; the first octet chooses which. */
#include <stdint.h>

#include "common/ipc/control.h"
#include "common/ipc/queue.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
rows(struct slice body)
{
	struct queue_recipient_row rcpt;
	struct queue_row row;
	struct ipc_reader r;

	ipc_reader_init(&r, body);
	while (r.in.len > 0 && queue_row_get(&r, &row) == 0)
		for (unsigned i = 0; i < row.n_listed && !r.failed; i++)
			queue_recipient_row_get(&r, &rcpt);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	union {
		struct queue_ids ids;
		struct queue_part part;
		struct queue_enqueue enqueue;
		struct queue_refused refused;
		struct queue_ask ask;
		struct queue_done done;
		struct queue_flush_ask flush;
		struct queue_flush_answer begun;
		uint64_t id;
	} u;
	struct slice body;

	if (size == 0)
		return 0;
	body = slice_of(data + 1, size - 1);
	switch (data[0] % 10) {
	case 0: queue_ids_decode(body, &u.ids); break;
	case 1: queue_part_decode(body, &u.part); break;
	case 2: queue_enqueue_decode(body, &u.enqueue); break;
	case 3: queue_refused_decode(body, &u.refused); break;
	case 4: queue_ask_decode(body, &u.ask); break;
	case 5: queue_done_decode(body, &u.done); break;
	case 6: queue_id_decode(body, &u.id); break;
	case 7: queue_flush_ask_decode(body, &u.flush); break;
	case 8: queue_flush_answer_decode(body, &u.begun); break;
	default: rows(body); break;
	}
	return 0;
}
