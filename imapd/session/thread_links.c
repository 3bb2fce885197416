#include "imapd/session/thread_links.h"

#include <assert.h>
#include <stdbool.h>

/*
 * Each tree of the forest is cut into paths, each path is a splay tree ordered
 * by depth (left is nearer to the root).  The root of a splay tree points up to
 * the node that its path hangs from, which does not point back.
 */
static bool
is_top(const struct link *l, uint32_t n)
{
	uint32_t up = l[n].up;

	return up == LINK_NONE || (l[up].left != n && l[up].right != n);
}

static void
put_left(struct link *l, uint32_t n, uint32_t child)
{
	l[n].left = child;
	if (child != LINK_NONE)
		l[child].up = n;
}

static void
put_right(struct link *l, uint32_t n, uint32_t child)
{
	l[n].right = child;
	if (child != LINK_NONE)
		l[child].up = n;
}

static void
rotate(struct link *l, uint32_t n)
{
	uint32_t p = l[n].up, g = l[p].up;
	bool top = is_top(l, p);

	if (l[p].left == n) {
		put_left(l, p, l[n].right);
		put_right(l, n, p);
	} else {
		put_right(l, p, l[n].left);
		put_left(l, n, p);
	}
	l[n].up = g;
	if (top)
		return;
	if (l[g].left == p)
		l[g].left = n;
	else
		l[g].right = n;
}

static void
splay(struct link *l, uint32_t n, uint64_t *steps)
{
	while (!is_top(l, n)) {
		uint32_t p = l[n].up;

		(*steps)++;
		if (!is_top(l, p)) {
			bool same = (l[p].left == n) ==
			    (l[l[p].up].left == p);

			rotate(l, same ? p : n);
		}
		rotate(l, n);
	}
}

/* The path from the root to n becomes one, n its end and on top. */
static void
expose(struct link *l, uint32_t n, uint64_t *steps)
{
	uint32_t last = LINK_NONE;

	for (uint32_t at = n; at != LINK_NONE; at = l[at].up) {
		splay(l, at, steps);
		l[at].right = last;	/* which keeps its up */
		last = at;
		(*steps)++;
	}
	splay(l, n, steps);
}

uint32_t
link_root(struct link *l, uint32_t n, uint64_t *steps)
{
	expose(l, n, steps);
	while (l[n].left != LINK_NONE) {
		n = l[n].left;
		(*steps)++;
	}
	splay(l, n, steps);	/* pays for the walk */
	return n;
}

void
link_make(struct link *l, uint32_t child, uint32_t parent, uint64_t *steps)
{
	assert(l[child].parent == LINK_NONE);
	expose(l, child, steps);
	expose(l, parent, steps);
	l[child].up = parent;
	l[child].parent = parent;
}

void
link_break(struct link *l, uint32_t child, uint64_t *steps)
{
	assert(l[child].parent != LINK_NONE);
	expose(l, child, steps);
	l[l[child].left].up = LINK_NONE;
	l[child].left = LINK_NONE;
	l[child].parent = LINK_NONE;
}
