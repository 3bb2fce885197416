#include "common/mailbox/crlf.h"

#include <string.h>

size_t
crlf_expanded_len(struct crlf *c, const char *in, size_t len)
{
	const char *at = in, *end = in + len, *lf;
	size_t n = len;

	if (len == 0)
		return 0;
	while ((lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		bool cr = lf > in ? lf[-1] == '\r' : c->after_cr;
		if (!cr)
			n++;
		at = lf + 1;
	}
	c->after_cr = end[-1] == '\r';
	return n;
}

size_t
crlf_expand(struct crlf *c, const char *in, size_t len, char *out)
{
	const char *at = in, *end = in + len, *lf;
	char *to = out;

	if (len == 0)
		return 0;
	while ((lf = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		bool cr = lf > in ? lf[-1] == '\r' : c->after_cr;
		size_t n = (size_t)(lf - at);

		memcpy(to, at, n);
		to += n;
		if (!cr)
			*to++ = '\r';
		*to++ = '\n';
		at = lf + 1;
	}
	memcpy(to, at, (size_t)(end - at));
	to += end - at;
	c->after_cr = end[-1] == '\r';
	return (size_t)(to - out);
}

size_t
crlf_reduce(struct crlf *c, const char *in, size_t len, char *out)
{
	const char *at = in, *end = in + len, *cr;
	char *to = out;

	if (len == 0)
		return 0;
	if (c->after_cr && *at != '\n')
		*to++ = '\r';
	c->after_cr = false;
	while ((cr = memchr(at, '\r', (size_t)(end - at))) != NULL) {
		size_t n = (size_t)(cr - at);

		memcpy(to, at, n);
		to += n;
		at = cr + 1;
		if (at == end)
			c->after_cr = true;
		else if (*at != '\n')
			*to++ = '\r';
	}
	memcpy(to, at, (size_t)(end - at));
	to += end - at;
	return (size_t)(to - out);
}

bool
crlf_reduce_end(struct crlf *c)
{
	bool owed = c->after_cr;

	c->after_cr = false;
	return owed;
}
