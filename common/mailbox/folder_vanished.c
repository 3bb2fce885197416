/*
 * A folder's modification sequences and expunged UIDs, as the index keeps them
 * (vanished.h): new numbers and their records are put down together, and a
 * message's record goes in the same step that puts its UID on the record of
 * what vanished.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/mailbox/internal.h"

static void
vanished_key(const struct folder *f, uint8_t to[INDEX_KEY_LEN])
{
	index_key_pack(INDEX_VANISHED, f->state.identity, 0, 0, to);
}

/* Room for the record and for its octets: too large for the stack. */
struct ledger {
	struct vanished	v;
	uint8_t		octets[VANISHED_SIZE];
};

static int
vanished_get(struct index_txn *t, const struct folder *f, struct vanished *v)
{
	uint8_t key[INDEX_KEY_LEN];
	struct slice value;

	vanished_key(f, key);
	return index_get(t, key, &value) == 0 &&
	    vanished_parse(value, v) == PARSE_OK ? 0 : -1;
}

static int
vanished_put(struct index_txn *t, const struct folder *f, struct ledger *l)
{
	uint8_t key[INDEX_KEY_LEN];

	vanished_key(f, key);
	return index_put(t, key, slice_of(l->octets,
	    vanished_pack(&l->v, l->octets)), slice_of(NULL, 0));
}

/*
 * All of the view above v->highest gets its record, also what somebody else left
 * out; the UIDs between were given away and expunged unseen.  In an index without
 * a record of what vanished that is the whole view (X1, X3).
 */
static int
put_above(struct records *rs, const struct folder *f, uint64_t modseq,
    struct vanished *v)
{
	bool fresh_record = v->highest == 0;

	for (size_t i = folder_seq_from(f, v->highest + 1) - 1; i < f->count;
	    i++) {
		const struct entry *e = &f->entries[i];

		if (e->fresh)	/* has no number yet, and so no record */
			break;
		if (e->m.gone)
			continue;
		if (folder_index_put(rs, e) == -1)
			return -1;
		if (!fresh_record)
			vanished_add(v, v->highest + 1, e->m.uid - 1, modseq);
		v->highest = e->m.uid;
	}
	return 0;
}

/* ---- new numbers ---- */

struct put {
	struct folder	*f;
	const uint32_t	*at;
	size_t		 n;
	uint64_t	 modseq;
	struct ledger	*ledger;
};

static int
put_work(struct index_txn *t, void *ctx)
{
	const struct put *p = ctx;
	struct folder *f = p->f;
	struct vanished *v = &p->ledger->v;
	struct records rs;
	uint32_t highest;
	bool changed = false;

	records_begin(&rs, t, f);
	if (vanished_get(t, f, v) == -1) {
		v->floor = p->modseq;
		v->highest = v->len = 0;
	}
	highest = v->highest;
	for (size_t i = 0; i < p->n; i++) {
		const struct entry *e = &f->entries[p->at[i]];

		if (folder_index_put(&rs, e) == -1)
			return -1;
		if (vanished_has(v, e->m.uid)) {
			vanished_remove(v, e->m.uid);
			changed = true;
		}
	}
	if (put_above(&rs, f, p->modseq, v) == -1 || records_end(&rs) == -1)
		return -1;
	return changed || highest != v->highest ?
	    vanished_put(t, f, p->ledger) : 0;
}

int
folder_modseq_new(struct folder *f, const uint32_t *at, size_t n)
{
	struct put p = { .f = f, .at = at, .n = n };

	if (n == 0)
		return 0;
	/* On a full disk work goes on; the numbers follow later. */
	if (folder_take_modseq(f, &p.modseq) == -1) {
		for (size_t i = 0; i < n; i++)
			f->entries[at[i]].fresh = true;
		f->any_fresh = f->look_again = true;
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		f->entries[at[i]].m.modseq = p.modseq;
		f->entries[at[i]].fresh = false;
	}
	if ((p.ledger = malloc(sizeof(*p.ledger))) == NULL ||
	    index_write(f->mb->index, put_work, &p) == -1)
		f->unrecorded = true;
	free(p.ledger);
	return 0;
}

/* ---- what goes ---- */

struct forget {
	struct folder	*f;
	const uint32_t	*uids;
	size_t		 n;
	uint64_t	 modseq;
	bool		 incomplete;	/* there are more that it does not name */
	struct ledger	*ledger;
	uint32_t	*sifted;	/* [n], those to do */
	size_t		 nsifted;
};

/* Gone from the index and on the record of what vanished, in one step. */
static int
forget_work(struct index_txn *t, void *ctx)
{
	struct forget *g = ctx;
	struct vanished *v = &g->ledger->v;
	bool has = vanished_get(t, g->f, v) == 0;
	struct records rs;

	records_begin(&rs, t, g->f);
	for (size_t i = 0; i < g->n; i++) {
		if (folder_index_forget(&rs, g->uids[i]) == -1)
			return -1;
		if (has)
			vanished_add(v, g->uids[i], g->uids[i], g->modseq);
	}
	if (records_end(&rs) == -1)
		return -1;
	if (!has)	/* X3: whoever makes one begins above modseq */
		return 0;
	if (g->incomplete) {
		v->len = 0;
		v->floor = g->modseq;
	}
	return vanished_put(t, g->f, g->ledger);
}

void
folder_vanish_uids(struct folder *f, const uint32_t *uids, size_t n, uint64_t modseq,
    bool incomplete)
{
	struct forget g = { .f = f, .uids = uids, .n = n, .modseq = modseq,
		.incomplete = incomplete, .ledger = malloc(sizeof(*g.ledger)) };

	if (g.ledger != NULL)
		index_write(f->mb->index, forget_work, &g);
	free(g.ledger);
}

/* Whoever noticed first has put them on the record. */
static int
sift_work(struct index_txn *t, void *ctx)
{
	struct forget *g = ctx;
	struct vanished *v = &g->ledger->v;

	if (vanished_get(t, g->f, v) == -1)
		v->len = 0;
	g->nsifted = 0;
	for (size_t i = 0; i < g->n; i++)
		if (!vanished_has(v, g->uids[i]))
			g->sifted[g->nsifted++] = g->uids[i];
	return 0;
}

static void
sift(struct forget *g)
{
	g->ledger = malloc(sizeof(*g->ledger));
	if (g->ledger == NULL ||
	    index_read(g->f->mb->index, sift_work, g) == -1) {
		memcpy(g->sifted, g->uids, g->n * sizeof(*g->sifted));
		g->nsifted = g->n;
	}
	free(g->ledger);
}

static size_t
collect_gone(struct folder *f, uint32_t *uids)
{
	size_t n = 0;

	for (size_t i = 0; i < f->count; i++)
		if (f->entries[i].m.gone && !f->entries[i].recorded)
			uids[n++] = f->entries[i].m.uid;
	return n;
}

int
folder_vanish(struct folder *f)
{
	struct forget g = { .f = f };
	uint32_t *uids;
	uint64_t modseq;
	int r = 0;

	if (!f->any_gone)
		return 0;
	uids = reallocarray(NULL, f->count + 1, 2 * sizeof(*uids));
	if (uids == NULL)
		return -1;
	g.uids = uids;
	g.sifted = uids + f->count;
	g.n = collect_gone(f, uids);
	folder_blobs_drop(f, uids, g.n);
	sift(&g);
	if (g.nsifted > 0)
		r = folder_take_modseq(f, &modseq);
	if (r == 0 && g.nsifted > 0)
		folder_vanish_uids(f, g.sifted, g.nsifted, modseq, false);
	for (size_t i = 0; r == 0 && i < f->count; i++)
		f->entries[i].recorded = f->entries[i].m.gone;
	free(uids);
	return r;
}

/* ---- what a client that comes back must hear of ---- */

struct answer {
	struct folder	*f;
	struct vanished	*v;
	struct uid_range *range;	/* ascending */
	size_t		 len, size;
};

static int
read_vanished_work(struct index_txn *t, void *ctx)
{
	struct answer *a = ctx;

	return vanished_get(t, a->f, a->v);
}

static int
answer_add(struct answer *a, uint32_t first, uint32_t last)
{
	if (first > last)
		return 0;
	if (a->len > 0 && a->range[a->len - 1].last == first - 1) {
		a->range[a->len - 1].last = last;
		return 0;
	}
	if (a->len == a->size) {
		size_t size = a->size == 0 ? 16 : a->size * 2;
		struct uid_range *now = reallocarray(a->range, size,
		    sizeof(*now));

		if (now == NULL)
			return -1;
		a->range = now;
		a->size = size;
	}
	a->range[a->len++] = (struct uid_range){ first, last };
	return 0;
}

/* Without those that are there. */
static int
answer_add_missing(struct answer *a, uint32_t first, uint32_t last)
{
	const struct folder *f = a->f;
	size_t i = folder_seq_from(f, first) - 1;

	for (; i < f->count && f->entries[i].m.uid <= last; i++) {
		if (f->entries[i].m.gone)
			continue;
		if (answer_add(a, first, f->entries[i].m.uid - 1) == -1)
			return -1;
		first = f->entries[i].m.uid + 1;
	}
	return answer_add(a, first, last);
}

static int
compare_ranges(const void *a, const void *b)
{
	const struct uid_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Joined where they touch or overlap; answers how many are left. */
static size_t
join_ranges(struct uid_range *r, size_t n)
{
	size_t to = 0;

	if (n > 0)
		qsort(r, n, sizeof(*r), compare_ranges);
	for (size_t i = 0; i < n; i++)
		if (to > 0 && r[i].first <= r[to - 1].last) {
			if (r[i].last > r[to - 1].last)
				r[to - 1].last = r[i].last;
		} else
			r[to++] = r[i];
	return to;
}

/* What may have gone since modseq, ascending and apart; NULL without memory. */
static struct uid_range *
candidates(struct answer *a, uint64_t modseq, size_t *n)
{
	uint32_t end = a->f->synced_uid - 1;
	const struct vanished *v = a->v;
	struct uid_range *r;
	size_t count = 0;

	if (index_read(a->f->mb->index, read_vanished_work, a) == -1 ||
	    modseq < v->floor)
		a->v->len = a->v->highest = 0;
	if ((r = reallocarray(NULL, v->len + 1, sizeof(*r))) == NULL)
		return NULL;
	for (uint32_t i = 0; i < v->len; i++)
		if (v->range[i].modseq > modseq)
			r[count++] = (struct uid_range){ v->range[i].first,
				v->range[i].last };
	if (end > v->highest)
		r[count++] = (struct uid_range){ v->highest + 1, end };
	*n = join_ranges(r, count);
	return r;
}

int
folder_vanished(struct folder *f, const struct uid_range *known, size_t n,
    uint64_t modseq, struct uid_range **out, size_t *out_len)
{
	struct answer a = { .f = f, .v = malloc(sizeof(*a.v)) };
	size_t ncand = 0, k = 0;
	struct uid_range *cand = a.v != NULL ?
	    candidates(&a, modseq, &ncand) : NULL;
	int r = cand == NULL ? -1 : 0;

	for (size_t i = 0; r == 0 && i < ncand; i++) {
		while (k < n && known[k].last < cand[i].first)
			k++;
		for (size_t q = k; r == 0 && q < n &&
		    known[q].first <= cand[i].last; q++)
			r = answer_add_missing(&a,
			    known[q].first > cand[i].first ? known[q].first :
							     cand[i].first,
			    known[q].last < cand[i].last ? known[q].last :
							   cand[i].last);
	}
	free(cand);
	free(a.v);
	if (r == -1) {
		free(a.range);
		return -1;
	}
	*out = a.range;
	*out_len = a.len;
	return 0;
}
