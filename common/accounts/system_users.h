/*
 * System users, out of the text of /etc/passwd: no name service, since the
 * readers sit in jails and supervisor trusts nothing that a library would
 * load.  Users that only a name service knows are not seen.
 */
#ifndef COMMON_ACCOUNTS_SYSTEM_USERS_H
#define COMMON_ACCOUNTS_SYSTEM_USERS_H

#include <stddef.h>
#include <stdint.h>

#include "common/accounts/table.h"
#include "common/slice/slice.h"

struct system_user {
	struct slice	name;	/* as spelled there, case kept */
	struct slice	home;	/* absolute path */
	struct slice	shell;	/* may be empty */
	uint32_t	uid;
	uint32_t	gid;
};

struct system_users;

/*
 * Compile the text of a passwd(5) file, keeping the users whose uid lies
 * from min to max (min is at least 1: root never counts).
 *
 * The file belongs to the system, not to us, so a line that we cannot use
 * (a name outside username.h's grammar or with capital letters, a missing
 * field, NIS "+" lines) is passed over and counted in *skipped; of two lines
 * with one name or one uid the first counts, as everywhere else.
 *
 * Returns NULL with err for no memory and for a file over the limits.
 */
struct system_users *system_users_compile(struct slice text, uint32_t min,
    uint32_t max, size_t *skipped, struct table_error *);
void system_users_free(struct system_users *);

/* NULL where there is none.  Names are small letters. */
const struct system_user *system_users_by_name(const struct system_users *,
    struct slice name);
const struct system_user *system_users_by_uid(const struct system_users *,
    uint32_t uid);
size_t system_users_count(const struct system_users *);

#endif
