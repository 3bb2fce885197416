/*
 * Is the graph of aliases one that can be used?  Depth first, with a stack
 * of our own; each alias is white, grey (on the stack) or black.
 *
 * What stands in a list is left out: its writer may be another than root, and
 * must not be able to have the table refused.  The walk of book_expand.c needs
 * no promise that there is no loop.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/accounts/book.h"
#include "common/accounts/book_private.h"

enum colour { WHITE, GREY, BLACK };

struct node {
	enum colour	colour;
	unsigned	depth;		/* aliases below it, itself counted */
	size_t		size;		/* mailboxes at most, saturated */
};

struct frame {
	size_t	row;
	size_t	target;			/* the next to look at */
};

struct checker {
	const struct book	*book;
	struct node		*nodes;
	struct frame		*stack;	/* room for every alias */
	size_t			 height;
	struct table_error	*err;
};

static void
size_add(struct node *n, size_t more)
{
	if (__builtin_add_overflow(n->size, more, &n->size))
		n->size = SIZE_MAX;
}

static void
push(struct checker *c, size_t row)
{
	c->nodes[row] = (struct node){ .colour = GREY, .depth = 1 };
	c->stack[c->height++] = (struct frame){ .row = row };
}

/* All its targets have been seen: check sums, hand them to who asked. */
static int
finish(struct checker *c)
{
	size_t row = c->stack[--c->height].row;
	struct node *n = &c->nodes[row];
	struct node *parent = c->height == 0 ? NULL :
	    &c->nodes[c->stack[c->height - 1].row];

	n->colour = BLACK;
	if (n->depth > BOOK_DEPTH_MAX)
		return table_error_set(c->err,
		    aliases_at(c->book->aliases, row)->line, "leads through "
		    "more than %d aliases, one after the other; shorten the "
		    "chain", BOOK_DEPTH_MAX);
	if (parent != NULL) {
		if (parent->depth < n->depth + 1)
			parent->depth = n->depth + 1;
		size_add(parent, n->size);
	}
	return 0;
}

static int
refuse_loop(struct checker *c, const struct alias_target *t, size_t row)
{
	char what[96];

	snprintf(what, sizeof(what), "leads back to the alias of line %u: a "
	    "loop; take one of its targets out",
	    aliases_at(c->book->aliases, row)->line);
	return table_error_quote(c->err, t->line,
	    t->local.len > 0 ? t->local : t->domain, what);
}

/* The alias that a target leads to, if it is one; -1: too long. */
static int
look_at(struct checker *c, const struct alias *a,
    const struct alias_target *t, struct book_found *f)
{
	const struct domain *written, *d;
	struct book_name name;

	*f = (struct book_found){ .verdict = BOOK_UNKNOWN };
	if (t->local.len > 0) {
		if (book_name_of(t->local, t->domain, &name) == -1)
			return -1;
		*f = book_look_target(c->book, a, &name);
		return 0;
	}
	/* "@a: @b" may end in b's catch-all, and that may be one more. */
	d = domains_resolve(c->book->domains, t->domain, &written);
	if (d != NULL)
		f->alias = aliases_find(c->book->aliases, t->local, d->name);
	if (f->alias != NULL)
		f->verdict = BOOK_LOCAL;
	return 0;
}

static int
step(struct checker *c, const struct alias *a, const struct alias_target *t)
{
	size_t from = c->stack[c->height - 1].row, row;
	struct book_found f;

	if (t->program) {
		size_add(&c->nodes[from], 1);
		return 0;
	}
	if (look_at(c, a, t, &f) == -1)
		return table_error_quote(c->err, t->line, t->local,
		    "too long");
	if (f.verdict != BOOK_LOCAL || f.alias == NULL) {
		size_add(&c->nodes[from], 1);
		return 0;
	}
	row = aliases_index(c->book->aliases, f.alias);
	if (c->nodes[row].colour == GREY)
		return refuse_loop(c, t, row);
	if (c->nodes[row].colour == WHITE) {
		push(c, row);
		return 0;
	}
	if (c->nodes[from].depth < c->nodes[row].depth + 1)
		c->nodes[from].depth = c->nodes[row].depth + 1;
	size_add(&c->nodes[from], c->nodes[row].size);
	return 0;
}

static int
visit(struct checker *c, size_t row)
{
	push(c, row);
	while (c->height > 0) {
		struct frame *f = &c->stack[c->height - 1];
		const struct alias *a = aliases_at(c->book->aliases, f->row);
		const struct alias_target *t;

		if (f->target == a->count) {
			if (finish(c) == -1)
				return -1;
			continue;
		}
		t = aliases_target(c->book->aliases, a, f->target++);
		if (t->list == 0 && step(c, a, t) == -1)
			return -1;
	}
	return 0;
}

/* The sum counts a mailbox as often as it is named: only then look closer. */
static int
check_size(struct checker *c, const struct alias *a, const struct node *n)
{
	char address[BOOK_ADDRESS_SIZE];
	struct book_expansion x;
	struct slice domain = a->domain.len > 0 ? a->domain :
	    domains_default(c->book->domains)->name;
	enum book_verdict v;

	if (n->size <= BOOK_EXPANSION_MAX)
		return 0;
	snprintf(address, sizeof(address), "%.*s@%.*s",
	    a->local.len == 0 ? 1 : (int)a->local.len,
	    a->local.len == 0 ? "?" : a->local.at,
	    (int)domain.len, domain.at);
	v = book_expand(c->book, slice_str(address), &x);
	book_expansion_clear(&x);
	if (v != BOOK_TOO_MUCH)
		return 0;
	return table_error_set(c->err, a->line, "stands for more than %d "
	    "addresses; make it smaller", BOOK_EXPANSION_MAX);
}

static int
check_domain(struct checker *c, const struct alias *a)
{
	const struct domain *d = a->domain.len == 0 ?
	    domains_default(c->book->domains) :
	    domains_find(c->book->domains, a->domain);
	char what[400];

	if (d == NULL)
		return table_error_quote(c->err, a->line, a->domain,
		    "not one of the domains here; add it to the domains "
		    "table, or take the alias out");
	if (d->kind != DOMAIN_ALIAS)
		return 0;
	snprintf(what, sizeof(what), "is an alias of %.*s in the domains "
	    "table: write the alias with that one", (int)d->of.len, d->of.at);
	return table_error_quote(c->err, a->line, a->domain, what);
}

static int
check_all(struct checker *c, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (check_domain(c, aliases_at(c->book->aliases, i)) == -1)
			return -1;
	for (size_t i = 0; i < count; i++)
		if (c->nodes[i].colour == WHITE && visit(c, i) == -1)
			return -1;
	for (size_t i = 0; i < count; i++)
		if (check_size(c, aliases_at(c->book->aliases, i),
		    &c->nodes[i]) == -1)
			return -1;
	return 0;
}

int
book_check(const struct book *book, struct table_error *err)
{
	size_t count = aliases_count(book->aliases);
	struct node *nodes = calloc(count + 1, sizeof(*nodes));
	struct frame *stack = reallocarray(NULL, count + 1, sizeof(*stack));
	struct checker c = { .book = book, .nodes = nodes, .stack = stack,
		.err = err };
	int result = -1;

	if (nodes == NULL || stack == NULL)
		table_error_set(err, 0, "no memory to look for loops");
	else
		result = check_all(&c, count);
	free(nodes);
	free(stack);
	return result;
}

int
book_check_recipients(const struct book *book, struct table_error *err)
{
	for (size_t i = 0; i < recipients_count(book->recipients); i++) {
		const struct relay_recipient *r =
		    recipients_at(book->recipients, i);
		const struct domain *d = domains_find(book->domains,
		    r->domain);

		if (d == NULL || d->kind != DOMAIN_RELAY)
			return table_error_quote(err, r->line, r->domain,
			    "not a relay domain; write it into the domains "
			    "table as relay, or take the address out");
		if (d->unchecked)
			return table_error_quote(err, r->line, r->domain,
			    "takes any recipient; take \"unchecked\" out of "
			    "its line in the domains table");
	}
	return 0;
}
