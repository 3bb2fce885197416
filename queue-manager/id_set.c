#include "queue-manager/id_set.h"

#include <assert.h>
#include <stdlib.h>

enum { SIZE_FIRST = 256 };

/* Ids ascend, so the low bits alone would do; the factor spreads strides. */
static size_t
place_of(const struct id_set *s, uint64_t id)
{
	return (size_t)(id * 0x9e3779b97f4a7c15ULL >> 20) & (s->size - 1);
}

/* The slot of id, or the free one where it belongs. */
static size_t
find(const struct id_set *s, uint64_t id)
{
	size_t i = place_of(s, id);

	while (s->slots[i] != 0 && s->slots[i] != id)
		i = (i + 1) & (s->size - 1);
	return i;
}

static int
grow(struct id_set *s)
{
	struct id_set more = { .size = s->size == 0 ? SIZE_FIRST : s->size * 2 };

	more.slots = calloc(more.size, sizeof(*more.slots));
	if (more.slots == NULL)
		return -1;
	for (size_t i = 0; i < s->size; i++)
		if (s->slots[i] != 0)
			more.slots[find(&more, s->slots[i])] = s->slots[i];
	more.n = s->n;
	free(s->slots);
	*s = more;
	return 0;
}

int
id_set_add(struct id_set *s, uint64_t id)
{
	size_t i;

	assert(id != 0);
	if (2 * (s->n + 1) > s->size && grow(s) == -1)
		return -1;
	i = find(s, id);
	s->n += s->slots[i] == 0;
	s->slots[i] = id;
	return 0;
}

/* What stands behind in the same run moves up, so that it is still found. */
void
id_set_remove(struct id_set *s, uint64_t id)
{
	size_t hole, i;

	if (!id_set_has(s, id))
		return;
	hole = find(s, id);
	s->slots[hole] = 0;
	s->n--;
	for (i = (hole + 1) & (s->size - 1); s->slots[i] != 0;
	    i = (i + 1) & (s->size - 1)) {
		uint64_t moved = s->slots[i];

		s->slots[i] = 0;
		s->slots[find(s, moved)] = moved;
	}
}

bool
id_set_has(const struct id_set *s, uint64_t id)
{
	return s->n > 0 && s->slots[find(s, id)] == id;
}

void
id_set_clear(struct id_set *s)
{
	free(s->slots);
	*s = (struct id_set){ 0 };
}
