/* bulkhead user: the virtual users of the instance. */
#include "bulkhead/bulkhead.h"
#include "bulkhead/password.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bulkhead/tables.h"
#include "common/accounts/domains.h"
#include "common/accounts/edit.h"
#include "common/accounts/passwords.h"
#include "common/accounts/username.h"
#include "common/accounts/users.h"
#include "common/accounts/verifier.h"

/* local@domain, canonical; a name without a domain is of the default one. */
static int
find_name(const struct bulkhead *b, const char *given, bool must_be_ours,
    char name[USERNAME_SIZE])
{
	struct domains_table *domains = tables_domains(b);
	struct username parts;
	char whole[USERNAME_SIZE * 2];
	int status = 0;

	if (domains == NULL)
		return EX_CONFIG;
	snprintf(whole, sizeof(whole), "%.*s", USERNAME_SIZE, given);
	if (strchr(given, '@') == NULL) {
		struct slice d = domains_default(domains)->name;

		snprintf(whole, sizeof(whole), "%.*s@%.*s", USERNAME_LOCAL_MAX +
		    1, given, (int)d.len, d.at);
	}
	if (username_canonical(slice_str(whole), name) == -1 ||
	    username_parse(slice_str(name), &parts) != PARSE_OK)
		status = fail(EX_USAGE, "%s cannot be a user's name; letters, "
					"digits and . _ - + = ' do", given);
	else if (must_be_ours && domains_find(domains, parts.domain) == NULL)
		status = fail(EX_USAGE, "%.*s is not a domain of this host: "
					"add it to %s/domains first",
		    (int)parts.domain.len, parts.domain.at, b->conf_dir);
	domains_free(domains);
	return status;
}

int
user_name(const struct bulkhead *b, const char *given, char *name)
{
	return find_name(b, given, false, name);
}

static struct accounts_edit *
begin(const struct bulkhead *b)
{
	char why[ACCOUNTS_WHY];
	struct accounts_edit *e = accounts_edit_open(b->conf_fd, why);

	if (e == NULL)
		fail(0, "%s/%s", b->conf_dir, why);
	return e;
}

static int
add(const struct bulkhead *b, const char *name, struct slice home,
    const struct new_password *password)
{
	struct accounts_edit *e = begin(b);
	char why[ACCOUNTS_WHY];
	uint32_t number;
	int status = 0;

	if (e == NULL)
		return EX_CONFIG;
	if (accounts_add(e, slice_str(name), home, password, &number, why) ==
	    -1)
		status = fail(EX_DATAERR, "%s", why);
	else
		printf("%s is user number %" PRIu32 "\n", name, number);
	accounts_edit_close(e);
	return status;
}

int
do_user_add(struct bulkhead *b, int argc, char *argv[])
{
	struct slice home = SLICE_LITERAL("");
	struct new_password password = { .apop = false };
	char name[USERNAME_SIZE];
	struct password_input in;
	int status;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "apop") == 0)
			password.apop = true;
		else if (strncmp(argv[i], "home=", 5) == 0)
			home = slice_str(argv[i] + 5);
		else
			return fail(EX_USAGE, "%s: only home=PATH and apop "
					      "may follow the name", argv[i]);
	}
	if ((status = find_name(b, argv[0], true, name)) != 0)
		return status;
	if ((status = password_get(&in, name, &password.octets)) == 0)
		status = add(b, name, home, &password);
	password_clear(&in);
	return status;
}

int
do_user_passwd(struct bulkhead *b, int argc, char *argv[])
{
	char name[USERNAME_SIZE], why[ACCOUNTS_WHY];
	struct password_input in;
	struct accounts_edit *e;
	struct new_password password = { .apop = argc == 2 };
	int status;

	if (argc == 2 && strcmp(argv[1], "apop") != 0)
		return fail(EX_USAGE, "%s: only apop may follow the name",
		    argv[1]);
	if ((status = find_name(b, argv[0], false, name)) != 0)
		return status;
	if ((status = password_get(&in, name, &password.octets)) == 0 &&
	    (e = begin(b)) != NULL) {
		if (accounts_set_password(e, slice_str(name), &password,
			why) == -1)
			status = fail(EX_NOUSER, "%s", why);
		accounts_edit_close(e);
	} else if (status == 0)
		status = EX_CONFIG;
	password_clear(&in);
	return status;
}

int
do_user_remove(struct bulkhead *b, int argc, char *argv[])
{
	char name[USERNAME_SIZE], why[ACCOUNTS_WHY];
	struct accounts_edit *e;
	uint32_t number;
	int status;

	(void)argc;
	if ((status = find_name(b, argv[0], false, name)) != 0)
		return status;
	if ((e = begin(b)) == NULL)
		return EX_CONFIG;
	if (accounts_remove(e, slice_str(name), &number, why) == -1)
		status = fail(EX_NOUSER, "%s", why);
	else
		printf("%s is removed; the mailbox of number %" PRIu32
		       " stays, and the number is not given again\n",
		    name, number);
	accounts_edit_close(e);
	return status;
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = (*(const struct user *const *)a)->number;
	uint32_t y = (*(const struct user *const *)b)->number;

	return x < y ? -1 : x > y;
}

static void
print_user(const struct bulkhead *b, const struct users_table *users,
    const struct user *u, bool password)
{
	struct account account = { ACCOUNT_VIRTUAL, u->number };
	struct account_place place;
	struct account_rules rules;

	instance_account_rules(b->instance, &rules);
	if (account_locate(&rules, users, NULL, account, &place) == -1)
		printf("%-40.*s %8" PRIu32 "  number out of the uid range\n",
		    (int)u->name.len, u->name.at, u->number);
	else
		printf("%-40.*s %8" PRIu32 " %10u  %s%s\n", (int)u->name.len,
		    u->name.at, u->number, (unsigned)place.uid, place.home,
		    password ? "" : "  (no password: cannot log in)");
}

int
do_user_list(struct bulkhead *b, int argc, char *argv[])
{
	struct users_table *users = tables_users(b);
	struct passwords_table *passwords = tables_passwords(b);
	const struct user **sorted = NULL;
	size_t n = users == NULL ? 0 : users_count(users);

	(void)argc, (void)argv;
	if (n > 0 && (sorted = reallocarray(NULL, n,
	    sizeof(struct user *))) != NULL) {
		for (size_t i = 0; i < n; i++)
			sorted[i] = users_at(users, i);
		qsort(sorted, n, sizeof(struct user *), by_number);
		printf("%-40s %8s %10s  %s\n", "name", "number", "uid",
		    "home");
		for (size_t i = 0; i < n; i++)
			print_user(b, users, sorted[i], passwords == NULL ||
			    passwords_find(passwords, sorted[i]->number) !=
				NULL);
	}
	free(sorted);
	users_free(users);
	passwords_free(passwords);
	return users == NULL || passwords == NULL ? EX_CONFIG : 0;
}
