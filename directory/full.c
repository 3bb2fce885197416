#include "directory/full.h"

/* A row for each, by number; of two that share it the later one counts. */
static struct full_row *
row_of(const struct full_table *t, struct account a)
{
	uint32_t h = a.number * UINT32_C(2654435761) + (uint32_t)a.kind;

	return (struct full_row *)&t->rows[(h >> 16) % FULL_MAX];
}

static bool
is_of(const struct full_row *r, struct account a)
{
	return r->account.kind == a.kind && r->account.number == a.number;
}

void
full_set(struct full_table *t, const struct directory_full *f, uint64_t now_ms)
{
	struct full_row *r = row_of(t, f->account);

	if (f->full)
		*r = (struct full_row){ f->account,
			now_ms + (f->permanent ? FULL_PERMANENT_MS
					       : FULL_TEMPORARY_MS),
			f->permanent };
	else if (is_of(r, f->account))
		*r = (struct full_row){ .until_ms = 0 };
}

const struct directory_refusal *
full_find(const struct full_table *t, struct account a, uint64_t now_ms)
{
	static const struct directory_refusal refusals[] = {
		{ 452, { 4, 2, 2 }, SLICE_LITERAL("the mailbox is full") },
		{ 552, { 5, 2, 2 }, SLICE_LITERAL("the mailbox is full") },
	};
	const struct full_row *r = row_of(t, a);

	return is_of(r, a) && now_ms < r->until_ms ? &refusals[r->permanent]
						   : NULL;
}
