#include "common/mailbox/sealed.h"

#include <stdio.h>
#include <string.h>

#include "common/checksum/crc32c.h"

static void
seal_of(const char *text, size_t len, char to[SEAL_LEN + 1])
{
	snprintf(
	    to, SEAL_LEN + 1, "crc32c %08x\n", (unsigned)crc32c(0, text, len));
}

size_t
seal_put(char *text, size_t len)
{
	seal_of(text, len, text + len);
	return len + SEAL_LEN;
}

bool
seal_take(struct slice *text)
{
	char want[SEAL_LEN + 1];
	size_t len;

	if (text->len < SEAL_LEN)
		return false;
	len = text->len - SEAL_LEN;
	seal_of(text->at, len, want);
	if (memcmp(text->at + len, want, SEAL_LEN) != 0)
		return false;
	text->len = len;
	return true;
}

bool
sealed_line(struct slice *text, struct slice *line)
{
	const char *end =
	    text->len > 0 ? memchr(text->at, '\n', text->len) : NULL;

	if (end == NULL)
		return false;
	*line = slice_of(text->at, (size_t)(end - text->at));
	*text = slice_skip(*text, line->len + 1);
	return true;
}
