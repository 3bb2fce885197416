#include <string.h>

#include "common/smtp/stuff.h"

/* Up to and including the next LF, as far as size allows. */
static size_t
run_len(struct slice in, size_t size)
{
	size_t len = in.len < size ? in.len : size;
	const char *lf = memchr(in.at, '\n', len);

	return lf != NULL ? (size_t)(lf - in.at) + 1 : len;
}

size_t
smtp_stuff(struct smtp_stuff *st, struct slice *in, char *out, size_t size)
{
	size_t w = 0, n;

	while (in->len > 0 && w < size) {
		if (!st->in_line && in->at[0] == '.') {
			if (size - w < 2)
				break;
			out[w++] = '.';
		}
		n = run_len(*in, size - w);
		memcpy(out + w, in->at, n);
		w += n;
		st->in_line = out[w - 1] != '\n';
		st->after_cr = out[w - 1] == '\r';
		*in = slice_skip(*in, n);
	}
	return w;
}

size_t
smtp_stuff_stored(struct smtp_stuff *st, struct slice in, char *out)
{
	char *to = out;

	while (in.len > 0) {
		const char *lf = memchr(in.at, '\n', in.len);
		size_t n = lf != NULL ? (size_t)(lf - in.at) : in.len;

		if (!st->in_line && in.at[0] == '.')
			*to++ = '.';
		if (n > 0) {
			to = mempcpy(to, in.at, n);
			st->after_cr = to[-1] == '\r';
			st->in_line = true;
		}
		if (lf == NULL)
			break;
		if (!st->after_cr)
			*to++ = '\r';
		*to++ = '\n';
		*st = (struct smtp_stuff){ 0 };
		in = slice_skip(in, n + 1);
	}
	return (size_t)(to - out);
}

size_t
smtp_stuff_end(struct smtp_stuff *st, char *out)
{
	size_t w = 0;

	if (st->in_line && !st->after_cr)
		out[w++] = '\r';
	if (st->in_line)
		out[w++] = '\n';
	memcpy(out + w, ".\r\n", 3);
	*st = (struct smtp_stuff){ 0 };
	return w + 3;
}
