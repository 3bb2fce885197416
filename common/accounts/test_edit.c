#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <crypt.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/accounts/edit.h"
#include "common/accounts/users.h"
#include "common/accounts/verifier.h"

#define S(s) SLICE_LITERAL(s)
#define PW(s) (&(struct new_password){ .octets = SLICE_LITERAL(s) })

struct place {
	char	path[64];
	int	dir;
};

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	snprintf(p->path, sizeof(p->path), "/tmp/test_edit.XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->dir = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_not_equal(p->dir, -1);
	*state = p;
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int
teardown(void **state)
{
	struct place *p = *state;

	close(p->dir);
	nftw(p->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(p);
	return 0;
}

static void
put(struct place *p, const char *name, const char *text)
{
	int fd = openat(p->dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static char *
get(struct place *p, const char *name)
{
	struct table_error err;
	size_t len;
	char *text;
	int fd = openat(p->dir, name, O_RDONLY);

	assert_int_equal(table_read(fd, &text, &len, &err), 0);
	close(fd);
	return text;
}

static mode_t
mode_of(struct place *p, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(p->dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

static struct accounts_edit *
opened(struct place *p)
{
	char why[ACCOUNTS_WHY];
	struct accounts_edit *e = accounts_edit_open(p->dir, why);

	if (e == NULL)
		fail_msg("%s", why);
	return e;
}

static uint32_t
add(struct place *p, const char *name)
{
	struct accounts_edit *e = opened(p);
	char why[ACCOUNTS_WHY];
	uint32_t number = 0;

	if (accounts_add(e, slice_str(name), S(""), PW("secret"), &number,
	    why) == -1)
		fail_msg("%s", why);
	accounts_edit_close(e);
	return number;
}

static uint32_t
drop(struct place *p, const char *name)
{
	struct accounts_edit *e = opened(p);
	char why[ACCOUNTS_WHY];
	uint32_t number = 0;

	if (accounts_remove(e, slice_str(name), &number, why) == -1)
		fail_msg("%s", why);
	accounts_edit_close(e);
	return number;
}

static void
number_never_again(void **state)
{
	struct place *p = *state;
	char *users;

	assert_int_equal(add(p, "alice@example.org"), 1);
	assert_int_equal(add(p, "Bob@Example.org"), 2);
	assert_int_equal(mode_of(p, "users"), 0644);
	assert_int_equal(mode_of(p, "passwords"), 0600);
	assert_int_equal(drop(p, "BOB@example.org"), 2);
	assert_int_equal(add(p, "bob@example.org"), 3);
	assert_int_equal(drop(p, "alice@example.org"), 1);
	users = get(p, "users");
	assert_string_equal(users, "%version 1\n!removed 1\n!removed 2\n"
	    "bob@example.org 3\n");
	free(users);
}

static void
lines_of_people_stay(void **state)
{
	struct place *p = *state;
	char *users, *passwords;

	put(p, "users", "# ours\na@x 4 home=/srv/a  \n\n # b\nb@x 9");
	assert_int_equal(add(p, "c@x"), 10);
	assert_int_equal(drop(p, "a@x"), 4);
	users = get(p, "users");
	assert_string_equal(users, "# ours\n!removed 4\n\n # b\nb@x 9\n"
	    "c@x 10\n");
	free(users);
	put(p, "passwords", "# keep\n");
	add(p, "d@x");
	drop(p, "d@x");
	passwords = get(p, "passwords");
	assert_string_equal(passwords, "# keep\n");
	free(passwords);
}

/* The second field of the line that begins with "NUMBER ". */
static void
hash_of(struct place *p, const char *number, char hash[PASSWORD_HASH_SIZE])
{
	char *passwords = get(p, "passwords"), *at, *end;

	at = strstr(passwords, number);
	assert_non_null(at);
	at += strlen(number);
	end = strchr(at, ' ');
	assert_non_null(end);
	assert_int_equal(slice_copy_str(slice_of(at, (size_t)(end - at)),
	    hash, PASSWORD_HASH_SIZE), 0);
	free(passwords);
}

static void
password_changes(void **state)
{
	struct place *p = *state;
	char before[PASSWORD_HASH_SIZE], after[PASSWORD_HASH_SIZE];
	char why[ACCOUNTS_WHY];
	struct accounts_edit *e;

	add(p, "a@x");
	add(p, "b@x");
	hash_of(p, "\n1 ", before);
	assert_string_equal(crypt("secret", before), before);
	e = opened(p);
	assert_int_equal(accounts_set_password(e, S("a@x"), PW("n\xc3\xa9w"),
	    why), 0);
	assert_int_equal(accounts_set_password(e, S("c@x"), PW("new"), why),
	    -1);
	accounts_edit_close(e);
	hash_of(p, "\n1 ", after);
	assert_string_not_equal(before, after);
	assert_string_equal(crypt("n\xc3\xa9w", after), after);
	hash_of(p, "\n2 ", after);
	assert_string_equal(crypt("secret", after), after);
}

/* Kept for APOP when that is asked for, and gone with the next password. */
static void
secret_for_apop(void **state)
{
	struct place *p = *state;
	struct accounts_edit *e;
	char why[ACCOUNTS_WHY], *text;

	add(p, "a@x");
	e = opened(p);
	assert_int_equal(accounts_set_password(e, S("a@x"),
	    &(struct new_password){ S("tanstaaf"), true }, why), 0);
	text = get(p, "passwords");
	assert_non_null(strstr(text, " dGFuc3RhYWY=\n"));
	free(text);
	assert_int_equal(accounts_set_password(e, S("a@x"), PW("new"), why),
	    0);
	accounts_edit_close(e);
	text = get(p, "passwords");
	assert_null(strstr(text, "dGFuc3RhYWY="));
	free(text);
}

static void
refused(void **state)
{
	struct place *p = *state;
	static const struct {
		struct slice	 name, home, password;
		const char	*why;
	} cases[] = {
		{ S("alice"), S(""), S("x"), "not a user's address" },
		{ S("al/ice@x"), S(""), S("x"), "not a user's address" },
		{ S("a@x\nb@x"), S(""), S("x"), "not a user's address" },
		{ S("alice@x"), S(""), S(""), "empty password" },
		{ S("alice@x"), S(""), S("a\0b"), "control" },
		{ S("alice@x"), S(""), S("a\nb"), "control" },
		{ S("alice@x"), S("srv"), S("x"), "usable home" },
		{ S("alice@x"), S("/srv\nroot@x 1"), S("x"), "usable home" },
		{ S("alice@x"), S("/srv x"), S("x"), "not known here" },
		{ S("Taken@x"), S(""), S("x"), "exists already" },
	};

	add(p, "taken@x");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct accounts_edit *e = opened(p);
		char why[ACCOUNTS_WHY] = "", *users;
		uint32_t number;

		assert_int_equal(accounts_add(e, cases[i].name, cases[i].home,
		    &(struct new_password){ .octets = cases[i].password },
		    &number, why), -1);
		if (strstr(why, cases[i].why) == NULL)
			fail_msg("case %zu: %s", i, why);
		accounts_edit_close(e);
		users = get(p, "users");
		assert_string_equal(users, "%version 1\ntaken@x 1\n");
		free(users);
	}
}

static void
broken_table_is_left_alone(void **state)
{
	struct place *p = *state;
	char why[ACCOUNTS_WHY], *users;

	put(p, "users", "a@x 1\na@x 2\n");
	assert_null(accounts_edit_open(p->dir, why));
	assert_non_null(strstr(why, "users:2: "));
	users = get(p, "users");
	assert_string_equal(users, "a@x 1\na@x 2\n");
	free(users);
	put(p, "users", "");
	put(p, "passwords", "%version 9\n");
	assert_null(accounts_edit_open(p->dir, why));
	assert_non_null(strstr(why, "passwords:1: "));
}

static void
symbolic_link_is_not_followed(void **state)
{
	struct place *p = *state;
	char why[ACCOUNTS_WHY];

	put(p, "elsewhere", "a@x 1\n");
	assert_int_equal(symlinkat("elsewhere", p->dir, "users"), 0);
	assert_null(accounts_edit_open(p->dir, why));
	assert_int_equal(unlinkat(p->dir, "users", 0), 0);
	/* One that waits where we write beside is replaced, not followed. */
	assert_int_equal(symlinkat("elsewhere", p->dir, ".users.new"), 0);
	assert_int_equal(add(p, "b@x"), 1);
	assert_int_equal(mode_of(p, "users"), 0644);
	free(get(p, "elsewhere"));
}

/* Two writers at once: each add counts (E4). */
static void
writers_take_turns(void **state)
{
	struct place *p = *state;
	struct users_table *t;
	struct table_error err;
	char *users;
	int status;

	for (int child = 0; child < 2; child++) {
		if (fork() != 0)
			continue;
		for (int i = 0; i < 5; i++) {
			char why[ACCOUNTS_WHY], name[32];
			struct accounts_edit *e;
			uint32_t number;

			snprintf(name, sizeof(name), "u%d-%d@x", child, i);
			e = accounts_edit_open(p->dir, why);
			if (e == NULL || accounts_add(e, slice_str(name),
			    S(""), PW("x"), &number, why) == -1)
				_exit(1);
			accounts_edit_close(e);
		}
		_exit(0);
	}
	for (int child = 0; child < 2; child++) {
		assert_int_not_equal(wait(&status), -1);
		assert_int_equal(status, 0);
	}
	users = get(p, "users");
	t = users_compile(slice_str(users), &err);
	assert_non_null(t);
	assert_int_equal(users_count(t), 10);
	assert_int_equal(users_highest(t), 10);
	users_free(t);
	free(users);
}

/* The numbers of RFC 7677 section 3, as PostgreSQL and others store them. */
static void
scram_as_in_the_rfc(void **state)
{
	static const char salt[] = {
		0x5b, 0x6d, (char)0x99, 0x68, (char)0x9d, 0x12, 0x35,
		(char)0x8e, (char)0xec, (char)0xa0, 0x4b, 0x14, 0x12, 0x36,
		(char)0xfa, (char)0x81,
	};
	char out[PASSWORD_SCRAM_SIZE];

	(void)state;
	assert_int_equal(password_scram_with(S("pencil"),
	    slice_of(salt, sizeof(salt)), 4096, out), 0);
	assert_string_equal(out, "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
	    "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
	    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
	assert_true(password_scram_valid(slice_str(out)));
}

static void
scram_needs_ascii(void **state)
{
	char out[PASSWORD_SCRAM_SIZE], again[PASSWORD_SCRAM_SIZE];

	(void)state;
	assert_int_equal(password_scram(S("p\xc3\xa4ss"), out), 0);
	assert_string_equal(out, "-");
	assert_int_equal(password_scram(S("pass"), out), 0);
	assert_true(password_scram_valid(slice_str(out)));
	assert_int_equal(password_scram(S("pass"), again), 0);
	assert_string_not_equal(out, again);	/* a fresh salt */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(number_never_again, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(lines_of_people_stay, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(password_changes, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(secret_for_apop, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(refused, setup, teardown),
		cmocka_unit_test_setup_teardown(broken_table_is_left_alone,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(symbolic_link_is_not_followed,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(writers_take_turns, setup,
		    teardown),
		cmocka_unit_test(scram_as_in_the_rfc),
		cmocka_unit_test(scram_needs_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
