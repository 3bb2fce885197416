/*
 * Changing the users and passwords tables, as `bulkhead user` does.
 *
 * What always holds, also across a kill or a power cut in the middle:
 * E1  Each table is either the old one or the new one, whole (written beside
 *     it, synced, renamed, the directory synced).
 * E2  A number that ever stood in the users table is never given again.
 * E3  The users table is written first: a user without a password cannot log
 *     in, and the password of a number that nobody has opens nothing.
 * E4  One writer at a time: a lock (flock) on the configuration directory.
 * Lines that a person wrote, comments too, stay as they are.
 *
 * After a failure nothing but accounts_edit_close is called: what is on disk
 * is then read afresh.
 */
#ifndef COMMON_ACCOUNTS_EDIT_H
#define COMMON_ACCOUNTS_EDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/slice/slice.h"

#define ACCOUNTS_USERS		"users"		/* mode 0644 */
#define ACCOUNTS_PASSWORDS	"passwords"	/* mode 0600 */

/* A sentence for the operator, with file and line where it is about one. */
#define ACCOUNTS_WHY	384

struct accounts_edit;

struct new_password {
	struct slice	octets;
	bool		apop;	/* keep it so that APOP can be checked */
};

/*
 * Lock the configuration directory and read both tables (an absent one is
 * an empty one).  Waits for another writer.  NULL with why.  dir stays the
 * caller's.
 */
struct accounts_edit *accounts_edit_open(int dir, char why[ACCOUNTS_WHY]);
/* Gives up the lock and wipes what was read. */
void accounts_edit_close(struct accounts_edit *);

/*
 * Add local@domain with the next free number and this password; home is an
 * absolute path, or empty for the rule's.  *number is set.  Durable when it
 * returns 0.  -1 with why: the name or password does not do, the user exists,
 * a table is broken, or the disk refused.
 */
int accounts_add(struct accounts_edit *, struct slice name, struct slice home,
    const struct new_password *, uint32_t *number, char why[ACCOUNTS_WHY]);

/* Give an existing user another password. */
int accounts_set_password(struct accounts_edit *, struct slice name,
    const struct new_password *, char why[ACCOUNTS_WHY]);

/* Remove a user; *number is what it was.  The mailbox is left alone. */
int accounts_remove(struct accounts_edit *, struct slice name,
    uint32_t *number, char why[ACCOUNTS_WHY]);

#endif
