#include "imapd/session/thread.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imapd/session/thread_private.h"

/* ---- nodes ---- */

uint32_t
thread_node_new(struct thread *t)
{
	if (t->len == THREAD_NODES_MAX) {
		errno = EFBIG;
		return LINK_NONE;
	}
	if (t->len == t->size) {
		size_t size = t->size == 0 ? 64 : t->size * 2;
		struct thread_node *node =
		    reallocarray(t->node, size, sizeof(*node));
		struct link *link;

		if (node == NULL)
			return LINK_NONE;
		t->node = node;
		link = reallocarray(t->link, size, sizeof(*link));
		if (link == NULL)
			return LINK_NONE;
		t->link = link;
		t->size = size;
	}
	t->node[t->len] = (struct thread_node){ .parent = LINK_NONE,
		.next = LINK_NONE, .first = LINK_NONE, .last = LINK_NONE };
	t->link[t->len] = (struct link){ LINK_NONE, LINK_NONE, LINK_NONE,
		LINK_NONE };
	return (uint32_t)t->len++;
}

/* Where the key is, or would be; there is room. */
static size_t
place_of(struct thread *t, const struct thread_table *table, uint64_t key)
{
	size_t at = siphash(&t->key, slice_of(&key, sizeof(key))) &
	    (table->size - 1);

	while (table->entry[at].key != 0 && table->entry[at].key != key) {
		at = (at + 1) & (table->size - 1);
		t->steps++;
	}
	return at;
}

static int
table_grow(struct thread *t, struct thread_table *table)
{
	struct thread_table now = { .len = table->len,
		.size = table->size == 0 ? 64 : table->size * 2 };

	now.entry = calloc(now.size, sizeof(*now.entry));
	if (now.entry == NULL)
		return -1;
	for (size_t i = 0; i < table->size; i++)
		if (table->entry[i].key != 0)
			now.entry[place_of(t, &now, table->entry[i].key)] =
			    table->entry[i];
	free(table->entry);
	*table = now;
	return 0;
}

uint32_t *
thread_table_find(struct thread *t, struct thread_table *table, uint64_t key)
{
	size_t at;

	if (table->len >= table->size / 2 && table_grow(t, table) == -1)
		return NULL;
	at = place_of(t, table, key);
	if (table->entry[at].key == 0) {
		table->entry[at] = (struct entry){ key, LINK_NONE };
		table->len++;
	}
	return &table->entry[at].node;
}

bool
thread_table_has(struct thread *t, const struct thread_table *table,
    uint64_t key)
{
	return table->size > 0 &&
	    table->entry[place_of(t, table, key)].key == key;
}

void
thread_append(struct thread *t, uint32_t parent, uint32_t child)
{
	struct thread_node *p = &t->node[parent];

	t->node[child].parent = parent;
	t->node[child].next = LINK_NONE;
	if (p->first == LINK_NONE)
		p->first = child;
	else
		t->node[p->last].next = child;
	p->last = child;
}

/* ---- order ---- */

/* A dummy counts as its first child, whose siblings are in order already. */
static const struct thread_node *
dated(const struct thread *t, uint32_t n)
{
	const struct thread_node *node = &t->node[n];

	return node->number == 0 && node->first != LINK_NONE ?
	    &t->node[node->first] : node;
}

static int
by_date(const void *a, const void *b, void *ctx)
{
	struct thread *t = ctx;
	const struct thread_node *x = dated(t, *(const uint32_t *)a);
	const struct thread_node *y = dated(t, *(const uint32_t *)b);

	t->steps++;
	if (x->date != y->date)
		return x->date < y->date ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

int
thread_sort_children(struct thread *t, uint32_t parent)
{
	uint32_t *all, at = t->node[parent].first;
	size_t n = 0;

	if (at == t->node[parent].last)
		return 0;
	for (; at != LINK_NONE; at = t->node[at].next)
		n++;
	if ((all = reallocarray(NULL, n, sizeof(*all))) == NULL)
		return -1;
	n = 0;
	for (at = t->node[parent].first; at != LINK_NONE; at = t->node[at].next)
		all[n++] = at;
	qsort_r(all, n, sizeof(*all), by_date, t);
	t->node[parent].first = t->node[parent].last = LINK_NONE;
	for (size_t i = 0; i < n; i++)
		thread_append(t, parent, all[i]);
	free(all);
	return 0;
}

/* ---- the whole ---- */

struct thread *
thread_new(enum thread_algorithm algorithm)
{
	struct thread *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->algorithm = algorithm;
	siphash_key_init(&t->key);
	if (thread_node_new(t) == LINK_NONE) {
		thread_free(t);
		return NULL;
	}
	return t;
}

void
thread_free(struct thread *t)
{
	if (t == NULL)
		return;
	free(t->node);
	free(t->link);
	free(t->ids.entry);
	free(t);
}

int
thread_add(struct thread *t, const struct thread_message *m,
    const uint64_t *references, size_t n)
{
	uint32_t at;

	if (t->algorithm == THREAD_REFERENCES)
		return thread_references_add(t, m, references, n);
	if ((at = thread_node_new(t)) == LINK_NONE)
		return -1;
	t->node[at].number = m->number;
	t->node[at].date = m->date;
	t->node[at].subject = m->subject;
	t->node[at].order = ++t->messages;
	return 0;
}

int
thread_build(struct thread *t)
{
	t->at = THREAD_ROOT;
	return t->algorithm == THREAD_REFERENCES ?
	    thread_references_build(t) : thread_subject_build(t);
}

uint64_t
thread_steps(const struct thread *t)
{
	return t->steps;
}

/* ---- the response ---- */

/* Is it one of several siblings, or a thread?  Then it has parentheses. */
static bool
is_branch(const struct thread *t, uint32_t n)
{
	uint32_t parent = t->node[n].parent;

	return parent == THREAD_ROOT ||
	    t->node[parent].first != t->node[parent].last;
}

static size_t
enter(struct thread *t, uint32_t n, char *to, size_t size)
{
	const struct thread_node *node = &t->node[n];
	uint32_t parent = node->parent;
	bool branch = is_branch(t, n);
	/* a space behind the parent's number, before the first child */
	bool space = t->node[parent].number != 0 &&
	    (!branch || t->node[parent].first == n);
	int len = snprintf(to, size, "%s%s", space ? " " : "",
	    branch ? "(" : "");

	if (node->number != 0)
		len += snprintf(to + len, size - (size_t)len, "%u",
		    node->number);
	return (size_t)len;
}

/* One step of a walk that needs no stack: down, aside, up. */
static size_t
step(struct thread *t, char *to, size_t size)
{
	const struct thread_node *n = &t->node[t->at];
	size_t len = 0;

	if (!t->up && n->first != LINK_NONE) {
		t->at = n->first;
		return enter(t, t->at, to, size);
	}
	if (t->at == THREAD_ROOT)
		return 0;
	if (is_branch(t, t->at))
		to[len++] = ')';
	t->up = n->next == LINK_NONE;
	t->at = t->up ? n->parent : n->next;
	return t->up ? len : len + enter(t, t->at, to + len, size - len);
}

size_t
thread_write(struct thread *t, char *to, size_t size)
{
	size_t len = 0;

	while (size - len >= THREAD_OUT_MIN &&
	    !(t->begun && t->at == THREAD_ROOT)) {
		len += step(t, to + len, size - len);
		t->begun = true;
	}
	return len;
}
