#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "common/tables/tables.h"

#define S(s) SLICE_LITERAL(s)

static const struct tables_rules rules = { "host.example", '+', 1000, 2000,
	ALIASES_PROGRAMS_TABLE };

static void
give(struct tables *t, enum stage_table table, struct slice text)
{
	int fd = memfd_create("table", MFD_CLOEXEC);

	assert_int_equal(write(fd, text.at, text.len), text.len);
	tables_take(t, table, fd);
	close(fd);
}

static int
commit(struct tables *t, const struct tables_rules *r)
{
	unsigned changed;

	return tables_commit(t, r, &changed);
}

static void
init(struct tables *t)
{
	tables_init(t, STAGE_TABLE_BIT(STAGE_TABLE_DOMAINS) |
	    STAGE_TABLE_BIT(STAGE_TABLE_USERS) |
	    STAGE_TABLE_BIT(STAGE_TABLE_ALIASES) |
	    STAGE_TABLE_BIT(STAGE_TABLE_SYSTEM_USERS));
}

static void
give_all(struct tables *t)
{
	give(t, STAGE_TABLE_DOMAINS, S("x.example\n"));
	give(t, STAGE_TABLE_USERS, S("alice@x.example 1\nbob@x.example 2\n"));
	give(t, STAGE_TABLE_SYSTEM_USERS, S("sys:x:1000:1000::/h:/s\n"));
	give(t, STAGE_TABLE_ALIASES, S("info: alice\n"));
}

static enum book_verdict
ask(const struct tables *t, const char *address)
{
	char canonical[BOOK_ADDRESS_SIZE];
	struct book book = tables_book(t, &rules);

	return book_resolve(&book, slice_str(address), canonical);
}

static void
whole_at_first(void **state)
{
	struct tables t;

	(void)state;
	init(&t);
	give(&t, STAGE_TABLE_DOMAINS, S("x.example\n"));
	assert_int_equal(commit(&t, &rules), -1);
	give_all(&t);
	assert_int_equal(commit(&t, &rules), 0);
	assert_int_equal(ask(&t, "info@x.example"), BOOK_LOCAL);
	assert_int_equal(ask(&t, "sys@x.example"), BOOK_LOCAL);
	tables_clear(&t);
}

static void
empty_means_the_host(void **state)
{
	struct tables t;

	(void)state;
	init(&t);
	for (int i = 0; i < STAGE_TABLE_COUNT; i++)
		give(&t, (enum stage_table)i, S(""));
	assert_int_equal(commit(&t, &rules), 0);
	assert_int_equal(ask(&t, "postmaster@host.example"), BOOK_LOCAL);
	assert_int_equal(ask(&t, "alice@host.example"), BOOK_UNKNOWN);
	assert_int_equal(ask(&t, "alice@x.example"), BOOK_NO_RELAY);
	tables_clear(&t);
}

/* The old one stays, and what else came is used. */
static void
broken_table_keeps_the_old(void **state)
{
	static const struct {
		enum stage_table table;
		struct slice	 text;
	} broken[] = {
		{ STAGE_TABLE_USERS, S("carol@x.example 1\nbob@x.example 1\n") },
		{ STAGE_TABLE_USERS, S("%version 2\n") },
		{ STAGE_TABLE_USERS, S("carol@x.example 7\n\0") },
		{ STAGE_TABLE_DOMAINS, S("not a domain\n") },
		{ STAGE_TABLE_ALIASES, S("a: b\nb: a\n") },
		{ STAGE_TABLE_ALIASES, S("a: |prog\n") },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct tables t;

		init(&t);
		give_all(&t);
		assert_int_equal(commit(&t, &rules), 0);
		give(&t, broken[i].table, broken[i].text);
		give(&t, STAGE_TABLE_SYSTEM_USERS,
		    S("new:x:1000:1000::/h:/s\n"));
		assert_int_equal(commit(&t, &rules), -1);
		assert_int_equal(ask(&t, "info@x.example"), BOOK_LOCAL);
		assert_int_equal(ask(&t, "bob@x.example"), BOOK_LOCAL);
		assert_int_equal(ask(&t, "carol@x.example"), BOOK_UNKNOWN);
		assert_int_equal(ask(&t, "new@x.example"), BOOK_LOCAL);
		/* And the next good one is taken. */
		give(&t, STAGE_TABLE_USERS, S("carol@x.example 3\n"));
		assert_int_equal(commit(&t, &rules), 0);
		assert_int_equal(ask(&t, "carol@x.example"), BOOK_LOCAL);
		tables_clear(&t);
	}
}

/* A user who goes must not take the aliases out of use. */
static void
loop_by_another_table(void **state)
{
	struct tables t;

	(void)state;
	init(&t);
	give_all(&t);
	give(&t, STAGE_TABLE_DOMAINS, S("x.example\ny.example\n"));
	give(&t, STAGE_TABLE_ALIASES, S("@x.example: bob@y.example\n"
	    "@y.example: bob@x.example\ninfo@x.example: alice\n"));
	assert_int_equal(commit(&t, &rules), 0);
	assert_int_equal(ask(&t, "who@x.example"), BOOK_LOCAL);
	give(&t, STAGE_TABLE_USERS, S("alice@x.example 1\n"));
	assert_int_equal(commit(&t, &rules), 0);
	assert_int_equal(ask(&t, "who@x.example"), BOOK_UNKNOWN);
	assert_int_equal(ask(&t, "info@x.example"), BOOK_LOCAL);
	tables_clear(&t);
}

static void
system_users_off(void **state)
{
	struct tables_rules off = rules;
	struct tables t;

	(void)state;
	init(&t);
	off.system_min = 0;
	give_all(&t);
	assert_int_equal(commit(&t, &off), 0);
	assert_int_equal(ask(&t, "sys@x.example"), BOOK_UNKNOWN);
	assert_int_equal(ask(&t, "alice@x.example"), BOOK_LOCAL);
	tables_clear(&t);
}

static void
passwords_wanted(void **state)
{
	struct tables t;
	unsigned changed;

	(void)state;
	tables_init(&t, STAGE_TABLE_BIT(STAGE_TABLE_PASSWORDS));
	assert_int_equal(tables_commit(&t, &rules, &changed), -1);
	give(&t, STAGE_TABLE_PASSWORDS, S("# none\n"));
	assert_int_equal(tables_commit(&t, &rules, &changed), 0);
	assert_int_equal(changed, STAGE_TABLE_BIT(STAGE_TABLE_PASSWORDS));
	give(&t, STAGE_TABLE_PASSWORDS, S("1 plain\n"));
	assert_int_equal(tables_commit(&t, &rules, &changed), -1);
	assert_int_equal(changed, 0);
	assert_non_null(t.passwords);
	tables_clear(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_at_first),
		cmocka_unit_test(empty_means_the_host),
		cmocka_unit_test(broken_table_keeps_the_old),
		cmocka_unit_test(loop_by_another_table),
		cmocka_unit_test(system_users_off),
		cmocka_unit_test(passwords_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
