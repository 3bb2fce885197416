/*
 * What a check lets through decodes to printable ASCII, and back; an ORCPT of
 * the type utf-8 to characters that may stand in a name, too.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/smtp/dsn.h"
#include "common/utf8/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
decode(struct slice in)
{
	char *out = malloc(in.len + 1), *code = malloc(in.len * 3 + 1);
	size_t len = smtp_xtext_decode(in, out), n;

	assert(len <= in.len);
	for (size_t i = 0; i < len; i++)
		assert(out[i] >= ' ' && out[i] <= '~');
	n = smtp_xtext_encode(slice_of(out, len), code, in.len * 3);
	assert(len == 0 || n >= len);
	assert(smtp_xtext_decode(slice_of(code, n), code) == len);
	assert(len == 0 || memcmp(code, out, len) == 0);
	free(out);
	free(code);
}

static void
decode_orcpt(struct slice in)
{
	bool beyond = slice_starts_nocase(in, SLICE_LITERAL("utf-8;"));
	char *out = malloc(in.len + 1);
	size_t len = smtp_orcpt_decode(in, out), n;

	assert(len <= in.len);
	for (size_t i = 0; i < len; i += n) {
		n = beyond ? utf8_non_ascii(slice_of(out + i, len - i)) : 0;
		if (n > 0)
			continue;
		n = 1;
		assert(out[i] >= ' ' && out[i] <= '~');
	}
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + (size == 0));
	struct slice in = slice_of(copy, size);
	enum smtp_ret ret;
	unsigned notify;

	if (size > 0)
		memcpy(copy, data, size);
	if (smtp_notify_parse(in, &notify) == PARSE_OK)
		assert(notify == SMTP_NOTIFY_NEVER ||
		    (notify > 0 && !(notify & SMTP_NOTIFY_NEVER)));
	smtp_ret_parse(in, &ret);
	if (smtp_envid_check(in) == PARSE_OK)
		decode(in);
	if (smtp_orcpt_check(in) == PARSE_OK)
		decode_orcpt(in);
	free(copy);
	return 0;
}
