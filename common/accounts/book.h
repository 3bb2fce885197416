/*
 * The address book: what an address means, from the tables alone.  Pure: no
 * sockets, no clock, nothing kept between two questions.
 *
 * Where a name is looked for, in this order, in a domain that is ours:
 *
 *	1. the alias written with this domain
 *	2. the alias written without one		(local domains only)
 *	3. the user of the users table
 *	4. the system user				(local domains only)
 *	5. 1 to 4 again without what follows the delimiter ("detail")
 *	6. "postmaster" goes on as root of the default domain
 *	7. the catch-all alias of the domain
 *	8. "root" of a local domain: ACCOUNT_POSTMASTER
 *
 * An alias that names itself means the mailbox of that name (3, 4, 5, 8).
 */
#ifndef COMMON_ACCOUNTS_BOOK_H
#define COMMON_ACCOUNTS_BOOK_H

#include <stddef.h>

#include "common/accounts/account.h"
#include "common/accounts/aliases.h"
#include "common/accounts/domains.h"
#include "common/accounts/system_users.h"
#include "common/accounts/table.h"
#include "common/accounts/username.h"
#include "common/accounts/users.h"
#include "common/slice/slice.h"

/* An alias of an alias, so many times: more is refused. */
#define BOOK_DEPTH_MAX		50
/* Mailboxes that one address may stand for. */
#define BOOK_EXPANSION_MAX	50000

/* Borrowed; users and system may be NULL. */
struct book {
	const struct domains_table	*domains;
	const struct aliases_table	*aliases;
	const struct users_table	*users;
	const struct system_users	*system;
	char				 delimiter;	/* NUL: no detail */
};

enum book_verdict {
	BOOK_LOCAL,
	BOOK_UNKNOWN,		/* our domain, nobody of that name */
	BOOK_NO_RELAY,		/* not a domain of ours */
	BOOK_TOO_MUCH		/* over a limit, or no memory */
};

#define BOOK_DETAIL_MAX		64
/* Room for any address that we answer with, and its NUL. */
#define BOOK_ADDRESS_SIZE	512

/* A mailbox, found without aliases. */
struct book_mailbox {
	struct account	account;
	char		canonical[USERNAME_SIZE];	/* no detail */
	char		detail[BOOK_DETAIL_MAX + 1];	/* case kept */
};

/*
 * "Whose mailbox is this?", no alias looked at: for a final address.
 * BOOK_LOCAL: *mailbox is set.
 */
enum book_verdict book_mailbox(const struct book *, struct slice address,
    struct book_mailbox *);

/*
 * "Does anybody here read this?"  BOOK_LOCAL: canonical is the address in
 * its canonical spelling (its detail kept).  An alias counts when at least
 * one mailbox stands behind it.
 */
enum book_verdict book_resolve(const struct book *, struct slice address,
    char canonical[BOOK_ADDRESS_SIZE]);

/* Final addresses, each with a NUL, one behind the other. */
struct book_expansion {
	char	*text;
	size_t	 len, room;
	size_t	 count;
};

/*
 * "Who is behind this?"  BOOK_LOCAL: *out lists the final addresses, at
 * least one, no mailbox (account and detail) twice, in the order in which
 * they were found; a target that no mailbox stands behind is listed as it is
 * written, so that its delivery fails and the failure is reported.  Free it
 * with book_expansion_clear.
 */
enum book_verdict book_expand(const struct book *, struct slice address,
    struct book_expansion *out);
void book_expansion_clear(struct book_expansion *);
/* The one behind p, which starts as NULL; NULL at the end. */
const char *book_expansion_next(const struct book_expansion *, const char *p);

/*
 * Look through all aliases: a loop (also through a catch-all), a chain over
 * BOOK_DEPTH_MAX, an expansion over BOOK_EXPANSION_MAX, a target in a domain
 * that is not ours, an alias in such a domain.  -1 with err, whose line is
 * one of the aliases table.
 */
int book_check(const struct book *, struct table_error *);

/*
 * Does a person read what comes for root?  False while ACCOUNT_POSTMASTER
 * gets it: worth a warning.
 */
bool book_root_is_read(const struct book *);

#endif
