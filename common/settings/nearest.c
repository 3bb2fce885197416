#include "common/settings/nearest.h"

#define NAME_MAX_ 64

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment, three rows at a time. */
size_t
nearest_distance(struct slice a, struct slice b)
{
	size_t rows[3][NAME_MAX_ + 1];
	size_t *before = rows[0], *above = rows[1], *here = rows[2];

	if (a.len > NAME_MAX_ || b.len > NAME_MAX_)
		return NAME_MAX_ + 1;
	for (size_t j = 0; j <= b.len; j++)
		above[j] = before[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *spare = before;

		here[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			bool same = a.at[i - 1] == b.at[j - 1];

			here[j] = least(least(above[j], here[j - 1]) + 1,
			    above[j - 1] + !same);
			if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] &&
			    a.at[i - 2] == b.at[j - 1])
				here[j] = least(here[j], before[j - 2] + 1);
		}
		before = above;
		above = here;
		here = spare;
	}
	return above[b.len];
}

size_t
nearest_limit(size_t len)
{
	return len < 4 ? 1 : len / 3 + 1;
}
