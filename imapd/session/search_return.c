#include "imapd/session/search_return.h"

#include "imapd/session/token.h"

static bool
take_position(struct slice *in, bool from_end, uint32_t *n)
{
	uint64_t v;

	if ((from_end && !take_char(in, '-')) ||
	    !take_number(in, UINT32_MAX, &v) || v == 0)
		return false;
	*n = (uint32_t)v;
	return true;
}

bool
take_partial_range(struct slice *in, struct partial *p)
{
	p->from_end = in->len > 0 && in->at[0] == '-';
	return take_position(in, p->from_end, &p->first) &&
	    take_char(in, ':') && take_position(in, p->from_end, &p->last);
}

void
partial_of(const struct partial *p, size_t n, size_t *from, size_t *to)
{
	size_t low = p->first < p->last ? p->first : p->last;
	size_t high = p->first < p->last ? p->last : p->first;

	*from = *to = 0;
	if (low > n)
		return;
	if (high > n)
		high = n;
	*from = p->from_end ? n - high : low - 1;
	*to = p->from_end ? n - low + 1 : high;
}

static const struct {
	const char	*name;
	unsigned	 option;
} options[] = {
	{ "MIN", RETURN_MIN }, { "MAX", RETURN_MAX }, { "ALL", RETURN_ALL },
	{ "COUNT", RETURN_COUNT }, { "SAVE", RETURN_SAVE },
	{ "PARTIAL", RETURN_PARTIAL },
};

static bool
take_option(struct slice *in, struct search_return *r)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (!take_word(in, options[i].name))
			continue;
		if (options[i].option == RETURN_PARTIAL &&
		    ((r->options & RETURN_PARTIAL) || !take_space(in) ||
			!take_partial_range(in, &r->partial)))
			return false;
		r->options |= options[i].option;
		return true;
	}
	return false;
}

bool
take_search_return(struct slice *in, struct search_return *r)
{
	*r = (struct search_return){ 0 };
	if (!take_word(in, "RETURN"))
		return true;
	r->extended = true;
	if (!take_space(in) || !take_char(in, '('))
		return false;
	if (take_char(in, ')')) {
		r->options = RETURN_ALL;	/* RFC 4731 section 3.1 */
		return take_space(in);
	}
	do {
		if (!take_option(in, r))
			return false;
	} while (take_space(in));
	/* RFC 9394 section 3.1: one or the other */
	return take_char(in, ')') && take_space(in) &&
	    (r->options & (RETURN_ALL | RETURN_PARTIAL)) !=
	    (RETURN_ALL | RETURN_PARTIAL);
}
