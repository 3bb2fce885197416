#include "common/unicode/normal.h"

#include <stdlib.h>

#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

int
unicode_normal(struct slice in, bool small, char *out, size_t size)
{
	const uint8_t *from = (const uint8_t *)in.at;
	uint8_t *got;
	size_t len = 0;
	int result = -1;

	if (u8_check(from, in.len) != NULL)
		return -1;
	got = small ? u8_tolower(from, in.len, NULL, UNINORM_NFC, NULL, &len)
		    : u8_normalize(UNINORM_NFC, from, in.len, NULL, &len);
	if (got != NULL && len <= size) {
		memcpy(out, got, len);
		result = (int)len;
	}
	free(got);
	return result;
}
