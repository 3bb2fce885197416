#include "imapd/session/set.h"

#include <stdlib.h>

#include "imapd/session/token.h"

static bool
take_end(struct slice *in, uint32_t *n)
{
	uint64_t v;

	*n = SET_STAR;
	if (take_char(in, '*'))
		return true;
	if (!take_number(in, UINT32_MAX, &v) || v == 0)
		return false;
	*n = (uint32_t)v;
	return true;
}

/* At most this many ranges are in there: one more than commas. */
static size_t
count_commas(struct slice in)
{
	size_t n = 0;

	for (size_t i = 0; i < in.len && in.at[i] != ' '; i++)
		n += in.at[i] == ',';
	return n;
}

bool
take_set(struct slice *in, struct arena *arena, struct set *set)
{
	size_t most = count_commas(*in) + 1;

	*set = (struct set){ .saved = take_char(in, '$') };
	if (set->saved)
		return true;
	set->range = arena_alloc(arena, most, sizeof(*set->range));
	if (set->range == NULL)
		return false;
	do {
		struct range *r = &set->range[set->len];

		if (set->len++ == most || !take_end(in, &r->first))
			return false;
		r->last = r->first;
		if (take_char(in, ':') && !take_end(in, &r->last))
			return false;
	} while (take_char(in, ','));
	return true;
}

static int
by_first(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

void
set_normalise(struct set *set, uint32_t star)
{
	size_t to = 0;

	for (size_t i = 0; i < set->len; i++) {
		struct range *r = &set->range[i];
		uint32_t a = r->first == SET_STAR ? star : r->first;
		uint32_t b = r->last == SET_STAR ? star : r->last;

		*r = a < b ? (struct range){ a, b } : (struct range){ b, a };
	}
	if (set->len == 0)
		return;
	qsort(set->range, set->len, sizeof(*set->range), by_first);
	for (size_t i = 0; i < set->len; i++) {
		struct range r = set->range[i];

		if (to > 0 && r.first <= set->range[to - 1].last) {
			if (r.last > set->range[to - 1].last)
				set->range[to - 1].last = r.last;
		} else if (to > 0 && r.first == set->range[to - 1].last + 1)
			set->range[to - 1].last = r.last;
		else
			set->range[to++] = r;
	}
	set->len = to;
}

bool
set_has(const struct set *set, uint32_t n)
{
	size_t low = 0, high = set->len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (n < set->range[mid].first)
			high = mid;
		else if (n > set->range[mid].last)
			low = mid + 1;
		else
			return true;
	}
	return false;
}

bool
set_exceeds(const struct set *set, uint32_t max)
{
	for (size_t i = 0; i < set->len; i++) {
		const struct range *r = &set->range[i];

		if (r->first == SET_STAR || r->last == SET_STAR)
			continue;	/* up to the last there is */
		if (r->first > max || r->last > max)
			return true;
	}
	return false;
}
