/*
 * Any message, converted both ways: it comes to an end, in bounded output that
 * has lines, and its structure is what it was.  (Not where a field has a NUL or
 * a CR alone: what such a field says, each reader decides for himself.)
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/message/downgrade.h"
#include "common/message/structure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ssize_t
read_text(void *ctx, uint64_t at, void *buf, size_t len)
{
	memcpy(buf, (const uint8_t *)ctx + at, len);
	return (ssize_t)len;
}

static void
has_lines(const char *out, size_t len)
{
	char last = 'x';

	for (size_t i = 0; i < len; last = out[i++])
		if (out[i] == '\0' || (last == '\r') != (out[i] == '\n'))
			abort();
	if (last == '\r')
		abort();
}

static bool
is_odd(const char *in, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (in[i] == '\0' || (in[i] == '\r' &&
		    (i + 1 == len || in[i + 1] != '\n')))
			return true;
	return false;
}

static struct mime *
parsed(const char *text, size_t len)
{
	struct mime_parser *p = mime_parser_new(&mime_default_limits);
	struct mime *m;

	mime_feed(p, slice_of(text, len));
	m = mime_finish(p);
	mime_parser_free(p);
	return m;
}

static void
same_structure(const char *in, size_t in_len, const char *out, size_t len)
{
	struct mime *a = parsed(in, in_len), *b = parsed(out, len);

	if (a->parts_len != b->parts_len)
		abort();
	for (uint32_t i = 0; i < a->parts_len; i++)
		if (a->parts[i].parent != b->parts[i].parent)
			abort();
	mime_free(a);
	mime_free(b);
}

static void
run(const uint8_t *data, size_t size, unsigned flags)
{
	struct downgrade_source source = { read_text,
		(void *)(uintptr_t)data, size };
	struct downgrade *d = NULL;
	size_t total = 0, most = 4 * size + 65536;
	char *out;
	ssize_t n;

	if (downgrade_new(&source, flags, &d) != DOWNGRADE_OK)
		return;
	out = malloc(most + DOWNGRADE_OUT_MIN);
	while ((n = downgrade_next(d, out + total, DOWNGRADE_OUT_MIN)) > 0)
		if ((total += (size_t)n) > most)
			abort();
	if (n == -1)
		abort();
	has_lines(out, total);
	if (!is_odd((const char *)data, size))
		same_structure((const char *)data, size, out, total);
	free(out);
	downgrade_free(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	run(data, size, 0);
	run(data, size, DOWNGRADE_KEEP_8BIT);
	return 0;
}
