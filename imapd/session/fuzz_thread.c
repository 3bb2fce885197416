/* Five octets a message and its references: each is told once, with its
 * parentheses. */
#include <assert.h>
#include <stdlib.h>

#include "imapd/session/thread.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(struct thread *t, size_t n)
{
	char out[128];
	size_t len, numbers = 0;
	bool in_number = false;
	long depth = 0;

	assert(thread_build(t) == 0);
	while ((len = thread_write(t, out, sizeof(out))) > 0)
		for (size_t i = 0; i < len; i++) {
			bool digit = out[i] >= '0' && out[i] <= '9';

			numbers += digit && !in_number;
			in_number = digit;
			depth += out[i] == '(' ? 1 : out[i] == ')' ? -1 : 0;
			assert(depth >= 0 && (depth > 0 || out[i] == ')'));
		}
	assert(depth == 0 && numbers == n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct thread *t;
	uint32_t n = 0;

	if (size < 1 || (t = thread_new((enum thread_algorithm)(data[0] & 1))) ==
	    NULL)
		return 0;
	for (size_t i = 1; i + 5 <= size; n++) {
		struct thread_message m = { .number = n + 1, .id = data[i],
			.subject = data[i + 1] & 7, .reply = data[i + 1] >> 7,
			.date = data[i + 2] };
		size_t refs = data[i + 3] & 15;
		uint64_t ref[16];

		for (size_t k = 0; k < refs; k++)
			ref[k] = (uint64_t)data[(i + 4 + k) % size] + 1;
		assert(thread_add(t, &m, ref, refs) == 0);
		i += 4 + refs;
	}
	check(t, n);
	thread_free(t);
	return 0;
}
