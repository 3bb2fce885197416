#include "imapd/session/arena.h"

#include <stdlib.h>

enum { BLOCK_SIZE = 4096, ALIGN = 16 };

struct arena_block {
	struct arena_block	*next;
	size_t			 len, size;
	_Alignas(ALIGN) char	 at[];
};

static struct arena_block *
block_for(struct arena *a, size_t n)
{
	size_t size = n < BLOCK_SIZE ? BLOCK_SIZE : n;
	struct arena_block *b = a->blocks;

	if (b != NULL && b->size - b->len >= n)
		return b;
	if ((b = malloc(sizeof(*b) + size)) == NULL)
		return NULL;
	b->next = a->blocks;
	b->len = 0;
	b->size = size;
	a->blocks = b;
	return b;
}

void *
arena_alloc(struct arena *a, size_t n, size_t size)
{
	struct arena_block *b;
	size_t len;
	void *at;

	if (__builtin_mul_overflow(n, size, &len) || len > ARENA_MAX)
		return NULL;
	len = (len + ALIGN - 1) / ALIGN * ALIGN;
	if (a->used + len > ARENA_MAX || (b = block_for(a, len)) == NULL)
		return NULL;
	at = b->at + b->len;
	b->len += len;
	a->used += len;
	return memset(at, 0, len);
}

struct slice
arena_copy(struct arena *a, struct slice s)
{
	char *at = arena_alloc(a, s.len + 1, 1);

	if (at != NULL && s.len > 0)
		memcpy(at, s.at, s.len);
	return slice_of(at, s.len);
}

void
arena_clear(struct arena *a)
{
	while (a->blocks != NULL) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	a->used = 0;
}
