/* What book.c finds, for book_expand.c and book_check.c. */
#ifndef COMMON_ACCOUNTS_BOOK_PRIVATE_H
#define COMMON_ACCOUNTS_BOOK_PRIVATE_H

#include <stdbool.h>

#include "common/accounts/book.h"

/* An address, cut up and in small letters. */
struct book_name {
	char		local_text[USERNAME_UNQUOTED_SIZE];
	char		lower_text[USERNAME_UNQUOTED_SIZE];
	char		domain_text[USERNAME_DOMAIN_MAX];
	struct slice	local;		/* as written, unquoted */
	struct slice	lower;		/* the same in small letters */
	struct slice	domain;		/* small letters; empty: default */
};

struct book_found {
	enum book_verdict	 verdict;
	const struct domain	*in;		/* NULL: not ours */
	/* BOOK_LOCAL: an alias, or else a mailbox. */
	const struct alias	*alias;
	struct account		 account;
	struct slice		 user;		/* local@domain or local */
	struct slice		 domain;	/* empty when user has one */
	struct slice		 detail;
};

/* Cut an address up; -1: nothing that could be one. */
int book_name_parse(struct slice address, struct book_name *);
/* The same of a local-part, unquoted, and a domain.  -1: too long. */
int book_name_of(struct slice local, struct slice domain, struct book_name *);

/* Steps 1 to 10 of book.h; without aliases those that are no alias.  The
 * slices found point into the tables and into the name. */
struct book_found book_look(const struct book *, const struct book_name *,
    bool aliases);

/* What a target of a means: an alias other than a, or a mailbox. */
struct book_found book_look_target(const struct book *, const struct alias *a,
    const struct book_name *);

/* The address that a mailbox found is known by; -1: no room. */
int book_found_address(const struct book_found *, bool with_detail, char *out,
    size_t size);

/* What can stand behind the delimiter; it may become a folder's name. */
bool book_detail_valid(struct slice);

static inline void
book_trace(const struct book *book, enum book_step_kind kind, unsigned line,
    const char *list, struct slice text)
{
	struct book_step step = { kind, line, list, text };

	if (book->trace != NULL)
		book->trace->step(book->trace->ctx, &step);
}

#endif
