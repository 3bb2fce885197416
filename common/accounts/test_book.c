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
	"[192.0.2.1]\n"
	"same.example alias of example.org\n"
	"relay.example relay\n"
	"also.example alias of relay.example\n"
	"open.example relay unchecked\n";
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
	struct recipients_table	*recipients;
	struct book		 book;
};

static const struct alias_list lists[] = {
	{ "club", SLICE_LITERAL("# members\nalice\n"
	    "bob@example.org, far@away.example\n") },
	{ "nested", SLICE_LITERAL(":include:club\ncarol@second.example\n") },
	{ "empty", SLICE_LITERAL("") },
	{ "wrong", SLICE_LITERAL("alice\n|/bin/sh\nbob\n") },
	{ "loop", SLICE_LITERAL("bob\n:include:loop2\n") },
	{ "loop2", SLICE_LITERAL(":include:loop\n") },
	{ "lost", SLICE_LITERAL("alice\n:include:nowhere\n") },
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
	s->recipients = recipients_compile(S("Rita@Relay.example\n"
	    "o'hara/x@relay.example\n"), &err);
	assert_non_null(s->recipients);
	s->aliases = aliases_compile(slice_str(alias_text), lists,
	    sizeof(lists) / sizeof(lists[0]), ALIASES_PROGRAMS_TABLE, &err);
	if (s->aliases == NULL)
		fail_msg("%u: %s", err.line, err.text);
	assert_non_null(s->domains);
	assert_non_null(s->users);
	s->book = (struct book){ .domains = s->domains,
		.aliases = s->aliases, .users = s->users, .system = s->system,
		.recipients = s->recipients, .delimiter = '+' };
}

static void
shelf_close(struct shelf *s)
{
	domains_free(s->domains);
	aliases_free(s->aliases);
	users_free(s->users);
	system_users_free(s->system);
	recipients_free(s->recipients);
}

/* A program is somebody who reads it; its address is one that nobody can
 * write to, and stands for it as long as an alias names it. */
static void
programs(void **state)
{
	static const struct slice final =
	    S("\"|/bin/cat -x\"@example.org");
	char canonical[BOOK_ADDRESS_SIZE], text[ALIASES_PROGRAM_MAX + 1];
	struct book_expansion x;
	struct book_mailbox m;
	struct table_error err;
	struct shelf s;

	(void)state;
	shelf_open(&s, "robot: \"|/bin/cat -x\"\n"
	    "both: alice, robot, /var/mail/all, \"|/bin/cat -x\"\n");
	assert_int_equal(book_check(&s.book, &err), 0);
	assert_int_equal(book_resolve(&s.book, S("robot@example.org"),
	    canonical), BOOK_LOCAL);
	assert_int_equal(book_expand(&s.book, S("both"), &x), BOOK_LOCAL);
	assert_int_equal(x.count, 3);
	assert_string_equal(book_target_address(&x, 0), "alice@example.org");
	assert_int_equal(x.targets[1].kind, BOOK_TARGET_PROGRAM);
	assert_string_equal(book_target_address(&x, 1),
	    "/var/mail/all@example.org");
	assert_string_equal(book_target_address(&x, 2), final.at);
	book_expansion_clear(&x);
	assert_true(book_program(&s.book, final, text));
	assert_string_equal(text, "|/bin/cat -x");
	assert_int_equal(book_mailbox(&s.book, final, &m), BOOK_UNKNOWN);
	assert_int_equal(book_resolve(&s.book, final, canonical),
	    BOOK_UNKNOWN);
	assert_int_equal(book_expand(&s.book, final, &x), BOOK_UNKNOWN);
	assert_false(book_program(&s.book, S("\"|/bin/cat\"@example.org"),
	    text));
	assert_false(book_program(&s.book,
	    S("\"|/bin/cat -x\"@second.example"), text));
	assert_false(book_program(&s.book, S("alice@example.org"), text));
	shelf_close(&s);
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

/* The final addresses, a blank between two, each behind what it is (nothing
 * for a mailbox, - nobody's, > in a relay domain, ^ elsewhere) and before its
 * owner. */
static void
join(const struct book_expansion *x, char *out, size_t size)
{
	static const char *const marks[] = { "", "-", ">", "^" };

	out[0] = '\0';
	for (size_t i = 0, n = 0; i < x->count; i++) {
		const char *owner = book_target_owner(x, i);

		n += (size_t)snprintf(out + n, size - n, "%s%s%s%s%s",
		    n == 0 ? "" : " ", marks[x->targets[i].kind],
		    book_target_address(x, i), owner == NULL ? "" : "/",
		    owner == NULL ? "" : owner);
	}
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
		    "bob+x@example.org alice+x@example.org" },
		{ S("bob@second.example"), BOOK_LOCAL,
		    "bob@example.org alice@example.org" },
		{ S("team@example.org"), BOOK_LOCAL, "alice@example.org "
		    "carol@second.example sys@example.org bob@example.org" },
		{ S("twice@example.org"), BOOK_LOCAL, "alice@example.org "
		    "alice+x@example.org alice+y@example.org" },
		{ S("half@example.org"), BOOK_LOCAL,
		    "-removed@example.org alice@example.org" },
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
	struct shelf s;

	(void)state;
	shelf_open(&s, aliases);
	assert_int_equal(book_expand(&s.book, S("sales@shop.example"), &x),
	    BOOK_LOCAL);
	for (size_t i = 0; i < x.count; i++) {
		const char *p = book_target_address(&x, i);
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
		{ "a: alice@elsewhere.example\n", 0, NULL },
		{ "a@same.example: alice\n", 1, "is an alias of" },
		{ "@relay.example: @example.org\n", 0, NULL },
		{ "@shop.example: @shop.example\n", 1, "a loop" },
		{ "@shop.example: @second.example\n"
		    "@second.example: @same.example\n"
		    "@example.org: @shop.example\n", 2, "a loop" },
		/* Whoever writes a list cannot have the table refused. */
		{ "a: :include:club\nalice: a\n", 0, NULL },
		{ "a: :include:wrong\nb: :include:loop\n", 0, NULL },
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

struct expectation {
	struct slice		 address;
	enum book_verdict	 verdict;
	const char		*finals;
};

static void
check_expansions(const char *text, const struct expectation *cases, size_t n)
{
	struct table_error err;
	struct shelf s;

	shelf_open(&s, text);
	if (book_check(&s.book, &err) == -1)
		fail_msg("%u: %s", err.line, err.text);
	for (size_t i = 0; i < n; i++) {
		char canonical[BOOK_ADDRESS_SIZE], finals[1024];
		struct book_expansion x;
		enum book_verdict v = book_expand(&s.book, cases[i].address,
		    &x);

		join(&x, finals, sizeof(finals));
		if (v != cases[i].verdict ||
		    strcmp(finals, cases[i].finals) != 0)
			fail_msg("case %zu: %d \"%s\"", i, v, finals);
		/* And RESOLVE is of the same mind. */
		if (v != BOOK_TOO_MUCH)
			assert_int_equal(book_resolve(&s.book,
			    cases[i].address, canonical), v);
		book_expansion_clear(&x);
	}
	shelf_close(&s);
}

#define CHECK_EXPANSIONS(text, cases) \
	check_expansions(text, cases, sizeof(cases) / sizeof((cases)[0]))

static void
kinds_of_domains(void **state)
{
	static const struct expectation cases[] = {
		{ S("Alice@Same.example"), BOOK_LOCAL, "alice@example.org" },
		{ S("info@same.example"), BOOK_LOCAL, "alice@example.org" },
		{ S("sys+x@same.example"), BOOK_LOCAL, "sys+x@example.org" },
		{ S("nobody@same.example"), BOOK_UNKNOWN, "" },
		{ S("RITA@relay.example"), BOOK_RELAY, ">RITA@relay.example" },
		{ S("rita+x@relay.example"), BOOK_RELAY,
		    ">rita+x@relay.example" },
		{ S("o'hara/x@relay.example"), BOOK_RELAY,
		    ">o'hara/x@relay.example" },
		{ S("alice@relay.example"), BOOK_UNKNOWN, "" },
		{ S("sys@relay.example"), BOOK_UNKNOWN, "" },
		{ S("postmaster@relay.example"), BOOK_RELAY,
		    ">postmaster@relay.example" },
		{ S("rita@also.example"), BOOK_RELAY, ">rita@relay.example" },
		{ S("any.one@open.example"), BOOK_RELAY,
		    ">any.one@open.example" },
		{ S("\"a b\"@open.example"), BOOK_RELAY,
		    ">\"a b\"@open.example" },
		{ S("here@open.example"), BOOK_LOCAL, "alice@example.org" },
		{ S("x@away.example"), BOOK_NO_RELAY, "" },
		{ S("out@example.org"), BOOK_LOCAL,
		    "^Some/One@away.example >rita@relay.example "
		    "-mort@relay.example ^x@[192.0.2.9]" },
	};

	(void)state;
	CHECK_EXPANSIONS("info: alice\nhere@open.example: alice\n"
	    "out: Some/One@Away.example, rita@relay.example,\n"
	    " mort@relay.example, Some/One@away.EXAMPLE, x@[192.0.2.9]\n",
	    cases);
}

/* To mailboxes here that have no detail themselves. */
static void
details_go_along(void **state)
{
	static const struct expectation cases[] = {
		{ S("info+News@example.org"), BOOK_LOCAL,
		    "alice+News@example.org" },
		{ S("two+a+b@example.org"), BOOK_LOCAL,
		    "bob+fixed@example.org ^x@away.example "
		    ">rita@relay.example alice+a+b@example.org" },
		{ S("info+@example.org"), BOOK_LOCAL, "alice@example.org" },
		{ S("info+.x@example.org"), BOOK_UNKNOWN, "" },
		{ S("exact+x@example.org"), BOOK_LOCAL, "bob@example.org" },
		{ S("exact+y@example.org"), BOOK_LOCAL, "alice+y@example.org" },
		{ S("chain+z@same.example"), BOOK_LOCAL,
		    "alice+z@example.org" },
		{ S("self+w@example.org"), BOOK_LOCAL, "-self+w@example.org "
		    "alice+w@example.org" },
	};

	(void)state;
	CHECK_EXPANSIONS("info: alice\ntwo: info, bob+fixed, "
	    "x@away.example, rita@relay.example\n"
	    "exact: alice\nexact+x: bob\nchain: info\nself: self, alice\n",
	    cases);
}

static void
whole_domains(void **state)
{
	static const struct expectation cases[] = {
		{ S("dave@second.example"), BOOK_LOCAL, "dave@shop.example" },
		{ S("dave+X@second.example"), BOOK_LOCAL,
		    "dave+X@shop.example" },
		{ S("who@second.example"), BOOK_UNKNOWN, "" },
		{ S("carol@second.example"), BOOK_LOCAL,
		    "carol@second.example" },	/* the user comes first */
		{ S("\"a b\"@open.example"), BOOK_LOCAL,
		    "^\"a b\"@away.example" },
		{ S("A.B+c@open.example"), BOOK_LOCAL,
		    "^A.B+c@away.example" },
		/* The same alias with two names: followed twice. */
		{ S("both@example.org"), BOOK_LOCAL,
		    "dave@shop.example bob@example.org" },
		{ S("all@example.org"), BOOK_LOCAL,
		    "^p@away.example ^q@away.example" },
	};

	(void)state;
	CHECK_EXPANSIONS("@second.example: @shop.example\n"
	    "@open.example: @away.example\n"
	    "both: dave@second.example, sales@second.example\n"
	    "sales@shop.example: dave@shop.example, bob@example.org\n"
	    "all: p@open.example, q@open.example\n", cases);
}

static void
owners(void **state)
{
	static const struct expectation cases[] = {
		{ S("list@example.org"), BOOK_LOCAL,
		    "alice@example.org/owner-list@example.org "
		    "^x@away.example/owner-list@example.org" },
		{ S("LIST+x@second.example"), BOOK_LOCAL,
		    "alice+x@example.org/owner-list@second.example "
		    "^x@away.example/owner-list@second.example" },
		/* The innermost; and one without an owner keeps the outer. */
		{ S("outer@example.org"), BOOK_LOCAL,
		    "bob@example.org/owner-outer@example.org "
		    "alice@example.org/owner-list@example.org "
		    "^x@away.example/owner-list@example.org "
		    "sys@example.org/owner-outer@example.org" },
		{ S("owner-list@example.org"), BOOK_LOCAL,
		    "bob@example.org" },
		{ S("shop@shop.example"), BOOK_LOCAL, "dave@shop.example"
		    "/owner-shop@shop.example" },
		/* A bare owner is none of a virtual domain's. */
		{ S("list@shop.example"), BOOK_LOCAL, "dave@shop.example" },
		{ S("alice@example.org"), BOOK_LOCAL, "alice@example.org" },
	};

	(void)state;
	CHECK_EXPANSIONS("list: alice, x@away.example\nowner-list: bob\n"
	    "outer: bob, list, plain\nowner-outer: sys\nplain: sys\n"
	    "owner-owner-list: sys\nowner-alice: sys\n"
	    "shop@shop.example: dave@shop.example\n"
	    "owner-shop@shop.example: dave@shop.example\n"
	    "list@shop.example: dave@shop.example\n", cases);
}

static void
lists_are_included(void **state)
{
	static const struct expectation cases[] = {
		{ S("club@example.org"), BOOK_LOCAL, "alice@example.org "
		    "bob@example.org ^far@away.example" },
		{ S("more@example.org"), BOOK_LOCAL, "sys@example.org "
		    "alice@example.org bob@example.org ^far@away.example "
		    "carol@second.example" },
		{ S("none@example.org"), BOOK_UNKNOWN, "" },
		{ S("club+x@example.org"), BOOK_LOCAL, "alice+x@example.org "
		    "bob+x@example.org ^far@away.example" },
	};

	(void)state;
	CHECK_EXPANSIONS("club: :include:club\n"
	    "more: sys, :include:nested, alice\nnone: :include:empty\n",
	    cases);
}

/* Mail for an alias whose list is broken waits; all other mail does not. */
static void
lists_are_their_writers_fault(void **state)
{
	static const struct expectation cases[] = {
		{ S("w@example.org"), BOOK_LATER, "" },
		{ S("w2@example.org"), BOOK_LATER, "" },
		{ S("l@example.org"), BOOK_LATER, "" },
		{ S("n@example.org"), BOOK_LATER, "" },
		{ S("m@example.org"), BOOK_LATER, "" },
		{ S("over@example.org"), BOOK_LATER, "" },
		{ S("club@example.org"), BOOK_LOCAL, "alice@example.org "
		    "bob@example.org ^far@away.example" },
	};
	static const struct {
		const char	*name;
		unsigned	 line;
		const char	*why;
	} faults[] = {
		{ "wrong", 2, "may name no programs" },
		{ "loop2", 1, "includes itself" },
		{ "missing", 0, "there is no such list" },
		{ "lost", 2, "there is no such list" },
	};
	static const char text[] = "w: :include:wrong\nw2: :include:wrong\n"
	    "l: :include:loop\nn: :include:missing\nm: :include:lost\n"
	    "club: :include:club\nover: w\n";
	struct shelf s;
	size_t i;

	(void)state;
	CHECK_EXPANSIONS(text, cases);
	shelf_open(&s, text);
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		const struct alias_fault *f = aliases_fault(s.aliases, i);

		assert_non_null(f);
		assert_string_equal(f->name, faults[i].name);
		assert_int_equal(f->err.line, faults[i].line);
		assert_non_null(strstr(f->err.text, faults[i].why));
	}
	assert_null(aliases_fault(s.aliases, i));
	shelf_close(&s);
}

/* One that came in by another table: bounded, and told as too much. */
static void
map_loop_is_survived(void **state)
{
	char canonical[BOOK_ADDRESS_SIZE];
	struct book_expansion x;
	struct shelf s;

	(void)state;
	shelf_open(&s, "@shop.example: @second.example, @second.example\n"
	    "@second.example: @shop.example, @shop.example\n");
	assert_int_equal(book_expand(&s.book, S("a@shop.example"), &x),
	    BOOK_TOO_MUCH);
	assert_int_equal(book_resolve(&s.book, S("a@shop.example"),
	    canonical), BOOK_TOO_MUCH);
	shelf_close(&s);
}

static void
recipients_where_they_matter(void **state)
{
	static const struct {
		struct slice	 text;
		const char	*why;
	} cases[] = {
		{ S("a@relay.example\n"), NULL },
		{ S("a@relay.example\nb@example.org\n"), "not a relay" },
		{ S("a@relay.example\nb@away.example\n"), "not a relay" },
		{ S("a@relay.example\nb@also.example\n"), "not a relay" },
		{ S("a@relay.example\nb@open.example\n"), "any recipient" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct table_error err = { 0, "" };
		struct recipients_table *r;
		struct shelf s;

		shelf_open(&s, "");
		r = recipients_compile(cases[i].text, &err);
		assert_non_null(r);
		s.book.recipients = r;
		assert_int_equal(book_check_recipients(&s.book, &err),
		    cases[i].why == NULL ? 0 : -1);
		if (cases[i].why != NULL) {
			assert_non_null(strstr(err.text, cases[i].why));
			assert_int_equal(err.line, 2);
		}
		recipients_free(r);
		shelf_close(&s);
	}
}

struct told {
	char	text[1024];
	size_t	len;
};

static void
tell(void *ctx, const struct book_step *step)
{
	struct told *t = ctx;

	t->len += (size_t)snprintf(t->text + t->len,
	    sizeof(t->text) - t->len, "%d:%u:%s:%.*s ", step->kind, step->line,
	    step->list == NULL ? "" : step->list, (int)step->text.len,
	    step->text.at);
}

static void
steps_are_told(void **state)
{
	struct told told = { "", 0 };
	struct book_trace trace = { tell, &told };
	struct book_expansion x;
	struct shelf s;
	char want[1024];

	(void)state;
	shelf_open(&s, "club: :include:club\nowner-club: bob\n");
	s.book.trace = &trace;
	assert_int_equal(book_expand(&s.book, S("club@same.example"), &x),
	    BOOK_LOCAL);
	snprintf(want, sizeof(want), "%d:5::example.org %d:1::local "
	    "%d:1::club %d:2::owner-club@example.org "
	    "%d:2:club:alice %d:1::local %d:1::alice@example.org "
	    "%d:3:club:bob@example.org %d:1::local %d:2::bob@example.org "
	    "%d:3:club:far@away.example %d:0::away.example ",
	    BOOK_STEP_SAME_AS, BOOK_STEP_DOMAIN, BOOK_STEP_ALIAS,
	    BOOK_STEP_OWNER, BOOK_STEP_TARGET, BOOK_STEP_DOMAIN,
	    BOOK_STEP_USER, BOOK_STEP_TARGET, BOOK_STEP_DOMAIN,
	    BOOK_STEP_USER, BOOK_STEP_TARGET, BOOK_STEP_FOREIGN);
	assert_string_equal(told.text, want);
	book_expansion_clear(&x);
	shelf_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs),
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
		cmocka_unit_test(kinds_of_domains),
		cmocka_unit_test(details_go_along),
		cmocka_unit_test(whole_domains),
		cmocka_unit_test(owners),
		cmocka_unit_test(lists_are_included),
		cmocka_unit_test(lists_are_their_writers_fault),
		cmocka_unit_test(map_loop_is_survived),
		cmocka_unit_test(recipients_where_they_matter),
		cmocka_unit_test(steps_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
