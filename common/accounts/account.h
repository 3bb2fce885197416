/*
 * An account, and the rule that makes a uid, a gid and a home of it.
 *
 * Between processes an account is a number and nothing else.  What a number
 * means stands in files that only root writes, or follows from a fixed rule,
 * so that a process that names accounts can name no uid and no path.
 */
#ifndef COMMON_ACCOUNTS_ACCOUNT_H
#define COMMON_ACCOUNTS_ACCOUNT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct users_table;
struct system_users;

enum account_kind {
	ACCOUNT_VIRTUAL = 1,	/* number: from the users table */
	ACCOUNT_SYSTEM = 2,	/* number: the uid in /etc/passwd */
	/* Number 0: programs and files that aliases name.  It has no mailbox:
	 * account_locate() knows nothing of it. */
	ACCOUNT_PROGRAMS = 3
};

struct account {
	enum account_kind	kind;
	uint32_t		number;
};

/*
 * The virtual account that always exists: what comes for postmaster or root
 * while no alias and no user stands for them is kept in its mailbox.  Nobody
 * logs in to it, and `user add` never gives this number.
 */
#define ACCOUNT_POSTMASTER	0U

/* The greatest number of a virtual account; keeps every sum in 32 bits. */
#define ACCOUNT_NUMBER_MAX	1000000000U

/* From the settings, the same for everybody. */
struct account_rules {
	uint32_t	 uid_base;	/* uid of virtual account 0 */
	uint32_t	 uid_count;	/* so many uids from there are ours */
	uint32_t	 uid_shared;	/* not 0: the uid of all virtual ones */
	uint32_t	 system_min;	/* system accounts: least uid ... */
	uint32_t	 system_max;	/* ... and greatest; min 0 means none */
	bool		 system_home;	/* system mail in ~, not mail_root */
	const char	*mail_root;	/* absolute; borrowed */
	/* What an account may have whose row says nothing; 0: no limit. */
	uint64_t quota_octets;
	uint64_t quota_messages;
};

struct account_place {
	uid_t	uid;
	gid_t	gid;
	char	home[PATH_MAX];		/* absolute */
	bool	make;			/* ours: supervisor may create it */
	uint64_t quota_octets;          /* 0: no limit */
	uint64_t quota_messages;
};

/*
 * Where does this account live?
 *
 * virtual: known to the users table (ACCOUNT_POSTMASTER needs no row), uid
 *     and gid are uid_base + number (or the shared one), home is the row's
 *     home= or mail_root/NUMBER.
 * system: known to the password file, uid within the range of the rules,
 *     the group is the one named there, home is mail_root/uUID or, by the
 *     rules, the home that the password file names.
 *
 * The quota is the row's quota= and messages=, or that of the rules; none for
 * ACCOUNT_POSTMASTER, whose mail must find a place.
 *
 * users and system may be NULL: then there is none of that kind.  Looks at
 * numbers only.  Returns -1, place untouched, for an account that is unknown
 * (errno ENOENT) or that the rules forbid (EPERM): uid 0 or -1, out of the
 * range, or a home too long.
 */
int account_locate(const struct account_rules *, const struct users_table *,
    const struct system_users *, struct account, struct account_place *);

/* Is it one of the kinds, with a number in its range?  For decoders. */
bool account_valid(struct account);

/* "virtual:17", "system:1000": for logs.  out holds ACCOUNT_TEXT octets. */
#define ACCOUNT_TEXT	24
const char *account_text(struct account, char out[ACCOUNT_TEXT]);

#endif
