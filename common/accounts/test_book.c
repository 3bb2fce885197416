#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "common/accounts/book.h"

#define S(s) SLICE_LITERAL(s)

static const char domains[] =
	"example.org\n"
	"second.example local\n"
	"shop.example virtual\n"
	"[192.0.2.1]\n";
static const char users[] =
	"alice@example.org 1\n"
	"bob@example.org 2\n"
	"carol@second.example 3\n"
	"dave@shop.example 4\n"
	"plus+sign@example.org 5\n";
static const char passwd[] =
	"sys:x:1000:1000::/home/sys:/bin/sh\n"
	"bob:x:1001:1001::/home/bob:/bin/sh\n"
	"erin:x:1002:1002::/home/erin:/bin/sh\n";
static const char aliases[] =
	"info: alice\n"
	"bob: bob, alice\n"			/* keeps a copy */
	"team: alice, bob, carol@second.example, info, sys\n"
	"gone: removed\n"
	"half: removed, alice\n"
	"twice: alice, Alice@EXAMPLE.org, alice+x, alice+x, alice+y, info\n"
	"sales@shop.example: dave@shop.example, team\n"
	"@shop.example: dave@shop.example\n"
	"erin@second.example: alice\n";

/* The tables, compiled, and the book over them. */
struct shelf {
	struct domains_table	*domains;
	struct aliases_table	*aliases;
	struct users_table	*users;
	struct system_users	*system;
	struct book		 book;
};

static void
shelf_open(struct shelf *s, const char *alias_text)
{
	struct table_error err = { 0, "" };
	size_t skipped;

	s->domains = domains_compile(slice_str(domains), S("host"), &err);
	s->users = users_compile(slice_str(users), &err);
	s->system = system_users_compile(slice_str(passwd), 1000, 2000,
	    &skipped, &err);
	s->aliases = aliases_compile(slice_str(alias_text), &err);
	if (s->aliases == NULL)
		fail_msg("%u: %s", err.line, err.text);
	assert_non_null(s->domains);
	assert_non_null(s->users);
	s->book = (struct book){ s->domains, s->aliases, s->users, s->system,
	    '+' };
}

static void
shelf_close(struct shelf *s)
{
	domains_free(s->domains);
	aliases_free(s->aliases);
	users_free(s->users);
	system_users_free(s->system);
}

static void
resolve(void **state)
{
	static const struct {
		struct slice		 address;
		enum book_verdict	 verdict;
		const char		*canonical;
	} cases[] = {
		{ S("alice@example.org"), BOOK_LOCAL, "alice@example.org" },
		{ S("ALICE@Example.ORG"), BOOK_LOCAL, "alice@example.org" },
		{ S("\"alice\"@example.org"), BOOK_LOCAL,
		    "alice@example.org" },
		{ S("\"al\\ice\"@example.org"), BOOK_LOCAL,
		    "alice@example.org" },
		{ S("alice"), BOOK_LOCAL, "alice@example.org" },
		{ S("Alice+Lists@example.org"), BOOK_LOCAL,
		    "alice+Lists@example.org" },
		{ S("alice+@example.org"), BOOK_LOCAL, "alice@example.org" },
		{ S("alice+a+b@example.org"), BOOK_LOCAL,
		    "alice+a+b@example.org" },
		{ S("plus+sign@example.org"), BOOK_LOCAL,
		    "plus+sign@example.org" },
		{ S("alice@second.example"), BOOK_UNKNOWN, "" },
		{ S("carol@second.example"), BOOK_LOCAL,
		    "carol@second.example" },
		{ S("carol"), BOOK_UNKNOWN, "" },
		{ S("sys@example.org"), BOOK_LOCAL, "sys@example.org" },
		{ S("SYS+f@second.example"), BOOK_LOCAL,
		    "sys+f@second.example" },
		{ S("sys@[192.0.2.1]"), BOOK_LOCAL, "sys@[192.0.2.1]" },
		{ S("sys@[192.0.2.2]"), BOOK_NO_RELAY, "" },
		{ S("info@second.example"), BOOK_LOCAL,
		    "info@second.example" },
		{ S("Info+x@example.org"), BOOK_LOCAL, "info+x@example.org" },
		{ S("gone@example.org"), BOOK_UNKNOWN, "" },
		{ S("half@example.org"), BOOK_LOCAL, "half@example.org" },
		{ S("nobody@example.org"), BOOK_UNKNOWN, "" },
		{ S("+x@example.org"), BOOK_UNKNOWN, "" },
		{ S("\"alice+../x\"@example.org"), BOOK_UNKNOWN, "" },
		{ S("alice+.x@example.org"), BOOK_UNKNOWN, "" },
		{ S("any%thing@shop.example"), BOOK_LOCAL,
		    "any%thing@shop.example" },
		{ S("\"a b\"@shop.example"), BOOK_LOCAL,
		    "\"a b\"@shop.example" },
		/* No relay under any spelling. */
		{ S("alice@elsewhere.example"), BOOK_NO_RELAY, "" },
		{ S("alice@example.org.elsewhere"), BOOK_NO_RELAY, "" },
		{ S("alice@elsewhere@example.org"), BOOK_UNKNOWN, "" },
		{ S("alice%elsewhere.example@example.org"), BOOK_UNKNOWN, "" },
		{ S("\"alice@elsewhere.example\"@example.org"), BOOK_UNKNOWN,
		    "" },
		{ S("elsewhere.example!alice@example.org"), BOOK_UNKNOWN, "" },
		{ S("\"alice@elsewhere.example\""), BOOK_UNKNOWN, "" },
		{ S("@example.org"), BOOK_UNKNOWN, "" },
		{ S("alice@"), BOOK_UNKNOWN, "" },
		{ S("alice@example.org\0"), BOOK_UNKNOWN, "" },
		{ S("alice@host"), BOOK_NO_RELAY, "" },
		/* RFC 5321 section 4.5.1: there is always a postmaster. */
		{ S("PostMaster"), BOOK_LOCAL, "root@example.org" },
		{ S("postmaster@example.org"), BOOK_LOCAL,
		    "root@example.org" },
		{ S("root@second.example"), BOOK_LOCAL, "root@example.org" },
		{ S("postmaster@shop.example"), BOOK_LOCAL,
		    "postmaster@shop.example" },
	};
	struct shelf s;

	(void)state;
	shelf_open(&s, aliases);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char canonical[BOOK_ADDRESS_SIZE];
		enum book_verdict v = book_resolve(&s.book, cases[i].address,
		    canonical);

		if (v != cases[i].verdict ||
		    strcmp(canonical, cases[i].canonical) != 0)
			fail_msg("case %zu: %d \"%s\"", i, v, canonical);
	}
	shelf_close(&s);
}

/* The final addresses, a blank between two. */
static void
join(const struct book_expansion *x, char *out, size_t size)
{
	const char *p = NULL;

	out[0] = '\0';
	for (size_t n = 0; (p = book_expansion_next(x, p)) != NULL; )
		n += (size_t)snprintf(out + n, size - n, "%s%s",
		    n == 0 ? "" : " ", p);
}

static void
expand(void **state)
{
	static const struct {
		struct slice		 address;
		enum book_verdict	 verdict;
		const char		*finals;
	} cases[] = {
		{ S("Alice+X@example.org"), BOOK_LOCAL,
		    "alice+X@example.org" },
		{ S("info@second.example"), BOOK_LOCAL, "alice@example.org" },
		{ S("bob"), BOOK_LOCAL, "bob@example.org alice@example.org" },
		{ S("bob+x@example.org"), BOOK_LOCAL,
		    "bob@example.org alice@example.org" },
		{ S("bob@second.example"), BOOK_LOCAL,
		    "bob@example.org alice@example.org" },
		{ S("team@example.org"), BOOK_LOCAL, "alice@example.org "
		    "carol@second.example sys@example.org bob@example.org" },
		{ S("twice@example.org"), BOOK_LOCAL, "alice@example.org "
		    "alice+x@example.org alice+y@example.org" },
		{ S("half@example.org"), BOOK_LOCAL,
		    "removed@example.org alice@example.org" },
		{ S("gone@example.org"), BOOK_UNKNOWN, "" },
		{ S("x@shop.example"), BOOK_LOCAL, "dave@shop.example" },
		{ S("sales@shop.example"), BOOK_LOCAL, "dave@shop.example "
		    "alice@example.org carol@second.example sys@example.org "
		    "bob@example.org" },
		{ S("erin@second.example"), BOOK_LOCAL, "alice@example.org" },
		{ S("erin@example.org"), BOOK_LOCAL, "erin@example.org" },
		{ S("x@elsewhere.example"), BOOK_NO_RELAY, "" },
		{ S("nobody"), BOOK_UNKNOWN, "" },
	};
	struct shelf s;

	(void)state;
	shelf_open(&s, aliases);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct book_expansion x;
		char finals[1024];
		enum book_verdict v = book_expand(&s.book, cases[i].address,
		    &x);

		join(&x, finals, sizeof(finals));
		if (v != cases[i].verdict ||
		    strcmp(finals, cases[i].finals) != 0)
			fail_msg("case %zu: %d \"%s\"", i, v, finals);
		book_expansion_clear(&x);
	}
	shelf_close(&s);
}

static void
mailbox(void **state)
{
	static const struct {
		struct slice	 address;
		struct account	 account;	/* kind 0: none */
		const char	*canonical, *detail;
	} cases[] = {
		{ S("BOB+Box@example.org"), { ACCOUNT_VIRTUAL, 2 },
		    "bob@example.org", "Box" },
		{ S("bob@second.example"), { ACCOUNT_SYSTEM, 1001 },
		    "bob@second.example", "" },
		{ S("info@example.org"), { 0 }, NULL, NULL },
		{ S("x@shop.example"), { 0 }, NULL, NULL },
		{ S("root@example.org"), { ACCOUNT_VIRTUAL, 0 },
		    "root@example.org", "" },
		{ S("postmaster+x"), { ACCOUNT_VIRTUAL, 0 },
		    "root@example.org", "" },
		{ S("bob@elsewhere.example"), { 0 }, NULL, NULL },
	};
	struct shelf s;

	(void)state;
	shelf_open(&s, aliases);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct book_mailbox m;
		enum book_verdict v = book_mailbox(&s.book, cases[i].address,
		    &m);

		if ((v == BOOK_LOCAL) != (cases[i].account.kind != 0))
			fail_msg("case %zu: %d", i, v);
		if (v != BOOK_LOCAL)
			continue;
		assert_int_equal(m.account.kind, cases[i].account.kind);
		assert_int_equal(m.account.number, cases[i].account.number);
		assert_string_equal(m.canonical, cases[i].canonical);
		assert_string_equal(m.detail, cases[i].detail);
	}
	shelf_close(&s);
}

/* Each final address of an expansion is a mailbox, and its own only final. */
static void
finals_are_final(void **state)
{
	struct book_expansion x;
	const char *p = NULL;
	struct shelf s;

	(void)state;
	shelf_open(&s, aliases);
	assert_int_equal(book_expand(&s.book, S("sales@shop.example"), &x),
	    BOOK_LOCAL);
	while ((p = book_expansion_next(&x, p)) != NULL) {
		struct book_mailbox m;

		assert_int_equal(book_mailbox(&s.book, slice_str(p), &m),
		    BOOK_LOCAL);
		assert_string_equal(m.canonical, p);
	}
	book_expansion_clear(&x);
	shelf_close(&s);
}

static void
root_and_postmaster(void **state)
{
	static const struct {
		const char	*aliases;
		struct slice	 address;
		const char	*final;
		bool		 read;
	} cases[] = {
		{ "", S("postmaster"), "root@example.org", false },
		{ "", S("root@second.example"), "root@example.org", false },
		{ "root: alice\n", S("postmaster@second.example"),
		    "alice@example.org", true },
		{ "root: alice\n", S("Postmaster@shop.example"),
		    "alice@example.org", true },
		{ "postmaster: alice\n", S("postmaster@second.example"),
		    "alice@example.org", false },
		{ "root: postmaster\n", S("root"), "root@example.org", true },
		{ "@example.org: bob\n", S("postmaster"), "bob@example.org",
		    true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct book_expansion x;
		struct table_error err;
		struct shelf s;
		char finals[256];

		shelf_open(&s, cases[i].aliases);
		assert_int_equal(book_check(&s.book, &err), 0);
		assert_int_equal(book_expand(&s.book, cases[i].address, &x),
		    BOOK_LOCAL);
		join(&x, finals, sizeof(finals));
		assert_string_equal(finals, cases[i].final);
		assert_int_equal(book_root_is_read(&s.book), cases[i].read);
		book_expansion_clear(&x);
		shelf_close(&s);
	}
}

static void
without_delimiter(void **state)
{
	char canonical[BOOK_ADDRESS_SIZE];
	struct shelf s;

	(void)state;
	shelf_open(&s, aliases);
	s.book.delimiter = '\0';
	assert_int_equal(book_resolve(&s.book, S("alice+x@example.org"),
	    canonical), BOOK_UNKNOWN);
	s.book.delimiter = '-';
	assert_int_equal(book_resolve(&s.book, S("alice-x@example.org"),
	    canonical), BOOK_LOCAL);
	s.book.system = NULL;
	s.book.users = NULL;
	assert_int_equal(book_resolve(&s.book, S("sys@example.org"),
	    canonical), BOOK_UNKNOWN);
	shelf_close(&s);
}

static void
checked(void **state)
{
	static const struct {
		const char	*aliases;
		unsigned	 line;
		const char	*why;		/* NULL: fine */
	} cases[] = {
		{ aliases, 0, NULL },
		{ "a: b\nb: c\nc: d\nd: alice\n", 0, NULL },
		{ "a: a\n", 0, NULL },		/* a mailbox that is not there */
		{ "a: b\nb: a\n", 2, "a loop" },
		{ "x: alice\na: x, b\nb: x, c\nc: x,\n a\n", 5, "a loop" },
		{ "a: b+1\nb: a+2\n", 2, "a loop" },
		{ "a: b@second.example\nb@second.example: a\n", 2, "a loop" },
		{ "@second.example: x@shop.example\n"
		    "@shop.example: y@second.example\n", 1, "a loop" },
		{ "a: alice@elsewhere.example\n", 1, "not one of the domains" },
		{ "a@elsewhere.example: alice\n", 1, "not one of the domains" },
		{ "@elsewhere.example: alice\n", 1, "not one of the domains" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct table_error err = { 0, "" };
		struct shelf s;

		shelf_open(&s, cases[i].aliases);
		if ((book_check(&s.book, &err) == 0) != (cases[i].why == NULL))
			fail_msg("case %zu: %u: %s", i, err.line, err.text);
		if (cases[i].why != NULL) {
			if (strstr(err.text, cases[i].why) == NULL)
				fail_msg("case %zu: %s", i, err.text);
			assert_int_equal(err.line, cases[i].line);
		}
		shelf_close(&s);
	}
}

/* A loop that got in all the same (users changed): bounded, no answer. */
static void
loop_is_survived(void **state)
{
	char canonical[BOOK_ADDRESS_SIZE];
	struct book_expansion x;
	struct shelf s;

	(void)state;
	shelf_open(&s, "a: b\nb: a\nc: a, alice\n");
	assert_int_equal(book_resolve(&s.book, S("a"), canonical),
	    BOOK_UNKNOWN);
	assert_int_equal(book_expand(&s.book, S("a"), &x), BOOK_UNKNOWN);
	assert_int_equal(book_expand(&s.book, S("c"), &x), BOOK_LOCAL);
	assert_int_equal(x.count, 1);
	book_expansion_clear(&x);
	shelf_close(&s);
}

static void
depth_is_bounded(void **state)
{
	char text[64 * BOOK_DEPTH_MAX], *at = text;
	struct table_error err = { 0, "" };
	struct book_expansion x;
	struct shelf s;

	(void)state;
	for (int i = 0; i < BOOK_DEPTH_MAX; i++)
		at += sprintf(at, "a%d: a%d\n", i, i + 1);
	strcpy(strrchr(text, ':'), ": alice\n");
	shelf_open(&s, text);		/* exactly 50 */
	assert_int_equal(book_check(&s.book, &err), 0);
	assert_int_equal(book_expand(&s.book, S("a0"), &x), BOOK_LOCAL);
	book_expansion_clear(&x);
	shelf_close(&s);
	strcat(text, "b: a0\n");	/* and one more */
	shelf_open(&s, text);
	assert_int_equal(book_check(&s.book, &err), -1);
	assert_int_equal(err.line, BOOK_DEPTH_MAX + 1);
	assert_int_equal(book_expand(&s.book, S("b"), &x), BOOK_TOO_MUCH);
	shelf_close(&s);
}

/* Ten lists of ten of ten ...: 10^9 names, but only 60 aliases. */
static void
exponential_is_cheap(void **state)
{
	char text[20000], *at = text;
	struct table_error err = { 0, "" };
	struct book_expansion x;
	struct shelf s;

	(void)state;
	for (int level = 0; level < 9; level++)
		for (int i = 0; i < 10; i++) {
			at += sprintf(at, "l%d-%d: alice+l%d-%d", level, i,
			    level, i);
			for (int j = 0; level < 8 && j < 10; j++)
				at += sprintf(at, ", l%d-%d", level + 1, j);
			*at++ = '\n';
		}
	*at = '\0';
	shelf_open(&s, text);
	assert_int_equal(book_check(&s.book, &err), 0);
	assert_int_equal(book_expand(&s.book, S("l0-0"), &x), BOOK_LOCAL);
	assert_int_equal(x.count, 81);
	book_expansion_clear(&x);
	shelf_close(&s);
}

/* At the limit and one over it. */
static void
expansion_is_bounded(void **state)
{
	enum { N = BOOK_EXPANSION_MAX };
	char *text = malloc(32 * (N + 2)), *at = text;
	struct table_error err = { 0, "" };
	struct book_expansion x;
	struct shelf s;

	(void)state;
	assert_non_null(text);
	at += sprintf(at, "first: alice\nbig:");
	for (int i = 0; i < N; i++)
		at += sprintf(at, " alice+%d,\n", i);
	shelf_open(&s, text);
	assert_int_equal(book_check(&s.book, &err), 0);
	assert_int_equal(book_expand(&s.book, S("big"), &x), BOOK_LOCAL);
	assert_int_equal(x.count, N);
	book_expansion_clear(&x);
	shelf_close(&s);
	strcpy(at, " bob\n");
	shelf_open(&s, text);
	assert_int_equal(book_check(&s.book, &err), -1);
	assert_int_equal(err.line, 2);
	assert_int_equal(book_expand(&s.book, S("big"), &x), BOOK_TOO_MUCH);
	assert_null(x.text);
	shelf_close(&s);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolve),
		cmocka_unit_test(expand),
		cmocka_unit_test(mailbox),
		cmocka_unit_test(finals_are_final),
		cmocka_unit_test(root_and_postmaster),
		cmocka_unit_test(without_delimiter),
		cmocka_unit_test(checked),
		cmocka_unit_test(loop_is_survived),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(exponential_is_cheap),
		cmocka_unit_test(expansion_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
