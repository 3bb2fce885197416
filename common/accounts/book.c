#include "common/accounts/book.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/accounts/book_private.h"

int
book_name_parse(struct slice address, struct book_name *n)
{
	struct username part;

	if (address_parts(address, n->local_text, &part) != PARSE_OK)
		return -1;
	n->local = part.local;
	n->lower = slice_lower(part.local, n->lower_text);
	n->domain = slice_lower(part.domain, n->domain_text);
	return 0;
}

int
book_name_of_target(const struct alias_target *t, struct book_name *n)
{
	if (t->local.len > sizeof(n->local_text) ||
	    t->domain.len > sizeof(n->domain_text))
		return -1;
	memcpy(n->local_text, t->local.at, t->local.len);
	n->local = slice_of(n->local_text, t->local.len);
	n->lower = slice_lower(t->local, n->lower_text);
	n->domain = slice_lower(t->domain, n->domain_text);
	return 0;
}

/* May this stand behind the delimiter?  It may become a folder's name. */
static bool
detail_valid(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') ||
		    (c != '\0' && strchr("._-+='", c) != NULL)))
			return false;
	}
	return s.len <= BOOK_DETAIL_MAX && (s.len == 0 || s.at[0] != '.');
}

static const struct user *
find_user(const struct book *book, struct slice local, struct slice domain)
{
	char name[USERNAME_SIZE];

	if (book->users == NULL ||
	    local.len + 1 + domain.len >= sizeof(name))
		return NULL;
	memcpy(name, local.at, local.len);
	name[local.len] = '@';
	memcpy(name + local.len + 1, domain.at, domain.len);
	return users_by_name(book->users,
	    slice_of(name, local.len + 1 + domain.len));
}

/* Steps 1 to 4, for one spelling of the local-part. */
static bool
look_exact(const struct book *book, const struct domain *d,
    struct slice local, bool aliases, struct book_found *f)
{
	const struct system_user *s;
	const struct user *u;

	if (local.len == 0)
		return false;
	f->verdict = BOOK_LOCAL;
	if (aliases) {
		f->alias = aliases_find(book->aliases, local, d->name);
		if (f->alias == NULL && d->kind == DOMAIN_LOCAL)
			f->alias = aliases_find(book->aliases, local,
			    SLICE_LITERAL(""));
		if (f->alias != NULL)
			return true;
	}
	if ((u = find_user(book, local, d->name)) != NULL) {
		f->account = (struct account){ ACCOUNT_VIRTUAL, u->number };
		f->user = u->name;
		return true;
	}
	if (book->system != NULL && d->kind == DOMAIN_LOCAL &&
	    (s = system_users_by_name(book->system, local)) != NULL) {
		f->account = (struct account){ ACCOUNT_SYSTEM, s->uid };
		f->user = s->name;
		f->domain = d->name;
		return true;
	}
	f->verdict = BOOK_UNKNOWN;
	return false;
}

/* Steps 1 to 5. */
static bool
look_in_domain(const struct book *book, const struct domain *d,
    const struct book_name *n, bool aliases, struct book_found *f)
{
	const char *mark;
	size_t base;

	if (look_exact(book, d, n->lower, aliases, f))
		return true;
	if (book->delimiter == '\0' || n->lower.len == 0)
		return false;
	mark = memchr(n->lower.at, book->delimiter, n->lower.len);
	if (mark == NULL)
		return false;
	base = (size_t)(mark - n->lower.at);
	if (!detail_valid(slice_skip(n->local, base + 1)) ||
	    !look_exact(book, d, slice_of(n->lower.at, base), aliases, f))
		return false;
	f->detail = slice_skip(n->local, base + 1);
	return true;
}

static bool
look_catch_all(const struct book *book, const struct domain *d,
    struct book_found *f)
{
	f->alias = aliases_find(book->aliases, SLICE_LITERAL(""), d->name);
	if (f->alias == NULL)
		return false;
	f->verdict = BOOK_LOCAL;
	return true;
}

/* "postmaster", perhaps with a detail. */
static bool
is_name(const struct book *book, struct slice local, struct slice name)
{
	if (local.len > name.len && book->delimiter != '\0' &&
	    local.at[name.len] == book->delimiter)
		local.len = name.len;
	return slice_equal(local, name);
}

struct book_found
book_look(const struct book *book, const struct book_name *n, bool aliases)
{
	static const struct book_name root = {
		.local = SLICE_LITERAL("root"), .lower = SLICE_LITERAL("root"),
	};
	const struct domain *first = domains_default(book->domains);
	const struct domain *d = n->domain.len == 0 ? first :
	    domains_find(book->domains, n->domain);
	struct book_found f = { .verdict = BOOK_NO_RELAY };
	bool postmaster;

	if (d == NULL)
		return f;
	f.verdict = BOOK_UNKNOWN;
	postmaster = is_name(book, n->lower, SLICE_LITERAL("postmaster"));
	if (look_in_domain(book, d, n, aliases, &f) ||
	    (postmaster && look_in_domain(book, first, &root, aliases, &f)) ||
	    (aliases && look_catch_all(book, d, &f)) ||
	    (aliases && postmaster && look_catch_all(book, first, &f)))
		return f;
	if (postmaster || ((d == first || d->kind == DOMAIN_LOCAL) &&
	    is_name(book, n->lower, root.lower))) {
		f.verdict = BOOK_LOCAL;
		f.account = (struct account){ ACCOUNT_VIRTUAL,
		    ACCOUNT_POSTMASTER };
		f.user = root.lower;
		f.domain = first->name;
	}
	return f;
}

struct book_found
book_look_target(const struct book *book, const struct alias *a,
    const struct book_name *n)
{
	struct book_found f = book_look(book, n, true);

	return f.verdict == BOOK_LOCAL && f.alias == a ?
	    book_look(book, n, false) : f;
}

/* local[+detail]@domain: the detail goes in front of the "@". */
int
book_found_address(const struct book_found *f, bool with_detail, char *out,
    size_t size)
{
	struct slice local = f->user, domain = f->domain;
	const char *at = memchr(f->user.at, '@', f->user.len);
	bool detail = with_detail && f->detail.len > 0;
	int n;

	if (at != NULL) {
		local.len = (size_t)(at - f->user.at);
		domain = slice_skip(f->user, local.len + 1);
	}
	/* The delimiter stands in front of the detail, in the same text. */
	n = snprintf(out, size, "%.*s%.*s@%.*s", (int)local.len, local.at,
	    detail ? (int)f->detail.len + 1 : 0,
	    detail ? f->detail.at - 1 : "", (int)domain.len, domain.at);
	return n > 0 && (size_t)n < size ? 0 : -1;
}

enum book_verdict
book_mailbox(const struct book *book, struct slice address,
    struct book_mailbox *m)
{
	struct book_name n;
	struct book_found f;

	if (book_name_parse(address, &n) == -1)
		return BOOK_UNKNOWN;
	f = book_look(book, &n, false);
	if (f.verdict != BOOK_LOCAL)
		return f.verdict;
	m->account = f.account;
	if (book_found_address(&f, false, m->canonical,
	    sizeof(m->canonical)) == -1 ||
	    slice_copy_str(f.detail, m->detail, sizeof(m->detail)) == -1)
		return BOOK_UNKNOWN;
	return BOOK_LOCAL;
}

bool
book_root_is_read(const struct book *book)
{
	static const struct book_name root = {
		.local = SLICE_LITERAL("root"), .lower = SLICE_LITERAL("root"),
	};
	struct book_found f = book_look(book, &root, true);

	return f.alias != NULL || f.account.kind != ACCOUNT_VIRTUAL ||
	    f.account.number != ACCOUNT_POSTMASTER;
}
