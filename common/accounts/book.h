/*
 * The address book: what an address means, from the tables alone.  Pure: no
 * sockets, no clock, nothing kept between two questions.
 *
 * A domain that is an alias of another is that other one.  Where a name is
 * looked for then, in this order, in a domain that is ours:
 *
 *	1. the alias written with this domain
 *	2. the alias written without one		(local domains only)
 *	3. the user of the users table			(not in relay domains)
 *	4. the system user				(local domains only)
 *	5. the recipient of the relay-recipients table	(relay domains only)
 *	6. 1 to 5 again without what follows the delimiter ("detail")
 *	7. "postmaster" goes on as root of the default domain (but is the
 *	   other host's in a relay domain)
 *	8. the catch-all alias of the domain
 *	9. any name of a relay domain that is not checked
 *	10. "root" of a local domain: ACCOUNT_POSTMASTER
 *
 * An alias that names itself means the mailbox of that name (3, 4, 6, 10).
 * The detail of an address goes on to those targets of its aliases that are
 * in a local or virtual domain and have none themselves.
 */
#ifndef COMMON_ACCOUNTS_BOOK_H
#define COMMON_ACCOUNTS_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/accounts/account.h"
#include "common/accounts/aliases.h"
#include "common/accounts/domains.h"
#include "common/accounts/recipients.h"
#include "common/accounts/system_users.h"
#include "common/accounts/table.h"
#include "common/accounts/username.h"
#include "common/accounts/users.h"
#include "common/slice/slice.h"

/* An alias of an alias, so many times: more is refused. */
#define BOOK_DEPTH_MAX		50
/* Addresses that one address may stand for: as many as an envelope holds. */
#define BOOK_EXPANSION_MAX	20000

/* What a look into the book met, for those who want to be told why. */
enum book_step_kind {
	BOOK_STEP_FOREIGN,	/* the domain is not ours */
	BOOK_STEP_DOMAIN,	/* domains: its row */
	BOOK_STEP_SAME_AS,	/* domains: an alias of this domain */
	BOOK_STEP_ALIAS,	/* aliases */
	BOOK_STEP_CATCH_ALL,	/* aliases: @domain */
	BOOK_STEP_OWNER,	/* aliases: owner-, the new reverse-path */
	BOOK_STEP_TARGET,	/* aliases, or a list: one target */
	BOOK_STEP_USER,		/* users */
	BOOK_STEP_SYSTEM_USER,	/* /etc/passwd: no line */
	BOOK_STEP_RECIPIENT,	/* relay-recipients */
	BOOK_STEP_UNCHECKED,	/* domains: relay unchecked */
	BOOK_STEP_KEPT,		/* nobody reads root: ACCOUNT_POSTMASTER */
	BOOK_STEP_NOBODY
};

struct book_step {
	enum book_step_kind kind;
	unsigned	line;		/* 0: none */
	const char	*list;		/* the file, where it is a list */
	struct slice	text;		/* the name found or not found */
};

struct book_trace {
	void	(*step)(void *ctx, const struct book_step *);
	void	*ctx;
};

/* Borrowed; users, system, recipients and trace may be NULL. */
struct book {
	const struct domains_table	*domains;
	const struct aliases_table	*aliases;
	const struct users_table	*users;
	const struct system_users	*system;
	const struct recipients_table	*recipients;
	char				 delimiter;	/* NUL: no detail */
	const struct book_trace		*trace;
};

enum book_verdict {
	BOOK_LOCAL,		/* ours, and somebody reads it */
	BOOK_RELAY,		/* of a relay domain of ours */
	BOOK_UNKNOWN,		/* our domain, nobody of that name */
	BOOK_NO_RELAY,		/* not a domain of ours */
	BOOK_TOO_MUCH,		/* over a limit */
	BOOK_LATER		/* no memory, or a list cannot be read */
};

#define BOOK_DETAIL_MAX		64
/* Room for any address that we answer with, and its NUL. */
#define BOOK_ADDRESS_SIZE	640

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
 * "Is this a program or a file that an alias names now?"  For a final address,
 * as book_expand lists them; nobody writes to such an address.  text, which is
 * the command with its bar or the path, is set and is the table's word for
 * it, good as long as that is.
 */
bool book_program(const struct book *, struct slice address,
    char text[ALIASES_PROGRAM_MAX + 1]);

/* Has a final address of this host the form of one? */
static inline bool
book_looks_like_program(struct slice address)
{
	if (address.len > 0 && address.at[0] == '"')
		address = slice_skip(address, 1);
	return address.len > 0 && (address.at[0] == '|' ||
	    address.at[0] == '/');
}

/*
 * "Does anybody here read this?"  BOOK_LOCAL and BOOK_RELAY: canonical is the
 * address in its canonical spelling (its detail kept).  An alias counts when
 * at least one mailbox or one address elsewhere stands behind it.
 */
enum book_verdict book_resolve(const struct book *, struct slice address,
    char canonical[BOOK_ADDRESS_SIZE]);

enum book_target_kind {
	BOOK_TARGET_MAILBOX,
	BOOK_TARGET_NOBODY,	/* of a domain of ours, but no mailbox */
	BOOK_TARGET_RELAY,	/* in a relay domain of ours */
	BOOK_TARGET_FOREIGN,
	/* A program or file that an alias names: its local-part is the text,
	 * in quotes where it needs them, its domain the default one. */
	BOOK_TARGET_PROGRAM
};

struct book_target {
	enum book_target_kind kind;
	struct account	account;	/* BOOK_TARGET_MAILBOX */
	size_t		at;		/* of its address in the text */
	size_t		detail;		/* of its detail in the text */
	size_t		owner;		/* of its owner's address; 0: none */
	bool		twice;		/* private */
};

/* Final addresses; the text holds them, each with a NUL. */
struct book_expansion {
	struct book_target *targets;
	size_t	 count, target_room;
	char	*text;
	size_t	 len, room;
};

/*
 * "Who is behind this?"  BOOK_LOCAL and BOOK_RELAY: *out lists the final
 * addresses, at least one, no mailbox (account and detail) and no other
 * address twice, in the order in which they were found; a target that no
 * mailbox stands behind is listed as it is written, so that its delivery
 * fails and the failure is reported.  Free it with book_expansion_clear.
 *
 * A target that came by an alias NAME for which there is an alias owner-NAME
 * has that owner: the innermost, where there are several.
 */
enum book_verdict book_expand(const struct book *, struct slice address,
    struct book_expansion *out);
void book_expansion_clear(struct book_expansion *);

static inline const char *
book_target_address(const struct book_expansion *x, size_t i)
{
	return x->text + x->targets[i].at;
}

/* NULL: it has none. */
static inline const char *
book_target_owner(const struct book_expansion *x, size_t i)
{
	return x->targets[i].owner == 0 ? NULL :
	    x->text + x->targets[i].owner;
}

/*
 * Look through all aliases: a loop (also through a catch-all), a chain over
 * BOOK_DEPTH_MAX, an expansion over BOOK_EXPANSION_MAX, an alias in a domain
 * that is not ours.  -1 with err, whose line is one of the aliases table.
 */
int book_check(const struct book *, struct table_error *);

/*
 * Recipients in a domain that is not a relay domain of ours, or in one that
 * is not checked: what the table says has no effect there.  -1 with err,
 * whose line is one of relay-recipients.
 */
int book_check_recipients(const struct book *, struct table_error *);

/*
 * Does a person read what comes for root?  False while ACCOUNT_POSTMASTER
 * gets it: worth a warning.
 */
bool book_root_is_read(const struct book *);

#endif
