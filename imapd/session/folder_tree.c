#include "imapd/session/folder_tree.h"

#include <stdlib.h>
#include <string.h>

int
folder_tree_add(struct folder_tree *t, struct slice name, uint8_t is)
{
	if (t->len == t->size) {
		size_t size = t->size == 0 ? 64 : t->size * 2;
		struct folder_node *now =
		    reallocarray(t->node, size, sizeof(*now));

		if (now == NULL)
			return -1;
		t->node = now;
		t->size = size;
	}
	t->node[t->len++] = (struct folder_node){ .at = name.at,
		.len = (uint16_t)name.len, .is = is, .parent = NODE_NONE };
	return 0;
}

void
folder_tree_clear(struct folder_tree *t)
{
	free(t->node);
	t->node = NULL;
	t->len = t->size = 0;
}

/*
 * The separator counts lowest, so that all inferiors of a name follow it at
 * once.
 */
static int
by_place(const void *a, const void *b, void *separator)
{
	const struct folder_node *x = a, *y = b;
	size_t n = x->len < y->len ? x->len : y->len;
	char sep = *(const char *)separator;

	for (size_t i = 0; i < n; i++) {
		unsigned c = (unsigned char)x->at[i];
		unsigned d = (unsigned char)y->at[i];

		if (c == d)
			continue;
		if (x->at[i] == sep || y->at[i] == sep)
			return x->at[i] == sep ? -1 : 1;
		return c < d ? -1 : 1;
	}
	return x->len == y->len ? 0 : x->len < y->len ? -1 : 1;
}

static bool
is_prefix(const struct folder_node *n, const struct folder_node *of, char sep)
{
	return n->len < of->len && of->at[n->len] == sep &&
	    memcmp(n->at, of->at, n->len) == 0;
}

static void
merge(struct folder_tree *t)
{
	size_t to = 0;

	for (size_t i = 1; i < t->len; i++) {
		struct folder_node *n = &t->node[i], *last = &t->node[to];

		if (n->len == last->len &&
		    memcmp(n->at, last->at, n->len) == 0) {
			last->is |= n->is;
		} else
			t->node[++to] = *n;
	}
	t->len = t->len == 0 ? 0 : to + 1;
}

/*
 * Superiors of n that were not there before it: the node in front of it is one
 * of them, lies below it, or there is none.
 */
static int
add_superiors(struct folder_tree *out, const struct folder_node *n,
    const struct folder_node *before)
{
	for (uint16_t len = 1; len < n->len; len++) {
		struct folder_node up = { .at = n->at, .len = len };

		if (n->at[len] != out->separator)
			continue;
		if (before != NULL && (is_prefix(&up, before, out->separator) ||
		    (before->len == len && memcmp(before->at, n->at, len) == 0)))
			continue;
		if (folder_tree_add(out, folder_node_name(&up), 0) == -1)
			return -1;
	}
	return folder_tree_add(out, folder_node_name(n), n->is);
}

static void
find_parents(struct folder_tree *t)
{
	for (size_t i = 1; i < t->len; i++) {
		uint32_t up = (uint32_t)i - 1;

		while (up != NODE_NONE &&
		    !is_prefix(&t->node[up], &t->node[i], t->separator))
			up = t->node[up].parent;
		t->node[i].parent = up;
	}
}

int
folder_tree_build(struct folder_tree *t)
{
	struct folder_tree out = { .separator = t->separator };

	if (t->len > 0)
		qsort_r(t->node, t->len, sizeof(*t->node), by_place,
		    &t->separator);
	merge(t);
	for (size_t i = 0; i < t->len; i++)
		if (add_superiors(&out, &t->node[i],
		    i > 0 ? &t->node[i - 1] : NULL) == -1) {
			folder_tree_clear(&out);
			return -1;
		}
	folder_tree_clear(t);
	*t = out;
	find_parents(t);
	for (size_t i = t->len; i-- > 1;) {
		const struct folder_node *n = &t->node[i];

		if (n->parent != NODE_NONE &&
		    (n->is & (NODE_EXISTS | NODE_HAS_CHILDREN)) != 0)
			t->node[n->parent].is |= NODE_HAS_CHILDREN;
	}
	return 0;
}

struct folder_node *
folder_tree_find(struct folder_tree *t, struct slice name)
{
	struct folder_node key = { .at = name.at, .len = (uint16_t)name.len };

	for (size_t low = 0, high = t->len; low < high;) {
		size_t mid = low + (high - low) / 2;
		int d = by_place(&key, &t->node[mid], &t->separator);

		if (d == 0)
			return &t->node[mid];
		if (d < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

void
folder_tree_choose(struct folder_tree *t)
{
	for (size_t i = t->len; i-- > 1;) {
		const struct folder_node *n = &t->node[i];
		uint8_t below = n->is & (NODE_CHOSEN_BELOW | NODE_UNSEEN_BELOW);

		if (n->parent == NODE_NONE)
			continue;
		if ((n->is & NODE_CHOSEN) != 0)
			below |= (n->is & NODE_MATCHES) != 0 ?
			    NODE_CHOSEN_BELOW :
			    NODE_CHOSEN_BELOW | NODE_UNSEEN_BELOW;
		t->node[n->parent].is |= below;
	}
}
