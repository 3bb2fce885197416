/* THREAD=ORDEREDSUBJECT (RFC 5256): one level of children below each first. */
#include <stdlib.h>

#include "imapd/session/thread_private.h"

static int
by_subject(const void *a, const void *b, void *ctx)
{
	struct thread *t = ctx;
	const struct thread_node *x = &t->node[*(const uint32_t *)a];
	const struct thread_node *y = &t->node[*(const uint32_t *)b];

	t->steps++;
	if (x->subject != y->subject)
		return x->subject < y->subject ? -1 : 1;
	if (x->date != y->date)
		return x->date < y->date ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

int
thread_subject_build(struct thread *t)
{
	size_t n = t->len - 1;
	uint32_t *all = reallocarray(NULL, n + 1, sizeof(*all));
	uint32_t first = LINK_NONE;

	if (all == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		all[i] = (uint32_t)i + 1;
	qsort_r(all, n, sizeof(*all), by_subject, t);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 ||
		    t->node[all[i]].subject != t->node[all[i - 1]].subject) {
			first = all[i];
			thread_append(t, THREAD_ROOT, first);
		} else
			thread_append(t, first, all[i]);
	}
	free(all);
	return thread_sort_children(t, THREAD_ROOT);
}
