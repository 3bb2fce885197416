#include "common/accounts/book.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/accounts/book_private.h"
#include "common/idn/idn.h"

static int
lower(struct book_name *n)
{
	int len = idn_local(n->local, n->lower_text, sizeof(n->lower_text));

	if (len == -1)
		return -1;
	n->lower = slice_of(n->lower_text, (size_t)len);
	return 0;
}

int
book_name_parse(struct slice address, struct book_name *n)
{
	struct username part;

	if (address_parts(address, n->local_text, &part) != PARSE_OK)
		return -1;
	n->local = part.local;
	if (lower(n) == -1)
		return -1;
	n->domain = slice_lower(part.domain, n->domain_text);
	return 0;
}

int
book_name_of(struct slice local, struct slice domain, struct book_name *n)
{
	if (local.len > sizeof(n->local_text) ||
	    domain.len > sizeof(n->domain_text))
		return -1;
	memcpy(n->local_text, local.at, local.len);
	n->local = slice_of(n->local_text, local.len);
	if (lower(n) == -1)
		return -1;
	n->domain = slice_lower(domain, n->domain_text);
	return 0;
}

bool
book_detail_valid(struct slice s)
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

static bool
look_alias(const struct book *book, const struct domain *d,
    struct slice local, struct book_found *f)
{
	f->alias = aliases_find(book->aliases, local, d->name);
	if (f->alias == NULL && d->kind == DOMAIN_LOCAL)
		f->alias = aliases_find(book->aliases, local,
		    SLICE_LITERAL(""));
	if (f->alias == NULL)
		return false;
	book_trace(book, BOOK_STEP_ALIAS, f->alias->line, NULL, local);
	f->verdict = BOOK_LOCAL;
	return true;
}

static bool
look_mailbox(const struct book *book, const struct domain *d,
    struct slice local, struct book_found *f)
{
	const struct system_user *s;
	const struct user *u;

	if ((u = find_user(book, local, d->name)) != NULL) {
		f->account = (struct account){ ACCOUNT_VIRTUAL, u->number };
		f->user = u->name;
		book_trace(book, BOOK_STEP_USER, u->line, NULL, u->name);
	} else if (book->system != NULL && d->kind == DOMAIN_LOCAL &&
	    (s = system_users_by_name(book->system, local)) != NULL) {
		f->account = (struct account){ ACCOUNT_SYSTEM, s->uid };
		f->user = s->name;
		f->domain = d->name;
		book_trace(book, BOOK_STEP_SYSTEM_USER, 0, NULL, s->name);
	} else
		return false;
	f->verdict = BOOK_LOCAL;
	return true;
}

static bool
look_recipient(const struct book *book, const struct domain *d,
    struct slice local, struct book_found *f)
{
	const struct relay_recipient *r = book->recipients == NULL ? NULL :
	    recipients_find(book->recipients, local, d->name);

	if (r == NULL)
		return false;
	book_trace(book, BOOK_STEP_RECIPIENT, r->line, NULL, local);
	f->verdict = BOOK_RELAY;
	return true;
}

/* Steps 1 to 5, for one spelling of the local-part. */
static bool
look_exact(const struct book *book, const struct domain *d,
    struct slice local, bool aliases, struct book_found *f)
{
	if (local.len == 0)
		return false;
	if (aliases && look_alias(book, d, local, f))
		return true;
	return d->kind == DOMAIN_RELAY ? look_recipient(book, d, local, f) :
	    look_mailbox(book, d, local, f);
}

/* Steps 1 to 6. */
static bool
look_in_domain(const struct book *book, const struct domain *d,
    const struct book_name *n, bool aliases, struct book_found *f)
{
	const char *mark, *written;
	struct slice detail;
	size_t base;

	if (look_exact(book, d, n->lower, aliases, f))
		return true;
	if (book->delimiter == '\0' || n->lower.len == 0)
		return false;
	/* Small letters may take more octets than those that were written. */
	mark = memchr(n->lower.at, book->delimiter, n->lower.len);
	written = memchr(n->local.at, book->delimiter, n->local.len);
	if (mark == NULL || written == NULL)
		return false;
	base = (size_t)(mark - n->lower.at);
	detail = slice_skip(n->local, (size_t)(written - n->local.at) + 1);
	if (!book_detail_valid(detail) ||
	    !look_exact(book, d, slice_of(n->lower.at, base), aliases, f))
		return false;
	f->detail = detail;
	return true;
}

static bool
look_catch_all(const struct book *book, const struct domain *d,
    struct book_found *f)
{
	f->alias = aliases_find(book->aliases, SLICE_LITERAL(""), d->name);
	if (f->alias == NULL)
		return false;
	book_trace(book, BOOK_STEP_CATCH_ALL, f->alias->line, NULL, d->name);
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

static const struct book_name root_name = {
	.local = { "root", 4 }, .lower = { "root", 4 },
};

/* In a domain whose mailboxes are elsewhere.  RFC 5321 section 4.5.1: mail
 * for postmaster is taken wherever mail is. */
static struct book_found
look_relay(const struct book *book, const struct domain *d,
    const struct book_name *n, bool aliases)
{
	struct book_found f = { .verdict = BOOK_UNKNOWN, .in = d };
	bool everywhere;

	if (look_in_domain(book, d, n, aliases, &f))
		return f;
	everywhere = is_name(book, n->lower, SLICE_LITERAL("postmaster"));
	if (!everywhere && aliases && look_catch_all(book, d, &f))
		return f;
	if (everywhere || (d->unchecked && n->lower.len > 0))
		f.verdict = BOOK_RELAY;
	book_trace(book, f.verdict == BOOK_RELAY ? BOOK_STEP_UNCHECKED :
	    BOOK_STEP_NOBODY, d->line, NULL, n->lower);
	return f;
}

static struct book_found
look_here(const struct book *book, const struct domain *d,
    const struct book_name *n, bool aliases)
{
	struct book_found f = { .verdict = BOOK_UNKNOWN, .in = d };
	const struct domain *first = domains_default(book->domains);
	bool postmaster = is_name(book, n->lower,
	    SLICE_LITERAL("postmaster"));

	if (look_in_domain(book, d, n, aliases, &f) ||
	    (postmaster &&
		look_in_domain(book, first, &root_name, aliases, &f)) ||
	    (aliases && look_catch_all(book, d, &f)) ||
	    (aliases && postmaster && look_catch_all(book, first, &f)))
		return f;
	if (postmaster || ((d == first || d->kind == DOMAIN_LOCAL) &&
	    is_name(book, n->lower, root_name.lower))) {
		f.verdict = BOOK_LOCAL;
		f.account = (struct account){ ACCOUNT_VIRTUAL,
		    ACCOUNT_POSTMASTER };
		f.user = root_name.lower;
		f.domain = first->name;
	}
	book_trace(book, f.verdict == BOOK_LOCAL ? BOOK_STEP_KEPT :
	    BOOK_STEP_NOBODY, 0, NULL, n->lower);
	return f;
}

struct book_found
book_look(const struct book *book, const struct book_name *n, bool aliases)
{
	const struct domain *written, *d;

	if (n->domain.len == 0)
		d = written = domains_default(book->domains);
	else
		d = domains_resolve(book->domains, n->domain, &written);
	if (d == NULL) {
		book_trace(book, BOOK_STEP_FOREIGN, 0, NULL, n->domain);
		return (struct book_found){ .verdict = BOOK_NO_RELAY };
	}
	if (d != written)
		book_trace(book, BOOK_STEP_SAME_AS, written->line, NULL,
		    d->name);
	book_trace(book, BOOK_STEP_DOMAIN, d->line, NULL,
	    slice_str(domain_kind_name(d->kind)));
	return d->kind == DOMAIN_RELAY ? look_relay(book, d, n, aliases) :
	    look_here(book, d, n, aliases);
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
		return f.verdict == BOOK_RELAY ? BOOK_NO_RELAY : f.verdict;
	m->account = f.account;
	if (book_found_address(&f, false, m->canonical,
	    sizeof(m->canonical)) == -1 ||
	    slice_copy_str(f.detail, m->detail, sizeof(m->detail)) == -1)
		return BOOK_UNKNOWN;
	return BOOK_LOCAL;
}

bool
book_program(const struct book *book, struct slice address,
    char text[ALIASES_PROGRAM_MAX + 1])
{
	struct book_name n;
	const struct domain *first = domains_default(book->domains);

	return book_name_parse(address, &n) == 0 && first != NULL &&
	    slice_equal(n.domain, first->name) &&
	    aliases_has_program(book->aliases, n.local) &&
	    slice_copy_str(n.local, text, ALIASES_PROGRAM_MAX + 1) == 0;
}

bool
book_root_is_read(const struct book *book)
{
	struct book_found f = book_look(book, &root_name, true);

	return f.alias != NULL || f.account.kind != ACCOUNT_VIRTUAL ||
	    f.account.number != ACCOUNT_POSTMASTER;
}
