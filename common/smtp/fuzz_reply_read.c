/* Replies of any server, cut anywhere; what is said does not depend on it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/smtp/capabilities.h"
#include "common/smtp/reply_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum parse
read_all(struct slice in, size_t step, struct smtp_reply_read *r,
    struct smtp_capabilities *c, size_t *taken)
{
	size_t from = 0, have = 0, used;
	enum smtp_reply_fault why;
	struct slice line;
	enum parse p;

	for (;;) {
		p = smtp_reply_take(r, slice_of(in.at + from, have - from),
		    &used, &line, &why);
		if (used > have - from)
			abort();
		from += used;
		if (used > 0 && r->lines > 1)
			smtp_capabilities_line(c, line);
		if (p != PARSE_MORE || (used == 0 && have == in.len))
			break;
		if (used == 0)
			have = have + step < in.len ? have + step : in.len;
	}
	smtp_capabilities_end(c);
	*taken = from;
	return p;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smtp_reply_read r[2] = { 0 };
	struct smtp_capabilities c[2] = { 0 };
	struct slice in = slice_of(data, size);
	size_t taken[2];
	enum parse p = read_all(in, size + 1, &r[0], &c[0], &taken[0]);

	if (p != read_all(in, 1 + size / 7, &r[1], &c[1], &taken[1]) ||
	    taken[0] != taken[1] || r[0].code != r[1].code ||
	    c[0].have != c[1].have)
		abort();
	if (p == PARSE_OK && (r[0].code < 200 || r[0].code > 599 ||
	    (r[0].enhanced[0] != 0 && r[0].enhanced[0] != r[0].code / 100)))
		abort();
	for (size_t i = 0; i < r[0].text_len; i++)
		if (r[0].text[i] < ' ' || r[0].text[i] > '~')
			abort();
	return 0;
}
