/* Any message, converted both ways: it comes to an end, in bounded output. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/message/downgrade.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ssize_t
read_text(void *ctx, uint64_t at, void *buf, size_t len)
{
	memcpy(buf, (const uint8_t *)ctx + at, len);
	return (ssize_t)len;
}

static void
run(const uint8_t *data, size_t size, bool keep)
{
	struct downgrade_source source = { read_text,
		(void *)(uintptr_t)data, size };
	struct downgrade *d = NULL;
	size_t total = 0, most = 4 * size + 65536;
	char out[DOWNGRADE_OUT_MIN];
	ssize_t n;

	if (downgrade_new(&source, keep, &d) != DOWNGRADE_OK)
		return;
	while ((n = downgrade_next(d, out, sizeof(out))) > 0)
		if ((total += (size_t)n) > most)
			abort();
	if (n == -1)
		abort();
	downgrade_free(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	run(data, size, false);
	run(data, size, true);
	return 0;
}
