#include "local-delivery/done.h"

#include <stdlib.h>

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

struct row {
	RB_ENTRY(row)		by_key;
	TAILQ_ENTRY(row)	entry;		/* oldest first */
	uint64_t		queue_id;
	uint32_t		number;
	struct done_before	before;
};

RB_HEAD(rows, row);

struct done_table {
	struct rows		rows;
	TAILQ_HEAD(, row)	by_age;
	unsigned		n, max;
};

static int
compare(const struct row *a, const struct row *b)
{
	if (a->queue_id != b->queue_id)
		return a->queue_id < b->queue_id ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

RB_GENERATE_INTERNAL(rows, row, by_key, compare,
    static __attribute__((unused)))

struct done_table *
done_table_new(unsigned max)
{
	struct done_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	RB_INIT(&t->rows);
	TAILQ_INIT(&t->by_age);
	t->max = max;
	return t;
}

static void
drop(struct done_table *t, struct row *r)
{
	RB_REMOVE(rows, &t->rows, r);
	TAILQ_REMOVE(&t->by_age, r, entry);
	t->n--;
	free(r);
}

void
done_table_free(struct done_table *t)
{
	struct row *r;

	if (t == NULL)
		return;
	/* NOLINTNEXTLINE: drop takes it off the list */
	while ((r = TAILQ_FIRST(&t->by_age)) != NULL)
		drop(t, r);
	free(t);
}

static struct row *
find(const struct done_table *t, uint64_t queue_id, uint32_t number)
{
	struct row key = { .queue_id = queue_id, .number = number };
	struct rows rows = t->rows;

	return RB_FIND(rows, &rows, &key);
}

const struct done_before *
done_table_find(const struct done_table *t, uint64_t queue_id,
    uint32_t number)
{
	const struct row *r = find(t, queue_id, number);

	return r == NULL ? NULL : &r->before;
}

void
done_table_forget(struct done_table *t, uint64_t queue_id, uint32_t number)
{
	struct row *r = find(t, queue_id, number);

	if (r != NULL)
		drop(t, r);
}

void
done_table_set(struct done_table *t, uint64_t queue_id, uint32_t number,
    const struct done_before *before)
{
	struct row *r = find(t, queue_id, number);

	if (r == NULL) {
		if (t->n == t->max)
			drop(t, TAILQ_FIRST(&t->by_age));
		if ((r = calloc(1, sizeof(*r))) == NULL)
			return;
		r->queue_id = queue_id;
		r->number = number;
		RB_INSERT(rows, &t->rows, r);
		TAILQ_INSERT_TAIL(&t->by_age, r, entry);
		t->n++;
	}
	r->before = *before;
}
