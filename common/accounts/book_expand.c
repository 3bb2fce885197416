/*
 * Following aliases to where mail ends up.  A worklist instead of recursion,
 * and each alias at most once: however aliases point at each other, the work
 * is bounded by the table.  (One that stands for a whole domain is another for
 * each local-part; there the depth and the length of the worklist bound it.)
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/accounts/book.h"
#include "common/accounts/book_private.h"

struct todo {
	const struct alias	*alias;
	const struct domain	*in;		/* where it was looked for */
	unsigned		 depth;
	size_t			 owner;		/* 0: none; see book_target */
	struct slice		 local;		/* whole, for "@a: @b" */
	struct slice		 detail;
};

struct walk;

/* What to do with a target that is no alias.  True: go on. */
typedef bool walk_final(struct walk *, const struct book_found *,
    const struct book_name *, const struct todo *);

struct walk {
	const struct book	*book;
	struct book_expansion	*out;		/* NULL: who lives is all */
	walk_final		*final;
	uint8_t			*seen;		/* one bit for each alias */
	struct todo		*todo;
	size_t			 count, room;
	bool			 alive;		/* somebody gets it */
	enum book_verdict	 fault;		/* BOOK_LOCAL: none */
};

static int
failed(struct walk *w, enum book_verdict why)
{
	w->fault = why;
	return -1;
}

/* Text of ours in the expansion, with a NUL: its place, 0 for no memory. */
static size_t
keep_text(struct book_expansion *x, const char *text)
{
	size_t len = strlen(text) + 1, at;
	size_t want = x->room == 0 ? 256 : x->room;
	char *grown;

	if (x->len == 0)
		x->len = 1;		/* nothing stands at 0 */
	while (want - x->len < len)
		if (__builtin_mul_overflow(want, 2, &want))
			return 0;
	if (want != x->room) {
		if ((grown = realloc(x->text, want)) == NULL)
			return 0;
		x->text = grown;
		x->room = want;
	}
	at = x->len;
	memcpy(x->text + at, text, len);
	x->len += len;
	return at;
}

/* ---- owners ---- */

static bool
find_owner(const struct book *book, const struct todo *t, char *name)
{
	static const struct slice prefix = SLICE_LITERAL("owner-");
	char local[USERNAME_LOCAL_MAX + sizeof("owner-")];
	const struct alias *a;
	struct slice owner;

	if (t->alias->local.len == 0 ||
	    t->alias->local.len > USERNAME_LOCAL_MAX ||
	    slice_starts_nocase(t->alias->local, prefix))
		return false;
	memcpy(local, prefix.at, prefix.len);
	memcpy(local + prefix.len, t->alias->local.at, t->alias->local.len);
	owner = slice_of(local, prefix.len + t->alias->local.len);
	a = aliases_find(book->aliases, owner, t->in->name);
	if (a == NULL && t->in->kind == DOMAIN_LOCAL)
		a = aliases_find(book->aliases, owner, SLICE_LITERAL(""));
	if (a == NULL || address_join(owner, t->in->name, name,
	    BOOK_ADDRESS_SIZE) == -1)
		return false;
	book_trace(book, BOOK_STEP_OWNER, a->line, NULL, slice_str(name));
	return true;
}

static int
take_owner(struct walk *w, struct todo *t)
{
	char name[BOOK_ADDRESS_SIZE];

	if (w->out == NULL || !find_owner(w->book, t, name))
		return 0;
	t->owner = keep_text(w->out, name);
	return t->owner == 0 ? failed(w, BOOK_LATER) : 0;
}

/* ---- the walk ---- */

static int
walk_push(struct walk *w, const struct todo *t)
{
	size_t row = aliases_index(w->book->aliases, t->alias);
	struct table_error unused;

	if (!t->alias->maps && (w->seen[row / 8] & 1u << row % 8) != 0)
		return 0;
	if (w->count > BOOK_EXPANSION_MAX)
		return failed(w, BOOK_TOO_MUCH);
	if (table_grow((void **)&w->todo, &w->room, w->count,
	    sizeof(*w->todo), &unused) == -1)
		return failed(w, BOOK_LATER);
	w->seen[row / 8] |= (uint8_t)(1u << row % 8);
	w->todo[w->count++] = *t;
	return take_owner(w, &w->todo[w->count - 1]);
}

/* May the detail that came go on to this target? */
static bool
detail_goes_on(const struct book *book, const struct todo *t,
    const struct alias_target *target)
{
	const struct domain *written, *d;

	if (t->detail.len == 0 || target->local.len + 1 + t->detail.len >
	    USERNAME_LOCAL_MAX ||
	    memchr(target->local.at, book->delimiter, target->local.len) !=
	    NULL)
		return false;
	d = target->domain.len == 0 ? domains_default(book->domains) :
	    domains_resolve(book->domains, target->domain, &written);
	return d != NULL && d->kind != DOMAIN_RELAY;
}

/* The name that a target of t stands for; *kept is its local-part where it
 * stays, with what of its detail came along. */
static int
target_name(const struct book *book, const struct todo *t,
    const struct alias_target *target, struct book_name *name,
    bool *carries)
{
	char local[USERNAME_LOCAL_MAX];
	size_t n = target->local.len;

	*carries = false;
	if (n == 0)
		return book_name_of(t->local, target->domain, name);
	if (!detail_goes_on(book, t, target))
		return book_name_of(target->local, target->domain, name);
	*carries = true;
	memcpy(local, target->local.at, n);
	local[n++] = book->delimiter;
	memcpy(local + n, t->detail.at, t->detail.len);
	return book_name_of(slice_of(local, n + t->detail.len),
	    target->domain, name);
}

static int
follow(struct walk *w, const struct todo *t,
    const struct alias_target *target, const struct book_found *f,
    bool carries)
{
	struct todo next = { .alias = f->alias, .in = f->in,
		.depth = t->depth + 1, .owner = t->owner };

	if (next.depth > BOOK_DEPTH_MAX)
		return failed(w, BOOK_TOO_MUCH);
	/* Slices that outlive the name: of the tables, or of the question. */
	next.local = target->local.len == 0 ? t->local : target->local;
	if (f->detail.len > 0)
		next.detail = carries ? t->detail : slice_skip(next.local,
		    next.local.len - f->detail.len);
	return walk_push(w, &next);
}

static int walk_program(struct walk *, const struct todo *,
    const struct alias_target *);

static int
walk_target(struct walk *w, const struct todo *t,
    const struct alias_target *target)
{
	struct book_name name;
	struct book_found f;
	bool carries;

	if (w->book->trace != NULL) {
		char text[BOOK_ADDRESS_SIZE];

		snprintf(text, sizeof(text), "%.*s%s%.*s",
		    (int)target->local.len, target->local.at,
		    target->domain.len > 0 ? "@" : "",
		    (int)target->domain.len, target->domain.at);
		book_trace(w->book, BOOK_STEP_TARGET, target->line,
		    aliases_list_name(w->book->aliases, target),
		    slice_str(text));
	}
	if (target->program)
		return walk_program(w, t, target);
	if (target_name(w->book, t, target, &name, &carries) == -1)
		return failed(w, BOOK_TOO_MUCH);
	f = book_look_target(w->book, t->alias, &name);
	if (f.verdict == BOOK_LOCAL && f.alias != NULL)
		return follow(w, t, target, &f, carries);
	return w->final(w, &f, &name, t) ? 0 : -1;
}

static int
walk_alias(struct walk *w, const struct todo *t)
{
	/* Some of them are not known: nobody gets it before all do. */
	if (t->alias->broken)
		return failed(w, BOOK_LATER);
	for (size_t i = 0; i < t->alias->count; i++)
		if (walk_target(w, t, aliases_target(w->book->aliases,
		    t->alias, i)) == -1)
			return -1;
	return 0;
}

/* Until final says stop, or the end; what became of it is in w. */
static void
walk_all(struct walk *w, const struct book_found *from,
    const struct book_name *name)
{
	struct todo first = { .alias = from->alias, .in = from->in,
		.depth = 1, .local = name->local, .detail = from->detail };

	w->seen = calloc(aliases_count(w->book->aliases) / 8 + 1, 1);
	if (w->seen == NULL)
		w->fault = BOOK_LATER;
	else if (walk_push(w, &first) == 0)
		for (size_t i = 0; i < w->count; i++) {
			struct todo t = w->todo[i];	/* the array grows */

			if (walk_alias(w, &t) == -1)
				break;
		}
	free(w->seen);
	free(w->todo);
}

/* ---- does somebody read it? ---- */

static bool
stop_at_life(struct walk *w, const struct book_found *f,
    const struct book_name *name, const struct todo *t)
{
	(void)name, (void)t;
	w->alive = f->verdict != BOOK_UNKNOWN;
	return !w->alive;
}

/* Is there a mailbox, or an address elsewhere, behind this alias at all? */
static enum book_verdict
alias_lives(const struct book *book, const struct book_found *f,
    const struct book_name *name)
{
	struct walk w = { .book = book, .final = stop_at_life };

	walk_all(&w, f, name);
	if (w.fault != BOOK_LOCAL)
		return w.fault;
	return w.alive ? BOOK_LOCAL : BOOK_UNKNOWN;
}

/* The address itself, small letters where it is in our grammar. */
static enum book_verdict
canonical_of(const struct book_found *f, const struct book_name *n,
    char canonical[BOOK_ADDRESS_SIZE])
{
	return address_join(username_local_valid(n->lower) ? n->lower :
	    n->local, f->in->name, canonical, BOOK_ADDRESS_SIZE) == -1 ?
	    BOOK_UNKNOWN : f->verdict;
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
	if (f.verdict == BOOK_RELAY)
		return canonical_of(&f, &n, canonical);
	if (f.verdict != BOOK_LOCAL)
		return f.verdict;
	if (f.alias == NULL)
		return book_found_address(&f, true, canonical,
		    BOOK_ADDRESS_SIZE) == -1 ? BOOK_UNKNOWN : BOOK_LOCAL;
	v = alias_lives(book, &f, &n);
	return v == BOOK_LOCAL ? canonical_of(&f, &n, canonical) : v;
}

/* ---- who gets it ---- */

static int
add_target(struct walk *w, const struct book_target *target,
    const char *address)
{
	struct book_expansion *x = w->out;
	struct table_error unused;
	struct book_target *t;
	size_t len = strlen(address);

	if (x->count == BOOK_EXPANSION_MAX)
		return failed(w, BOOK_TOO_MUCH);
	if (table_grow((void **)&x->targets, &x->target_room, x->count,
	    sizeof(*x->targets), &unused) == -1)
		return failed(w, BOOK_LATER);
	t = &x->targets[x->count];
	*t = *target;
	if ((t->at = keep_text(x, address)) == 0)
		return failed(w, BOOK_LATER);
	t->detail = t->at;
	if (t->kind == BOOK_TARGET_MAILBOX) {
		const char *mark = memrchr(address, '@', len);

		t->detail += (size_t)(mark - address) - target->detail;
	}
	if (t->kind != BOOK_TARGET_NOBODY)
		w->alive = true;
	x->count++;
	return 0;
}

/* No mailbox, but somebody reads it. */
static int
walk_program(struct walk *w, const struct todo *t,
    const struct alias_target *target)
{
	struct book_target program = { .kind = BOOK_TARGET_PROGRAM,
		.owner = t->owner };
	char address[BOOK_ADDRESS_SIZE];

	if (w->out == NULL) {
		w->alive = true;
		return -1;
	}
	if (address_join(target->local,
	    domains_default(w->book->domains)->name, address,
	    sizeof(address)) == -1)
		return failed(w, BOOK_TOO_MUCH);
	return add_target(w, &program, address);
}

/* Elsewhere, or nobody's: as it is written, in the domain that it means. */
static int
plain_address(const struct book *book, const struct book_found *f,
    const struct book_name *name, char *address)
{
	struct slice domain = f->in != NULL ? f->in->name : name->domain;

	if (domain.len == 0)
		domain = domains_default(book->domains)->name;
	return address_join(name->local, domain, address, BOOK_ADDRESS_SIZE);
}

static bool
collect(struct walk *w, const struct book_found *f,
    const struct book_name *name, const struct todo *t)
{
	struct book_target target = { .account = f->account,
		.owner = t == NULL ? 0 : t->owner };
	char address[BOOK_ADDRESS_SIZE];
	int n;

	switch (f->verdict) {
	case BOOK_LOCAL:
		target.kind = BOOK_TARGET_MAILBOX;
		target.detail = f->detail.len;	/* its length, for now */
		break;
	case BOOK_RELAY:
		target.kind = BOOK_TARGET_RELAY;
		break;
	case BOOK_NO_RELAY:
		target.kind = BOOK_TARGET_FOREIGN;
		break;
	default:
		target.kind = BOOK_TARGET_NOBODY;
	}
	n = target.kind == BOOK_TARGET_MAILBOX ?
	    book_found_address(f, true, address, sizeof(address)) :
	    plain_address(w->book, f, name, address);
	if (n == -1)
		return failed(w, BOOK_TOO_MUCH) == 0;
	return add_target(w, &target, address) == 0;
}

static int
order_target(const void *a, const void *b, void *ctx)
{
	const struct book_expansion *e = ctx;
	const struct book_target *x = &e->targets[*(const uint32_t *)a];
	const struct book_target *y = &e->targets[*(const uint32_t *)b];
	const char *s = e->text + x->detail, *t = e->text + y->detail;
	size_t sn, tn;
	int c;

	if (x->account.kind != y->account.kind)
		return x->account.kind < y->account.kind ? -1 : 1;
	if (x->account.number != y->account.number)
		return x->account.number < y->account.number ? -1 : 1;
	/* Of a mailbox the detail alone; of other addresses all of it. */
	sn = x->account.kind == 0 ? strlen(s) : strcspn(s, "@");
	tn = y->account.kind == 0 ? strlen(t) : strcspn(t, "@");
	if ((c = table_compare(slice_of(s, sn), slice_of(t, tn))) != 0)
		return c;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Are two neighbours in the order the same, places in the text apart? */
static bool
same_target(struct book_expansion *x, uint32_t i, uint32_t j)
{
	size_t at = x->targets[j].at;
	bool same;

	x->targets[j].at = x->targets[i].at;
	same = order_target(&i, &j, x) == 0;
	x->targets[j].at = at;
	return same;
}

/* Cut out every address whose mailbox came before; keep the order. */
static int
make_unique(struct book_expansion *x)
{
	uint32_t *order = reallocarray(NULL, x->count, sizeof(*order));
	size_t to = 0;

	if (order == NULL)
		return -1;
	for (size_t i = 0; i < x->count; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, x->count, sizeof(*order), order_target, x);
	for (size_t i = x->count - 1; i > 0; i--)
		if (same_target(x, order[i - 1], order[i]))
			x->targets[order[i]].twice = true;
	free(order);
	for (size_t i = 0; i < x->count; i++)
		if (!x->targets[i].twice)
			x->targets[to++] = x->targets[i];
	x->count = to;
	return 0;
}

static enum book_verdict
expand_alias(struct walk *w, const struct book_found *f,
    const struct book_name *name)
{
	walk_all(w, f, name);
	if (w->fault != BOOK_LOCAL)
		return w->fault;
	if (!w->alive)
		return BOOK_UNKNOWN;
	return make_unique(w->out) == -1 ? BOOK_LATER : BOOK_LOCAL;
}

enum book_verdict
book_expand(const struct book *book, struct slice address,
    struct book_expansion *out)
{
	struct walk w = { .book = book, .out = out, .final = collect };
	struct book_name n;
	struct book_found f;
	enum book_verdict v;

	*out = (struct book_expansion){ 0 };
	if (book_name_parse(address, &n) == -1)
		return BOOK_UNKNOWN;
	f = book_look(book, &n, true);
	v = f.verdict;
	if (v == BOOK_LOCAL && f.alias != NULL)
		v = expand_alias(&w, &f, &n);
	else if (v == BOOK_LOCAL || v == BOOK_RELAY)
		v = collect(&w, &f, &n, NULL) ? v : w.fault;
	if (v != BOOK_LOCAL && v != BOOK_RELAY)
		book_expansion_clear(out);
	return v;
}

void
book_expansion_clear(struct book_expansion *x)
{
	free(x->targets);
	free(x->text);
	*x = (struct book_expansion){ 0 };
}
