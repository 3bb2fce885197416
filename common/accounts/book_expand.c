/*
 * Following aliases to mailboxes.  A worklist instead of recursion, and each
 * alias at most once: however aliases point at each other, the work is
 * bounded by the table.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/accounts/book.h"
#include "common/accounts/book_private.h"

struct todo {
	const struct alias	*alias;
	unsigned		 depth;
};

struct walk {
	const struct book	*book;
	uint8_t			*seen;		/* one bit for each alias */
	struct todo		*todo;
	size_t			 count, room;
};

/* true: go on */
typedef bool walk_final(void *ctx, const struct book_found *,
    const struct alias_target *);

static bool
walk_init(struct walk *w, const struct book *book)
{
	*w = (struct walk){ .book = book };
	w->seen = calloc(aliases_count(book->aliases) / 8 + 1, 1);
	return w->seen != NULL;
}

static void
walk_clear(struct walk *w)
{
	free(w->seen);
	free(w->todo);
}

/* Once for each alias; -1 for no memory. */
static int
walk_push(struct walk *w, const struct alias *a, unsigned depth)
{
	size_t row = aliases_index(w->book->aliases, a);
	struct table_error unused;

	if ((w->seen[row / 8] & 1u << row % 8) != 0)
		return 0;
	if (table_grow((void **)&w->todo, &w->room, w->count,
	    sizeof(*w->todo), &unused) == -1)
		return -1;
	w->seen[row / 8] |= (uint8_t)(1u << row % 8);
	w->todo[w->count++] = (struct todo){ a, depth };
	return 0;
}

static enum book_verdict
walk_alias(struct walk *w, struct todo t, walk_final *final, void *ctx)
{
	if (t.depth > BOOK_DEPTH_MAX)
		return BOOK_TOO_MUCH;
	for (size_t i = 0; i < t.alias->count; i++) {
		const struct alias_target *target = aliases_target(
		    w->book->aliases, t.alias, i);
		struct book_name name;
		struct book_found f;

		if (book_name_of_target(target, &name) == -1)
			return BOOK_TOO_MUCH;
		f = book_look_target(w->book, t.alias, &name);
		if (f.verdict == BOOK_LOCAL && f.alias != NULL) {
			if (walk_push(w, f.alias, t.depth + 1) == -1)
				return BOOK_TOO_MUCH;
		} else if (!final(ctx, &f, target))
			return BOOK_LOCAL;
	}
	return BOOK_UNKNOWN;
}

/* Until final says stop (BOOK_LOCAL), or the end (BOOK_UNKNOWN). */
static enum book_verdict
walk_all(struct walk *w, const struct alias *from, walk_final *final,
    void *ctx)
{
	enum book_verdict v = BOOK_UNKNOWN;

	if (walk_push(w, from, 1) == -1)
		return BOOK_TOO_MUCH;
	for (size_t i = 0; i < w->count && v == BOOK_UNKNOWN; i++)
		v = walk_alias(w, w->todo[i], final, ctx);
	return v;
}

static bool
stop_at_mailbox(void *ctx, const struct book_found *f,
    const struct alias_target *target)
{
	(void)ctx;
	(void)target;
	return f->verdict != BOOK_LOCAL;
}

/* Is there a mailbox behind this alias at all? */
static enum book_verdict
alias_lives(const struct book *book, const struct alias *a)
{
	enum book_verdict v = BOOK_TOO_MUCH;
	struct walk w;

	if (walk_init(&w, book))
		v = walk_all(&w, a, stop_at_mailbox, NULL);
	walk_clear(&w);
	return v;
}

/* The address itself, small letters where it is in our grammar. */
static enum book_verdict
canonical_of_alias(const struct book *book, struct slice address,
    const struct book_name *n, char canonical[BOOK_ADDRESS_SIZE])
{
	struct slice domain = n->domain.len > 0 ? n->domain :
	    domains_default(book->domains)->name;
	int len;

	if (!username_local_valid(n->lower))
		return slice_copy_str(address, canonical,
		    BOOK_ADDRESS_SIZE) == -1 ? BOOK_UNKNOWN : BOOK_LOCAL;
	len = snprintf(canonical, BOOK_ADDRESS_SIZE, "%.*s@%.*s",
	    (int)n->lower.len, n->lower.at, (int)domain.len, domain.at);
	return len > 0 && len < BOOK_ADDRESS_SIZE ? BOOK_LOCAL : BOOK_UNKNOWN;
}

enum book_verdict
book_resolve(const struct book *book, struct slice address,
    char canonical[BOOK_ADDRESS_SIZE])
{
	struct book_name n;
	struct book_found f;
	enum book_verdict v;

	canonical[0] = '\0';
	if (book_name_parse(address, &n) == -1)
		return BOOK_UNKNOWN;
	f = book_look(book, &n, true);
	if (f.verdict != BOOK_LOCAL)
		return f.verdict;
	if (f.alias == NULL)
		return book_found_address(&f, true, canonical,
		    BOOK_ADDRESS_SIZE) == -1 ? BOOK_UNKNOWN : BOOK_LOCAL;
	v = alias_lives(book, f.alias);
	return v == BOOK_LOCAL ?
	    canonical_of_alias(book, address, &n, canonical) : v;
}

/* A final address found: what makes it the same as another one. */
struct final {
	struct account	account;	/* kind 0: nobody's */
	size_t		at;		/* of its text */
	size_t		detail;		/* of its detail in the text */
};

struct finals {
	const struct book	*book;
	struct book_expansion	*out;
	struct final		*rows;
	size_t			 count, room;
	bool			 failed, alive;
};

static int
text_room(struct book_expansion *x, size_t need)
{
	size_t want = x->room == 0 ? 256 : x->room;
	char *grown;

	while (want - x->len < need)
		if (__builtin_mul_overflow(want, 2, &want))
			return -1;
	if (want == x->room)
		return 0;
	if ((grown = realloc(x->text, want)) == NULL)
		return -1;
	x->text = grown;
	x->room = want;
	return 0;
}

static int
finals_add(struct finals *f, const struct book_found *found,
    const char *address)
{
	struct table_error unused;
	size_t len = strlen(address);
	struct final row = { .at = f->out->len, .detail = f->out->len + len };

	if (f->count == BOOK_EXPANSION_MAX ||
	    text_room(f->out, len + 1) == -1 ||
	    table_grow((void **)&f->rows, &f->room, f->count,
		sizeof(*f->rows), &unused) == -1)
		return -1;
	if (found->verdict == BOOK_LOCAL) {
		const char *mark = memrchr(address, '@', len);

		row.account = found->account;
		row.detail = row.at + (size_t)(mark - address) -
		    found->detail.len;
		f->alive = true;
	} else
		row.detail = row.at;
	memcpy(f->out->text + f->out->len, address, len + 1);
	f->out->len += len + 1;
	f->rows[f->count++] = row;
	return 0;
}

static bool
collect(void *ctx, const struct book_found *found,
    const struct alias_target *target)
{
	struct finals *f = ctx;
	struct slice domain = target->domain.len > 0 ? target->domain :
	    domains_default(f->book->domains)->name;
	char address[BOOK_ADDRESS_SIZE];

	if (found->verdict == BOOK_LOCAL) {
		if (book_found_address(found, true, address,
		    sizeof(address)) == -1)
			f->failed = true;
	} else
		snprintf(address, sizeof(address), "%.*s@%.*s",
		    (int)target->local.len, target->local.at,
		    (int)domain.len, domain.at);
	if (!f->failed && finals_add(f, found, address) == -1)
		f->failed = true;
	return !f->failed;
}

static int
order_final(const void *a, const void *b, void *ctx)
{
	const struct finals *f = ctx;
	const struct final *x = &f->rows[*(const uint32_t *)a];
	const struct final *y = &f->rows[*(const uint32_t *)b];
	const char *s = f->out->text + x->detail;
	const char *t = f->out->text + y->detail;
	size_t sn, tn;
	int c;

	if (x->account.kind != y->account.kind)
		return x->account.kind < y->account.kind ? -1 : 1;
	if (x->account.number != y->account.number)
		return x->account.number < y->account.number ? -1 : 1;
	/* Of a mailbox the detail alone; of nobody's address all of it. */
	sn = x->account.kind == 0 ? strlen(s) : strcspn(s, "@");
	tn = y->account.kind == 0 ? strlen(t) : strcspn(t, "@");
	if ((c = table_compare(slice_of(s, sn), slice_of(t, tn))) != 0)
		return c;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Are two neighbours in the order the same, places in the text apart? */
static bool
same_final(struct finals *f, uint32_t i, uint32_t j)
{
	size_t at = f->rows[j].at;
	bool same;

	f->rows[j].at = f->rows[i].at;
	same = order_final(&i, &j, f) == 0;
	f->rows[j].at = at;
	return same;
}

/* Cut out every address whose mailbox came before; keep the order. */
static int
finals_unique(struct finals *f)
{
	uint32_t *order = reallocarray(NULL, f->count, sizeof(*order));
	struct book_expansion *x = f->out;
	size_t to = 0;

	if (order == NULL)
		return -1;
	for (size_t i = 0; i < f->count; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, f->count, sizeof(*order), order_final, f);
	for (size_t i = f->count - 1; i > 0; i--)
		if (same_final(f, order[i - 1], order[i]))
			x->text[f->rows[order[i]].at] = '\0';
	free(order);
	for (size_t i = 0; i < f->count; i++) {
		const char *text = x->text + f->rows[i].at;
		size_t len = strlen(text);

		if (len == 0)
			continue;
		memmove(x->text + to, text, len + 1);
		to += len + 1;
		x->count++;
	}
	x->len = to;
	return 0;
}

static enum book_verdict
expand_alias(const struct book *book, const struct alias *a,
    struct book_expansion *out)
{
	struct finals f = { .book = book, .out = out };
	enum book_verdict v = BOOK_TOO_MUCH;
	struct walk w;

	if (walk_init(&w, book))
		v = walk_all(&w, a, collect, &f);
	if (f.failed)
		v = BOOK_TOO_MUCH;
	else if (v == BOOK_UNKNOWN && f.alive)
		v = finals_unique(&f) == -1 ? BOOK_TOO_MUCH : BOOK_LOCAL;
	walk_clear(&w);
	free(f.rows);
	return v;
}

enum book_verdict
book_expand(const struct book *book, struct slice address,
    struct book_expansion *out)
{
	struct finals f = { .book = book, .out = out };
	char text[BOOK_ADDRESS_SIZE];
	struct book_name n;
	struct book_found found;
	enum book_verdict v;

	*out = (struct book_expansion){ 0 };
	if (book_name_parse(address, &n) == -1)
		return BOOK_UNKNOWN;
	found = book_look(book, &n, true);
	if (found.verdict != BOOK_LOCAL)
		return found.verdict;
	if (found.alias != NULL)
		v = expand_alias(book, found.alias, out);
	else {
		v = book_found_address(&found, true, text,
		    sizeof(text)) == -1 ||
		    finals_add(&f, &found, text) == -1 ?
		    BOOK_TOO_MUCH : BOOK_LOCAL;
		out->count = f.count;
		free(f.rows);
	}
	if (v != BOOK_LOCAL)
		book_expansion_clear(out);
	return v;
}

void
book_expansion_clear(struct book_expansion *x)
{
	free(x->text);
	*x = (struct book_expansion){ 0 };
}

const char *
book_expansion_next(const struct book_expansion *x, const char *p)
{
	if (p == NULL)
		return x->count == 0 ? NULL : x->text;
	p += strlen(p) + 1;
	return p < x->text + x->len ? p : NULL;
}
