/* THREAD=REFERENCES (RFC 5256): the steps have the numbers of its section 3. */
#include <stdlib.h>
#include <string.h>

#include "imapd/session/thread_private.h"

/* ---- step 1: who is whose parent ---- */

static uint32_t
node_of_id(struct thread *t, uint64_t id)
{
	uint32_t *at = thread_table_find(t, &t->ids, id);

	if (at == NULL)
		return LINK_NONE;
	if (*at == LINK_NONE && (*at = thread_node_new(t)) != LINK_NONE)
		t->missing++;
	return *at;
}

/* Unless the message has a parent, or is above the one it would get. */
static void
link_unless_loop(struct thread *t, uint32_t child, uint32_t parent)
{
	t->steps++;
	if (t->link[child].parent == LINK_NONE && child != parent &&
	    link_root(t->link, parent, &t->steps) != child)
		link_make(t->link, child, parent, &t->steps);
}

static uint32_t
node_of_message(struct thread *t, const struct thread_message *m)
{
	uint32_t n = m->id != 0 ? node_of_id(t, m->id) : thread_node_new(t);

	/* the first one has the ID for itself */
	if (n != LINK_NONE && t->node[n].number != 0)
		n = thread_node_new(t);
	else if (m->id != 0 && n != LINK_NONE)
		t->missing--;
	if (n == LINK_NONE)
		return n;
	t->node[n].number = m->number;
	t->node[n].date = m->date;
	t->node[n].subject = m->subject;
	t->node[n].reply = m->reply;
	t->node[n].order = ++t->messages;
	return n;
}

int
thread_references_add(struct thread *t, const struct thread_message *m,
    const uint64_t *references, size_t n)
{
	uint32_t me = node_of_message(t, m), last = LINK_NONE;

	if (me == LINK_NONE)
		return -1;
	for (size_t i = 0; i < n; i++) {	/* 1.A */
		uint32_t at;

		if (t->missing >= THREAD_MISSING_MAX &&
		    !thread_table_has(t, &t->ids, references[i]))
			continue;
		at = node_of_id(t, references[i]);
		if (at == LINK_NONE)
			return -1;
		if (last != LINK_NONE)
			link_unless_loop(t, at, last);
		last = at;
	}
	if (t->link[me].parent != LINK_NONE)	/* 1.B */
		link_break(t->link, me, &t->steps);
	if (last != LINK_NONE)
		link_unless_loop(t, me, last);
	return 0;
}

/* ---- steps 2 and 3: one tree, without dummies below the top ---- */

/* All nodes, parents before children. */
static uint32_t *
parents_first(struct thread *t)
{
	uint32_t *order = reallocarray(NULL, t->len, sizeof(*order));
	size_t to = 1;

	if (order == NULL)
		return NULL;
	order[0] = THREAD_ROOT;
	for (uint32_t i = 1; i < t->len; i++) {
		uint32_t parent = t->link[i].parent;

		thread_append(t, parent == LINK_NONE ? THREAD_ROOT : parent, i);
	}
	for (size_t at = 0; at < to; at++)
		for (uint32_t c = t->node[order[at]].first; c != LINK_NONE;
		    c = t->node[c].next) {
			order[to++] = c;
			t->steps++;
		}
	return order;
}

static void
append_children(struct thread *t, uint32_t to, uint32_t from)
{
	uint32_t next;

	for (uint32_t c = t->node[from].first; c != LINK_NONE; c = next) {
		next = t->node[c].next;
		thread_append(t, to, c);
		t->steps++;
	}
	t->node[from].first = t->node[from].last = LINK_NONE;
}

/*
 * A dummy at the top stays when it has several children.  Each message has at
 * most one real ancestor or place at the top to go to, and goes there once for
 * a dummy above it: so dummies in a row are skipped on the way up first.
 */
static uint32_t
real_parent(struct thread *t, uint32_t *up, uint32_t n)
{
	uint32_t parent = t->node[n].parent;

	/* up[] of the parent is known: it came before */
	if (parent == THREAD_ROOT || t->node[parent].number != 0)
		return parent;
	return up[parent] == THREAD_ROOT ? parent : up[parent];
}

/*
 * A dummy right below the root keeps what belongs to it; a dummy further down
 * gives its children to whom itself belongs.
 */
static int
prune(struct thread *t, const uint32_t *order)
{
	uint32_t *up = reallocarray(NULL, t->len, sizeof(*up));

	if (up == NULL)
		return -1;
	up[THREAD_ROOT] = THREAD_ROOT;
	for (size_t i = 1; i < t->len; i++)
		up[order[i]] = real_parent(t, up, order[i]);
	for (size_t i = 0; i < t->len; i++)
		t->node[i].first = t->node[i].last = LINK_NONE;
	for (size_t i = 1; i < t->len; i++) {
		uint32_t n = order[i];

		t->steps++;
		if (t->node[n].number != 0 || up[n] == THREAD_ROOT)
			thread_append(t, up[n], n);
	}
	free(up);
	return 0;
}

/* Dummies at the top with no child or one are not needed either. */
static void
prune_top(struct thread *t)
{
	uint32_t at = t->node[THREAD_ROOT].first, next;

	t->node[THREAD_ROOT].first = t->node[THREAD_ROOT].last = LINK_NONE;
	for (; at != LINK_NONE; at = next) {
		const struct thread_node *n = &t->node[at];

		next = n->next;
		if (n->number != 0 || n->first != n->last)
			thread_append(t, THREAD_ROOT, at);
		else if (n->first != LINK_NONE)
			thread_append(t, THREAD_ROOT, n->first);
	}
}

/* ---- step 4 ---- */

static int
sort_top(struct thread *t)
{
	for (uint32_t c = t->node[THREAD_ROOT].first; c != LINK_NONE;
	    c = t->node[c].next)
		if (t->node[c].number == 0 && thread_sort_children(t, c) == -1)
			return -1;
	return thread_sort_children(t, THREAD_ROOT);
}

/* ---- step 5: threads of one subject ---- */

static const struct thread_node *
subject_node(const struct thread *t, uint32_t n)
{
	const struct thread_node *node = &t->node[n];

	return node->number == 0 && node->first != LINK_NONE ?
	    &t->node[node->first] : node;
}

/* 5.B */
static int
find_subjects(struct thread *t, struct thread_table *subjects)
{
	for (uint32_t c = t->node[THREAD_ROOT].first; c != LINK_NONE;
	    c = t->node[c].next) {	/* NOLINT: the root is there */
		uint64_t subject = subject_node(t, c)->subject;
		const struct thread_node *was;
		uint32_t *at;

		if (subject == 0)
			continue;
		if ((at = thread_table_find(t, subjects, subject)) == NULL)
			return -1;
		was = *at == LINK_NONE ? NULL : &t->node[*at];
		if (was == NULL || (was->number != 0 &&
		    (t->node[c].number == 0 ||
			(was->reply && !t->node[c].reply))))
			*at = c;
	}
	return 0;
}

/*
 * 5.C for one that is not in the table.  A message that gets a new dummy above
 * it leaves that in its own place: *at is put there by the caller.
 */
static int
merge(struct thread *t, uint32_t *at, uint32_t n, uint32_t *stands_for)
{
	uint32_t dummy;
	bool was_dummy = t->node[*at].number == 0;

	if (was_dummy && t->node[n].number == 0)
		append_children(t, *at, n);
	else if (was_dummy ||
	    (t->node[n].reply && !t->node[*at].reply))
		thread_append(t, *at, n);
	else {
		if ((dummy = thread_node_new(t)) == LINK_NONE)
			return -1;
		/* the array may have moved, the table has not */
		stands_for[*at] = dummy;
		*at = dummy;
		thread_append(t, dummy, n);
	}
	return 0;
}

static int
merge_subjects(struct thread *t, struct thread_table *subjects,
    uint32_t *stands_for)
{
	uint32_t c = t->node[THREAD_ROOT].first, next;
	size_t n = 0, kept = 0;
	uint32_t *top;

	for (uint32_t k = c; k != LINK_NONE; k = t->node[k].next)
		n++;
	if ((top = reallocarray(NULL, n + 1, sizeof(*top))) == NULL)
		return -1;
	for (; c != LINK_NONE; c = next) {
		uint64_t subject = subject_node(t, c)->subject;
		uint32_t *at = subject == 0 ? NULL :
		    thread_table_find(t, subjects, subject);

		next = t->node[c].next;
		/* what a dummy now stands for is in its place at the top */
		if (at == NULL || *at == c || stands_for[c] != LINK_NONE)
			top[kept++] = c;
		else if (merge(t, at, c, stands_for) == -1) {
			free(top);
			return -1;
		}
	}
	t->node[THREAD_ROOT].first = t->node[THREAD_ROOT].last = LINK_NONE;
	for (size_t i = 0; i < kept; i++) {
		uint32_t dummy = stands_for[top[i]];

		if (dummy != LINK_NONE) {
			thread_append(t, dummy, top[i]);
			thread_append(t, THREAD_ROOT, dummy);
		} else
			thread_append(t, THREAD_ROOT, top[i]);
	}
	free(top);
	return 0;
}

static int
gather_subjects(struct thread *t)
{
	struct thread_table subjects = { 0 };
	size_t len = t->len;
	/* of each at the top: the dummy that came above it */
	uint32_t *stands_for = reallocarray(NULL, 2 * len,
	    sizeof(*stands_for));
	int r = -1;

	if (stands_for != NULL) {
		memset(stands_for, 0xff, 2 * len * sizeof(*stands_for));
		r = find_subjects(t, &subjects);
		if (r == 0)
			r = merge_subjects(t, &subjects, stands_for);
	}
	free(subjects.entry);
	free(stands_for);
	return r;
}

/* ---- step 6, and all ---- */

static int
sort_all(struct thread *t)
{
	for (uint32_t i = 1; i < t->len; i++)
		if (thread_sort_children(t, i) == -1)
			return -1;
	return thread_sort_children(t, THREAD_ROOT);
}

int
thread_references_build(struct thread *t)
{
	uint32_t *order = parents_first(t);
	int r;

	if (order == NULL)
		return -1;
	r = prune(t, order);
	free(order);
	if (r == -1)
		return -1;
	prune_top(t);
	if (sort_top(t) == -1 || gather_subjects(t) == -1)
		return -1;
	return sort_all(t);
}
