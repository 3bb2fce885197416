#include "common/accounts/account.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/accounts/system_users.h"
#include "common/accounts/users.h"

#define UID_NONE	UINT32_MAX	/* (uid_t)-1 means "leave it" to the kernel */

static int
refuse(int error)
{
	errno = error;
	return -1;
}

static bool
uid_usable(uint32_t uid)
{
	return uid != 0 && uid != UID_NONE;
}

static int
virtual_uid(const struct account_rules *rules, uint32_t number, uint32_t *uid)
{
	if (rules->uid_shared != 0) {
		*uid = rules->uid_shared;
		return uid_usable(*uid) ? 0 : refuse(EPERM);
	}
	if (number >= rules->uid_count ||
	    __builtin_add_overflow(rules->uid_base, number, uid) ||
	    rules->uid_base == 0 || !uid_usable(*uid))
		return refuse(EPERM);
	return 0;
}

static int
home_set(struct account_place *place, const char *dir, const char *prefix,
    uint32_t number)
{
	int n = snprintf(place->home, sizeof(place->home), "%s/%s%" PRIu32,
	    dir, prefix, number);

	return n > 0 && (size_t)n < sizeof(place->home) && dir[0] == '/' ?
	    0 : refuse(EPERM);
}

static int
locate_virtual(const struct account_rules *rules,
    const struct users_table *users, uint32_t number,
    struct account_place *place)
{
	const struct user *u = users == NULL ? NULL :
	    users_by_number(users, number);
	uint32_t uid;

	if (u == NULL && number != ACCOUNT_POSTMASTER)
		return refuse(ENOENT);
	if (virtual_uid(rules, number, &uid) == -1)
		return -1;
	place->uid = uid;
	place->gid = uid;
	if (u != NULL) {
		place->quota_octets =
		    u->has_quota ? u->quota_octets : rules->quota_octets;
		place->quota_messages =
		    u->has_messages ? u->quota_messages : rules->quota_messages;
	}
	place->make = u == NULL || u->home.len == 0;
	if (!place->make)
		return slice_copy_str(u->home, place->home,
		    sizeof(place->home)) == -1 ? refuse(EPERM) : 0;
	return home_set(place, rules->mail_root, "", number);
}

static int
locate_system(const struct account_rules *rules,
    const struct system_users *system, uint32_t number,
    struct account_place *place)
{
	const struct system_user *u = system == NULL ? NULL :
	    system_users_by_uid(system, number);

	if (rules->system_min == 0)
		return refuse(EPERM);
	if (u == NULL)
		return refuse(ENOENT);
	if (!uid_usable(number) || number < rules->system_min ||
	    number > rules->system_max || u->gid == 0 || u->gid == UID_NONE)
		return refuse(EPERM);
	place->uid = number;
	place->gid = u->gid;
	place->quota_octets = rules->quota_octets;
	place->quota_messages = rules->quota_messages;
	place->make = !rules->system_home;
	if (!place->make)
		return slice_copy_str(u->home, place->home,
		    sizeof(place->home)) == -1 || place->home[0] != '/' ?
		    refuse(EPERM) : 0;
	return home_set(place, rules->mail_root, "u", number);
}

int
account_locate(const struct account_rules *rules,
    const struct users_table *users, const struct system_users *system,
    struct account account, struct account_place *place)
{
	struct account_place found = { .quota_octets = 0 };

	if (!account_valid(account) || account.kind == ACCOUNT_PROGRAMS)
		return refuse(EPERM);
	if ((account.kind == ACCOUNT_VIRTUAL ?
	    locate_virtual(rules, users, account.number, &found) :
	    locate_system(rules, system, account.number, &found)) == -1)
		return -1;
	*place = found;
	return 0;
}

bool
account_valid(struct account a)
{
	if (a.kind == ACCOUNT_VIRTUAL)
		return a.number <= ACCOUNT_NUMBER_MAX;
	if (a.kind == ACCOUNT_PROGRAMS)
		return a.number == 0;
	return a.kind == ACCOUNT_SYSTEM && uid_usable(a.number);
}

const char *
account_text(struct account a, char out[ACCOUNT_TEXT])
{
	snprintf(out, ACCOUNT_TEXT, "%s:%" PRIu32,
	    a.kind == ACCOUNT_SYSTEM ? "system" :
	    a.kind == ACCOUNT_PROGRAMS ? "programs" : "virtual", a.number);
	return out;
}
