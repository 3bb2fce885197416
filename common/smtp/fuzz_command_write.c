/*
 * Whatever an address holds, what is written is one line whose path ends where
 * the address does.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/smtp/command_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
one_line(const char *out, size_t len)
{
	if (len == 0)
		return;
	if (len < 2 || memcmp(out + len - 2, "\r\n", 2) != 0)
		abort();
	for (size_t i = 0; i + 2 < len; i++)
		if ((unsigned char)out[i] < ' ' || out[i] == 127)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char out[SMTP_COMMAND_WRITE_MAX];
	size_t cut = size > 0 ? data[0] % size : 0;
	struct slice a = slice_of(data, cut);
	struct slice b = slice_of((const char *)data + cut, size - cut);
	struct smtp_mail_write m = { .reverse_path = a, .envid = b,
		.has_size = true, .size = size, .auth = b };
	struct smtp_rcpt_write r = { .address = a, .orcpt = b,
		.notify = size & 15, .smtputf8 = size & 16 };

	if (size > 2048)
		return 0;
	one_line(out, smtp_mail_write(&m, out, sizeof(out)));
	one_line(out, smtp_rcpt_write(&r, out, sizeof(out)));
	return 0;
}
