#include "imapd/session/search_text.h"

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

int
needle_init(struct needle *n, struct slice text, struct arena *arena)
{
	char *at = arena_alloc(arena, text.len + 1, 1);
	size_t k = 0;

	*n = (struct needle){ .found = text.len == 0 };
	n->fail = arena_alloc(arena, text.len + 1, sizeof(*n->fail));
	if (at == NULL || n->fail == NULL)
		return -1;
	for (size_t i = 0; i < text.len; i++)
		at[i] = lower(text.at[i]);
	n->text = slice_of(at, text.len);
	for (size_t i = 1; i < text.len; i++) {
		while (k > 0 && at[i] != at[k])
			k = n->fail[k - 1];
		if (at[i] == at[k])
			k++;
		n->fail[i] = (uint32_t)k;
	}
	return 0;
}

void
needle_restart(struct needle *n)
{
	n->at = 0;
}

void
needle_feed(struct needle *n, struct slice text)
{
	for (size_t i = 0; i < text.len && !n->found; i++) {
		char c = lower(text.at[i]);

		while (n->at > 0 && n->text.at[n->at] != c)
			n->at = n->fail[n->at - 1];
		if (n->text.at[n->at] == c)
			n->at++;
		n->found = n->at == n->text.len;
	}
}
