/*
 * Output of a parser: a bounded run of octets in the caller's memory.  What
 * does not fit is dropped and remembered in cut; nothing is ever written
 * past size.
 */
#ifndef COMMON_MESSAGE_TEXT_H
#define COMMON_MESSAGE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "common/slice/slice.h"

struct text {
	char	*at;
	size_t	 len;
	size_t	 size;
	bool	 cut;
};

static inline struct text
text_in(char *at, size_t size)
{
	return (struct text){ at, 0, size, false };
}

static inline void
text_put(struct text *t, char c)
{
	if (t->len < t->size)
		t->at[t->len++] = c;
	else
		t->cut = true;
}

static inline void
text_add(struct text *t, struct slice s)
{
	size_t n = t->size - t->len;

	if (s.len > n)
		t->cut = true;
	else
		n = s.len;
	if (n > 0)
		memcpy(t->at + t->len, s.at, n);
	t->len += n;
}

/* What was written since the length was from. */
static inline struct slice
text_since(const struct text *t, size_t from)
{
	return slice_of(t->at + from, t->len - from);
}

#endif
