/* Any octets as a sequence of command lines with their arguments. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/smtp/address.h"
#include "common/smtp/command.h"
#include "common/utf8/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What is kept of it is never longer than what came, and UTF-8. */
static void
orcpt(struct slice value)
{
	char *kept = malloc(value.len + 1), *out;
	size_t len = smtp_orcpt_decode(value, kept);

	assert(len <= value.len);
	assert(utf8_is_valid(slice_of(kept, len)));
	for (size_t i = 0; i < len; i++)
		assert((unsigned char)kept[i] >= ' ' && kept[i] != 127);
	out = malloc(len * SMTP_UNITEXT_GROWS + 1);
	assert(smtp_unitext_encode(slice_of(kept, len), value.len % 2, out) <=
	    len * SMTP_UNITEXT_GROWS);
	free(out);
	free(kept);
}

static void
one_line(struct slice line)
{
	enum smtp_path_fault why;
	struct smtp_mail_params params;
	struct smtp_rcpt_params rcpt;
	struct smtp_command_line c;
	struct smtp_address a;
	size_t used;

	assert(memchr(line.at, '\n', line.len) == NULL);
	assert(memchr(line.at, '\r', line.len) == NULL);
	if (smtp_command_split(line, &c) != PARSE_OK)
		return;
	assert(c.verb.len > 0 && c.verb.len + c.args.len <= line.len);
	if (smtp_command_keyword(&c.args, SLICE_LITERAL("FROM:")) == PARSE_OK &&
	    smtp_path_parse(c.args, SMTP_PATH_REVERSE | SMTP_PATH_BARE |
		SMTP_PATH_UTF8, &smtp_path_limits_default, &a, &used, &why) ==
	    PARSE_OK)
		smtp_mail_params_parse(slice_skip(c.args, used), &params);
	else if (smtp_rcpt_params_parse(slice_skip(line, c.verb.len), &rcpt) ==
	    SMTP_PARAMS_OK)
		orcpt(rcpt.orcpt);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *in = malloc(size);
	struct slice rest = { in, size }, line;
	enum smtp_line_fault why;

	if (size > 0)
		memcpy(in, data, size);
	while (smtp_line_take(rest, 512, &line, &why) == PARSE_OK) {
		/* A copy of exact size: reading past its end is seen. */
		char *copy = malloc(line.len);

		if (line.len > 0)
			memcpy(copy, line.at, line.len);
		one_line(slice_of(copy, line.len));
		free(copy);
		rest = slice_skip(rest, line.len + 2);
	}
	free(in);
	return 0;
}
