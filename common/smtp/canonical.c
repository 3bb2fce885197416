#include "common/smtp/canonical.h"

/* A LF at i counts only with a CR before it, and a CR only with its LF. */
static bool
line_end_at(const struct smtp_canonical *c, struct slice in, size_t i)
{
	return i > 0 ? in.at[i - 1] == '\r' : c->after_cr;
}

bool
smtp_canonical_take(struct smtp_canonical *c, struct slice in)
{
	size_t from = 0, lfs = 0, crs = 0;
	const char *p;

	if (in.len == 0)
		return true;
	if (c->after_cr && in.at[0] != '\n')
		return false;
	/* Every LF has its CR, and there are no more CRs than that (but for one
	 * at the very end, which the next octets must complete). */
	while ((p = memchr(in.at + from, '\n', in.len - from)) != NULL) {
		size_t i = (size_t)(p - in.at);

		if (!line_end_at(c, in, i))
			return false;
		lfs += i > 0;
		if ((from = i + 1) == in.len)
			break;
	}
	for (from = 0; from < in.len && (p = memchr(in.at + from, '\r',
	    in.len - from)) != NULL; from = (size_t)(p - in.at) + 1)
		crs++;
	c->after_cr = in.at[in.len - 1] == '\r';
	return crs == lfs + c->after_cr;
}
