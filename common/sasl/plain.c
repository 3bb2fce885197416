#include "common/sasl/plain.h"

static struct slice
up_to_nul(struct slice *rest, bool *found)
{
	const char *nul = rest->len > 0 ? memchr(rest->at, 0, rest->len) : NULL;
	struct slice part = *rest;

	*found = nul != NULL;
	if (nul != NULL) {
		part.len = (size_t)(nul - rest->at);
		*rest = slice_skip(*rest, part.len + 1);
	} else
		*rest = slice_skip(*rest, rest->len);
	return part;
}

enum parse
sasl_plain_parse(struct slice message, struct sasl_plain *p)
{
	bool first, second, third;

	p->authzid = up_to_nul(&message, &first);
	p->authcid = up_to_nul(&message, &second);
	p->password = up_to_nul(&message, &third);
	if (!first || !second || third || p->authcid.len == 0 ||
	    p->password.len == 0)
		return PARSE_BAD;
	return PARSE_OK;
}
