/*
 * Any octets as a path.  What is taken prints within the grammar, and parses
 * to itself again.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/idn/idn.h"
#include "common/smtp/address.h"
#include "common/utf8/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const struct smtp_address *a)
{
	struct slice text = smtp_address_slice(a);
	char *copy = malloc(text.len), content[256];
	struct smtp_address again;

	if (text.len > 0)
		memcpy(copy, text.at, text.len);
	for (size_t i = 0; i < text.len; i++)
		assert((unsigned char)copy[i] >= 32 && copy[i] != 127);
	assert(utf8_is_valid(slice_of(copy, text.len)));
	assert(smtp_address_parse(slice_of(copy, text.len), &again) == PARSE_OK);
	assert(again.kind == a->kind && again.local_len == a->local_len);
	assert(slice_equal(smtp_address_slice(&again), text));
	assert(smtp_address_equal(a, &again));
	assert(smtp_address_unquote(a, content) <= sizeof(content));
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_path_limits wide = { 248, 255, 1024 };
	enum smtp_path_fault why;
	struct smtp_address a, b;
	size_t used;
	char *in;

	if (size == 0)
		return 0;
	in = malloc(size - 1);
	if (size > 1)
		memcpy(in, data + 1, size - 1);
	if (smtp_path_parse(slice_of(in, size - 1), data[0] & 31,
		data[0] & 32 ? &wide : &smtp_path_limits_default, &a, &used,
		&why) == PARSE_OK) {
		assert(used <= size - 1 && why == SMTP_PATH_OK);
		assert((data[0] & SMTP_PATH_UTF8) || smtp_address_is_ascii(&a));
		if (a.kind != SMTP_UNQUALIFIED || smtp_address_parse(
		    smtp_address_slice(&a), &b) == PARSE_OK)
			check(&a);
		if (idn_address(&a) == 0)
			assert(slice_is_ascii(smtp_address_domain(&a)));
	} else
		assert(why != SMTP_PATH_OK);
	if (smtp_address_parse(slice_of(in, size - 1), &a) == PARSE_OK)
		check(&a);
	free(in);
	return 0;
}
