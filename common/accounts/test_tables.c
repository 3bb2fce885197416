#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/accounts/account.h"
#include "common/accounts/aliases.h"
#include "common/accounts/domains.h"
#include "common/accounts/passwords.h"
#include "common/accounts/recipients.h"
#include "common/accounts/system_users.h"
#include "common/accounts/users.h"

#define S(s) SLICE_LITERAL(s)
#define YESCRYPT "$y$j9T$LDpTn8gWO8DZ.lrXlfm1J.$" \
	"oYzoDjsqTcSFJtkGBzXPXKPdrEaR6k4gYdn4xbtbX9D"
#define SHA512 "$6$saltsalt$" \
	"qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc." \
	"eoxqOmSuNp2xS0ktL3nh/"

/* A text, and where and why it must be refused (line 0, NULL: it is fine). */
struct refusal {
	struct slice	 text;
	unsigned	 line;
	const char	*why;
};

#define check_refusals(cases, call, free_fn) do {			\
	for (size_t i_ = 0; i_ < sizeof(cases) / sizeof((cases)[0]); i_++) { \
		struct table_error err = { 0, "" };			\
		struct slice text = (cases)[i_].text;			\
		void *t_ = (call);					\
									\
		if ((cases)[i_].why == NULL && t_ == NULL)	\
			fail_msg("case %zu: %u: %s", i_, err.line, err.text); \
		if ((cases)[i_].why != NULL) {				\
			if (t_ != NULL)					\
				fail_msg("case %zu was taken", i_);	\
			if (strstr(err.text, (cases)[i_].why) == NULL)	\
				fail_msg("case %zu: %s", i_, err.text);	\
			assert_int_equal(err.line, (cases)[i_].line);	\
		}							\
		free_fn(t_);						\
	}								\
} while (0)

static void
users_refused(void **state)
{
	static const struct refusal cases[] = {
		{ S(""), 0, NULL },
		{ S("%version 1\n# all\n\na@b.example 1\n"), 0, NULL },
		{ S("A@B.Example 1 home=/srv/mail/a\r\n!removed 2"), 0, NULL },
		{ S("%version 2\na@b 1\n"), 1, "this program reads 1" },
		{ S("%version\n"), 1, "this program reads 1" },
		{ S("\n%version 1\n"), 2, "not a user's address" },
		{ S("a 1\n"), 1, "not a user's address" },
		{ S("a@b\n"), 1, "number is missing" },
		{ S("a@b 0\n"), 1, "not a number" },
		{ S("a@b -1\n"), 1, "not a number" },
		{ S("a@b 0x10\n"), 1, "not a number" },
		{ S("a@b 1000000001\n"), 1, "not a number" },
		{ S("a@b 99999999999999999999999\n"), 1, "not a number" },
		{ S("a@b 1\nc@b 1\n"), 2, "stands in line 1" },
		{ S("!removed 1\n\nc@b 1\n"), 3, "stands in line 1" },
		{ S("a@b 1\nA@B 2\n"), 2, "stands in line 1" },
		{ S("a@b 1 home=mail\n"), 1, "not a usable home" },
		{ S("a@b 1 home=/\n"), 1, "not a usable home" },
		{ S("a@b 1 home=/srv/../etc\n"), 1, "not a usable home" },
		{ S("a@b 1 home=/srv/./x\n"), 1, "not a usable home" },
		{ S("a@b 1 home=/srv//x\n"), 1, "not a usable home" },
		{ S("a@b 1 home=/srv/\n"), 1, "not a usable home" },
		{ S("a@b 1 home=/srv/..x/...\n"), 0, NULL },
		{ S("a@b 1 shell=/bin/sh\n"), 1, "home=PATH" },
		{ S("a@b 1 quota=5G messages=0 home=/srv/a\n"), 0, NULL },
		{ S("a@b 1 quota=\n"), 1, "not a size" },
		{ S("a@b 1 quota=5P\n"), 1, "not a size" },
		{ S("a@b 1 quota=K\n"), 1, "not a size" },
		{ S("a@b 1 quota=-1\n"), 1, "not a size" },
		{ S("a@b 1 quota=9999999999999T\n"), 1, "not a size" },
		{ S("a@b 1 messages=5K\n"), 1, "not a count" },
		{ S("!removed\n"), 1, "number is missing" },
		{ S("!removed 1 x\n"), 1, "write !removed NUMBER" },
		{ S("../etc@b 1\n"), 1, "not a user's address" },
		{ S("a/b@b 1\n"), 1, "not a user's address" },
		{ S("a%%b@b 1\n"), 1, "not a user's address" },
		{ S("a\001@b 1\n"), 1, "control character 0x01" },
		{ S("ok@b 1\n-a@b 2\n"), 2, "not a user's address" },
	};

	(void)state;
	check_refusals(cases, users_compile(text, &err), users_free);
}

static void
users_found(void **state)
{
	struct table_error err;
	struct users_table *t = users_compile(S(
	    "%version 1\n"
	    "# name number\n"
	    "Bob@Example.org 7\n"
	    "!removed 9\n"
	    "al@example.org 3 home=/srv/al\n"
	    "\tcarol@other.example \t 5 \n"), &err);
	const struct user *u;

	(void)state;
	assert_non_null(t);
	assert_int_equal(users_count(t), 3);
	assert_int_equal(users_highest(t), 9);
	u = users_by_name(t, S("bob@example.org"));
	assert_non_null(u);
	assert_int_equal(u->number, 7);
	assert_int_equal(u->line, 3);
	assert_int_equal(u->home.len, 0);
	assert_null(users_by_name(t, S("Bob@example.org")));
	assert_null(users_by_name(t, S("bob@example.or")));
	assert_null(users_by_name(t, S("")));
	u = users_by_number(t, 3);
	assert_non_null(u);
	assert_true(slice_equal(u->home, S("/srv/al")));
	assert_null(users_by_number(t, 9));
	assert_null(users_by_number(t, 0));
	assert_non_null(users_by_number(t, 5));
	users_free(t);
}

static void
users_many(void **state)
{
	enum { N = 100000 };
	char *text = malloc(N * 40), *at = text;
	struct table_error err;
	struct users_table *t;

	(void)state;
	assert_non_null(text);
	for (unsigned i = 1; i <= N; i++)
		at += snprintf(at, 40, "user%u@example.org %u\n",
		    i * 7919 % N, i);
	t = users_compile(slice_of(text, (size_t)(at - text)), &err);
	assert_non_null(t);
	assert_int_equal(users_count(t), N);
	for (unsigned i = 1; i <= N; i++) {
		char name[40];
		const struct user *u;

		snprintf(name, sizeof(name), "user%u@example.org",
		    i * 7919 % N);
		u = users_by_name(t, slice_str(name));
		assert_non_null(u);
		assert_int_equal(u->number, i);
		assert_ptr_equal(users_by_number(t, i), u);
	}
	users_free(t);
	free(text);
}

static void
passwords_refused(void **state)
{
	static const struct refusal cases[] = {
		{ S(""), 0, NULL },
		{ S("1 " YESCRYPT "\n2 " SHA512 " -\n"), 0, NULL },
		{ S("1 " YESCRYPT " SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
		    "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
		    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=\n"), 0, NULL },
		{ S("1 " YESCRYPT " SCRAM-SHA-256$4095:W22ZaJ0SNY7soEsUEjb6gQ=="
		    "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
		    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=\n"), 1,
		    "RFC 5803" },
		{ S("1 " YESCRYPT " SCRAM-SHA-1$4096:aaaa$bbbb:cccc\n"), 1,
		    "RFC 5803" },
		{ S("1 " YESCRYPT " - -\n"), 1, "not base64 of a password" },
		{ S("1 " YESCRYPT " - dGFuc3RhYWY\n"), 1, "not base64" },
		{ S("1 " YESCRYPT " - dGFuc3RhYWY= x\n"), 1,
		    "more than four fields" },
		{ S("1 " YESCRYPT "\n1 " SHA512 "\n"), 2, "line 1 already" },
		{ S("1\n"), 1, "the hash is not" },
		{ S("1 ab1cdefghijkl\n"), 1, "the hash is not" },	/* DES */
		{ S("1 _J9..rasmBYk8r9AiWNc\n"), 1, "the hash is not" },
		{ S("1 $1$abcdefgh$0123456789012345678901\n"), 1,
		    "the hash is not" },
		{ S("1 *\n"), 1, "the hash is not" },
		{ S("1 $y$\n"), 1, "the hash is not" },
		{ S("1 $6$\n"), 1, "the hash is not" },
		{ S("1 $6$salt$short\n"), 1, "the hash is not" },
		{ S("1 x" YESCRYPT "\n"), 1, "the hash is not" },
		{ S("alice " YESCRYPT "\n"), 1, "the number" },
		{ S("0 " YESCRYPT "\n"), 1, "the number" },
	};

	(void)state;
	check_refusals(cases, passwords_compile(text, &err), passwords_free);
}

/* What is refused goes to logs: no secret may. */
static void
passwords_not_quoted(void **state)
{
	struct table_error err;

	(void)state;
	assert_null(passwords_compile(S("1 hunter2hash\n"), &err));
	assert_null(strstr(err.text, "hunter2"));
	assert_null(passwords_compile(S("hunter2 1\n"), &err));
	assert_null(strstr(err.text, "hunter2"));
	assert_null(passwords_compile(S("1 " YESCRYPT " hunter2\n"), &err));
	assert_null(strstr(err.text, "hunter2"));
}

static void
passwords_typical_is_the_majority(void **state)
{
	struct table_error err;
	struct passwords_table *t = passwords_compile(S("1 " SHA512 "\n"
	    "2 " YESCRYPT "\n3 " YESCRYPT "\n4 " SHA512 "\n"
	    "5 " YESCRYPT "\n"), &err);

	(void)state;
	assert_non_null(t);
	assert_true(slice_equal(passwords_typical(t), S(YESCRYPT)));
	assert_non_null(passwords_find(t, 4));
	assert_true(slice_equal(passwords_find(t, 4)->hash, S(SHA512)));
	assert_null(passwords_find(t, 6));
	assert_int_equal(passwords_count(t), 5);
	passwords_free(t);
	t = passwords_compile(S(""), &err);
	assert_int_equal(passwords_typical(t).len, 0);
	passwords_free(t);
}

static void
domains_refused(void **state)
{
	static const struct refusal cases[] = {
		{ S("example.org\nother.example virtual\n"), 0, NULL },
		{ S("[192.0.2.1] LOCAL\n[IPv6:2001:db8::1]\n"), 0, NULL },
		{ S("exa_mple.org\n"), 1, "not a domain" },
		{ S("-a.org\n"), 1, "not a domain" },
		{ S("a-.org\n"), 1, "not a domain" },
		{ S("a..org\n"), 1, "not a domain" },
		{ S("a.org.\n"), 1, "not a domain" },
		{ S("[]\n"), 1, "not a domain" },
		{ S("a.org relayed\n"), 1, "not a kind of domain" },
		{ S("a.org local b\n"), 1, "one word too many" },
		{ S("a.org relay\nb.org RELAY Unchecked\nc.org alias of "
		    "a.org\nd.org alias  of B.org\n"), 0, NULL },
		{ S("a.org relay to\n"), 1, "only unchecked" },
		{ S("a.org relay unchecked x\n"), 1, "one word too many" },
		{ S("a.org alias b.org\n"), 1, "an alias of what" },
		{ S("a.org alias of\n"), 1, "an alias of what" },
		{ S("a.org alias of b_c\n"), 1, "an alias of what" },
		{ S("a.org\nb.org alias of c.org\n"), 2, "not in this table" },
		{ S("a.org\nb.org alias of a.org\nc.org alias of b.org\n"), 3,
		    "an alias itself" },
		{ S("a.org alias of a.org\n"), 1, "an alias itself" },
		{ S("host.example relay\n"), 1, "this host's own name" },
		{ S("a.org\nb.org\nA.ORG\n"), 3, "line 1 already" },
	};
	struct table_error why;

	(void)state;
	check_refusals(cases, domains_compile(text, S("host.example"), &err),
	    domains_free);
	assert_null(domains_compile(S(""), S("not a host"), &why));
	assert_int_equal(why.line, 0);
}

static void
domains_found(void **state)
{
	const struct domain *written;
	struct table_error err;
	struct domains_table *t = domains_compile(S("Zeta.example\n"
	    "alpha.example virtual\n"), S("host"), &err);

	(void)state;
	assert_non_null(t);
	assert_true(slice_equal(domains_default(t)->name, S("zeta.example")));
	assert_int_equal(domains_find(t, S("alpha.example"))->kind,
	    DOMAIN_VIRTUAL);
	assert_null(domains_find(t, S("host")));
	assert_null(domains_find(t, S("")));
	domains_free(t);
	/* Relay domains alone: the host's own name is the local one. */
	t = domains_compile(S("r.example relay unchecked\n"
	    "s.example alias of R.example\nh.example alias of host\n"),
	    S("host"), &err);
	assert_non_null(t);
	assert_true(slice_equal(domains_default(t)->name, S("host")));
	assert_true(domains_find(t, S("r.example"))->unchecked);
	assert_true(slice_equal(domains_resolve(t, S("s.example"),
	    &written)->name, S("r.example")));
	assert_int_equal(written->line, 2);
	assert_int_equal(domains_resolve(t, S("h.example"), &written)->kind,
	    DOMAIN_LOCAL);
	assert_non_null(domains_resolve(t, S("host"), &written));
	assert_true(slice_equal(written->name, S("host")));
	assert_null(domains_resolve(t, S("x.example"), &written));
	domains_free(t);
	t = domains_compile(S("# nothing\n"), S("Host.Example"), &err);
	assert_non_null(t);
	assert_int_equal(domains_count(t), 1);
	assert_int_equal(domains_find(t, S("host.example"))->kind,
	    DOMAIN_LOCAL);
	domains_free(t);
}

static void
aliases_refused(void **state)
{
	static const struct refusal cases[] = {
		{ S(""), 0, NULL },
		{ S("root: alice\nAll : a, b ,c@d.example,\n\t d\n\n  e, f\n"
		    "@x.example: a\n[192.0.2.1]: a\n"), 7, "not an alias" },
		{ S("x@[192.0.2.1]: y@[IPv6:2001:db8::1]\n"), 0, NULL },
		{ S("root alice\n"), 1, "no colon" },
		{ S(": alice\n"), 1, "not an alias" },
		{ S("@: alice\n"), 1, "not an alias" },
		{ S("root:\n"), 1, "without a target" },
		{ S("a: b\nroot:\nc: d\n"), 2, "without a target" },
		{ S("root: ,\n# x\n ,,\n"), 1, "without a target" },
		{ S("  a: b\n"), 0, NULL },
		{ S("a: b\nb: c\nA: d\n"), 3, "line 1 already" },
		{ S("a: |/bin/cat\n"), 0, NULL },
		{ S("a: b, \"|/bin/cat -x, 'y z'\" , c\n"), 0, NULL },
		{ S("a: b\n /var/mail/x\n"), 0, NULL },
		{ S("a: \"/var/mail/x y\"\n"), 0, NULL },
		{ S("a: |/bin/cat -x\n"), 1, "has a blank" },
		{ S("a: /var/mail/x y\n"), 1, "has a blank" },
		{ S("a: b\n /var/mail/\n"), 2, "a directory" },
		{ S("a: \"|/bin/cat\n"), 1, "quotes" },
		{ S("a: \"|/bin/cat\"x\n"), 1, "quotes" },
		{ S("a: \"|/bin/cat \\x\"\n"), 1, "has a backslash" },
		{ S("a: \"|cat\"\n"), 1, "whole path" },
		{ S("a: \"|/bin/cat >/tmp/x\"\n"), 1, "shell" },
		{ S("a: \"|/bin/cat 'x\"\n"), 1, "quote" },
		{ S("a: |\n"), 1, "nothing behind it" },
		{ S("a: \"|\"\n"), 1, "nothing behind it" },
		{ S("a: \"| \"\n"), 1, "" },
		{ S("a: \"b\"@x\n"), 1, "not an address" },
		{ S("a: \"|/bin/c\xc3\xa4t\"\n"), 1, "not printable" },
		{ S("a: :include:/etc/list\n"), 1, "not the name of a list" },
		{ S("a: :include:../list\n"), 1, "not the name of a list" },
		{ S("a: :include:.list\n"), 1, "not the name of a list" },
		{ S("a: :include:\n"), 1, "not the name of a list" },
		/* There is none, but that is no fault of the table. */
		{ S("a: :Include: club, b\n"), 0, NULL },

		{ S("a: b/c#d!e%f{g}@x.example\n"), 0, NULL },
		{ S("a: @x.example\n"), 1, "a whole domain" },
		{ S("@a.example: @b..example\n"), 1, "not an address" },
		{ S("@a.example: @b.example, x@c.example\n"), 0, NULL },
		{ S("a: b c\n"), 1, "not an address" },
		{ S("a: b@\n"), 1, "not an address" },
		{ S("a: -b\n"), 0, NULL },
		{ S("a: .b\n"), 1, "not an address" },
		{ S("a: b..c@d.example\n"), 1, "not an address" },
		{ S("%version 3\n"), 1, "this program reads 1" },
	};

	(void)state;
	check_refusals(cases, aliases_compile(text, NULL, 0,
	    ALIASES_PROGRAMS_TABLE, &err), aliases_free);
}

/* Where programs may stand, and what is kept of them. */
static void
alias_programs(void **state)
{
	static const struct alias_list lists[] = {
		{ "l", S("b\n\"|/bin/cat x\"\n") },
	};
	static const struct slice both = S("a: \"|/bin/cat -x, y\",\n"
	    "  /var/mail/x, c\nl: :include:l, |/bin/true\n"
	    "m: :include:l\n");
	struct table_error err;
	struct aliases_table *t;
	const struct alias *a;

	(void)state;
	t = aliases_compile(both, lists, 1, ALIASES_PROGRAMS_LISTS, &err);
	assert_non_null(t);
	a = aliases_find(t, S("a"), S(""));
	assert_int_equal(a->count, 3);
	assert_true(aliases_target(t, a, 0)->program);
	assert_true(slice_equal(aliases_target(t, a, 0)->local,
	    S("|/bin/cat -x, y")));
	assert_true(slice_equal(aliases_target(t, a, 1)->local,
	    S("/var/mail/x")));
	assert_int_equal(aliases_target(t, a, 1)->line, 2);
	assert_false(aliases_target(t, a, 2)->program);
	assert_true(aliases_has_program(t, S("|/bin/cat -x, y")));
	/* A list that two aliases include is the same for both. */
	assert_true(aliases_has_program(t, S("|/bin/cat x")));
	assert_int_equal(aliases_find(t, S("m"), S(""))->count, 2);
	assert_false(aliases_has_program(t, S("|/bin/cat")));
	assert_false(aliases_has_program(t, S("")));
	assert_null(aliases_fault(t, 0));
	aliases_free(t);
	/* In a list they are that list's fault, unless allowed; what stands
	 * behind it in the table is the table's. */
	t = aliases_compile(both, lists, 1, ALIASES_PROGRAMS_TABLE, &err);
	assert_non_null(t);
	assert_non_null(strstr(aliases_fault(t, 0)->err.text,
	    "a list may name no"));
	assert_int_equal(aliases_fault(t, 0)->err.line, 2);
	assert_true(aliases_find(t, S("l"), S(""))->broken);
	assert_true(aliases_has_program(t, S("|/bin/true")));
	assert_false(aliases_has_program(t, S("|/bin/cat x")));
	aliases_free(t);
	assert_null(aliases_compile(both, lists, 1, ALIASES_PROGRAMS_NONE,
	    &err));
	assert_non_null(strstr(err.text, "not allowed"));
	assert_int_equal(err.line, 1);
}

static void
aliases_found(void **state)
{
	struct table_error err;
	struct aliases_table *t = aliases_compile(S(
	    "Root: Alice+Root, bob@Example.ORG\n"
	    "# between\n"
	    "  carol\n"
	    "@Example.org: dave\n"
	    "root@example.org: erin\n"), NULL, 0, ALIASES_PROGRAMS_TABLE, &err);
	const struct alias *a;

	(void)state;
	assert_non_null(t);
	assert_int_equal(aliases_count(t), 3);
	a = aliases_find(t, S("root"), S(""));
	assert_non_null(a);
	assert_int_equal(a->count, 3);
	assert_true(slice_equal(aliases_target(t, a, 0)->local,
	    S("Alice+Root")));
	assert_true(slice_equal(aliases_target(t, a, 1)->domain,
	    S("example.org")));
	assert_int_equal(aliases_target(t, a, 2)->line, 3);
	a = aliases_find(t, S(""), S("example.org"));
	assert_non_null(a);
	assert_int_equal(a->line, 4);
	assert_int_equal(aliases_find(t, S("root"), S("example.org"))->line, 5);
	assert_null(aliases_find(t, S("root"), S("other.example")));
	assert_ptr_equal(aliases_at(t, aliases_index(t, a)), a);
	aliases_free(t);
}

static void
recipients_compiled(void **state)
{
	static const struct refusal cases[] = {
		{ S(""), 0, NULL },
		{ S("# who\nA@b.example\nx/y!z@b.example\n"), 0, NULL },
		{ S("a\n"), 1, "not an address" },
		{ S("a@\n"), 1, "not an address" },
		{ S("\"a b\"@c\n"), 1, "not an address" },
		{ S("@b.example\n"), 1, "a whole domain" },
		{ S("a@b.example OK\n"), 1, "one word too many" },
		{ S("a@b.example\nc@d.example\nA@B.example\n"), 3,
		    "line 1 already" },
	};
	struct table_error why;
	struct recipients_table *t = recipients_compile(
	    S("Zoe@b.example\nal@b.example\nzoe@a.example\n"), &why);

	(void)state;
	assert_int_equal(recipients_count(t), 3);
	assert_int_equal(recipients_find(t, S("zoe"), S("b.example"))->line, 1);
	assert_int_equal(recipients_find(t, S("zoe"), S("a.example"))->line, 3);
	assert_null(recipients_find(t, S("al"), S("a.example")));
	assert_null(recipients_find(t, S(""), S("b.example")));
	recipients_free(t);
	check_refusals(cases, recipients_compile(text, &err),
	    recipients_free);
}

#define PASSWD								\
	"root:x:0:0:root:/root:/bin/bash\n"				\
	"daemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n"			\
	"alice:x:1000:1000:Alice,,,:/home/alice:/bin/bash\n"		\
	"Bob:x:1001:1001::/home/bob:/bin/sh\n"				\
	"carol:x:1002:0::/home/carol:/bin/sh\n"				\
	"alice:x:1003:1003::/home/other:/bin/sh\n"			\
	"dave:x:1000:1000::/home/dave:/bin/sh\n"			\
	"+::::::\n"							\
	"short:x:1004:1004\n"						\
	"long:x:1005:1005::/home/l:/bin/sh:extra\n"			\
	"rel:x:1006:1006::home/l:/bin/sh\n"				\
	"neg:x:-1:1006::/home/l:/bin/sh\n"				\
	"max:x:4294967295:1::/home/l:/bin/sh\n"				\
	"nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin"

static void
system_users_found(void **state)
{
	struct table_error err;
	size_t skipped;
	struct system_users *t = system_users_compile(S(PASSWD), 1000, 60000,
	    &skipped, &err);

	(void)state;
	assert_non_null(t);
	assert_int_equal(skipped, 7);
	assert_int_equal(system_users_count(t), 4);
	assert_int_equal(system_users_by_name(t, S("alice"))->uid, 1000);
	assert_true(slice_equal(system_users_by_uid(t, 1000)->name,
	    S("alice")));
	assert_null(system_users_by_name(t, S("root")));
	assert_null(system_users_by_name(t, S("bob")));
	assert_null(system_users_by_name(t, S("nobody")));
	assert_null(system_users_by_uid(t, 0));
	assert_null(system_users_by_uid(t, 65534));
	system_users_free(t);
	/* A least uid of 0 is read as 1. */
	t = system_users_compile(S(PASSWD), 0, UINT32_MAX, &skipped, &err);
	assert_null(system_users_by_uid(t, 0));
	assert_non_null(system_users_by_uid(t, 1));
	system_users_free(t);
}

static const struct account_rules rules = {
	.uid_base = 200000, .uid_count = 1000, .system_min = 1000,
	.system_max = 60000, .mail_root = "/var/mail/bh",
};

static void
accounts_located(void **state)
{
	static const struct {
		struct account	 account;
		int		 error;		/* 0: found */
		uid_t		 uid;
		gid_t		 gid;
		const char	*home;
	} cases[] = {
		{ { ACCOUNT_VIRTUAL, 1 }, 0, 200001, 200001, "/var/mail/bh/1" },
		{ { ACCOUNT_VIRTUAL, 2 }, 0, 200002, 200002, "/srv/two" },
		{ { ACCOUNT_VIRTUAL, 0 }, 0, 200000, 200000, "/var/mail/bh/0" },
		{ { ACCOUNT_VIRTUAL, 3 }, ENOENT, 0, 0, NULL },
		{ { ACCOUNT_VIRTUAL, 4 }, ENOENT, 0, 0, NULL },
		{ { ACCOUNT_VIRTUAL, 1000 }, EPERM, 0, 0, NULL },
		{ { ACCOUNT_VIRTUAL, UINT32_MAX }, EPERM, 0, 0, NULL },
		{ { ACCOUNT_SYSTEM, 1000 }, 0, 1000, 1000,
		    "/var/mail/bh/u1000" },
		{ { ACCOUNT_SYSTEM, 1002 }, EPERM, 0, 0, NULL }, /* gid 0 */
		{ { ACCOUNT_SYSTEM, 0 }, EPERM, 0, 0, NULL },
		{ { ACCOUNT_SYSTEM, 1 }, ENOENT, 0, 0, NULL },
		{ { ACCOUNT_SYSTEM, UINT32_MAX }, EPERM, 0, 0, NULL },
		{ { (enum account_kind)0, 1 }, EPERM, 0, 0, NULL },
		{ { (enum account_kind)3, 1000 }, EPERM, 0, 0, NULL },
	};
	struct table_error err;
	size_t skipped;
	struct system_users *system = system_users_compile(S(PASSWD), 1000,
	    60000, &skipped, &err);
	struct users_table *users = users_compile(S("a@b 1\n"
	    "b@b 2 home=/srv/two\n!removed 3\nbig@b 1000\n"), &err);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct account_place p;

		errno = 0;
		if (account_locate(&rules, users, system, cases[i].account,
		    &p) == -1) {
			if (errno != cases[i].error)
				fail_msg("case %zu: %s", i, strerror(errno));
			continue;
		}
		if (cases[i].error != 0)
			fail_msg("case %zu was located", i);
		assert_int_equal(p.uid, cases[i].uid);
		assert_int_equal(p.gid, cases[i].gid);
		assert_string_equal(p.home, cases[i].home);
	}
	users_free(users);
	system_users_free(system);
}

static void
accounts_never_root(void **state)
{
	struct account_rules r = rules;
	struct account_place p;
	const struct account a = { ACCOUNT_VIRTUAL, 0 };
	const struct account s = { ACCOUNT_SYSTEM, 1000 };

	(void)state;
	assert_int_equal(account_locate(&r, NULL, NULL, a, &p), 0);
	r.uid_base = 0;
	assert_int_equal(account_locate(&r, NULL, NULL, a, &p), -1);
	r = rules;
	r.uid_base = UINT32_MAX;
	r.uid_count = UINT32_MAX;
	assert_int_equal(account_locate(&r, NULL, NULL, a, &p), -1);
	r = rules;
	r.uid_shared = 4711;
	assert_int_equal(account_locate(&r, NULL, NULL, a, &p), 0);
	assert_int_equal(p.uid, 4711);
	r = rules;
	r.mail_root = "relative";
	assert_int_equal(account_locate(&r, NULL, NULL, a, &p), -1);
	r = rules;
	r.system_min = 0;
	assert_int_equal(account_locate(&r, NULL, NULL, s, &p), -1);
	assert_int_equal(errno, EPERM);
}

/* The row's, else that of the rules; none for the postmaster. */
static void
accounts_quotas(void **state)
{
	static const struct {
		struct account account;
		uint64_t octets, messages;
	} cases[] = {
		{ { ACCOUNT_VIRTUAL, 1 }, 100, 7 },
		{ { ACCOUNT_VIRTUAL, 2 }, UINT64_C(5) << 30, 7 },
		{ { ACCOUNT_VIRTUAL, 4 }, 0, 0 },
		{ { ACCOUNT_VIRTUAL, 5 }, 2048, 9 },
		{ { ACCOUNT_VIRTUAL, ACCOUNT_POSTMASTER }, 0, 0 },
		{ { ACCOUNT_SYSTEM, 1000 }, 100, 7 },
	};
	struct account_rules r = rules;
	struct table_error err;
	size_t skipped;
	struct system_users *system =
	    system_users_compile(S(PASSWD), 1000, 60000, &skipped, &err);
	struct users_table *users = users_compile(
	    S("a@b 1\nb@b 2 quota=5G\n"
	      "d@b 4 messages=0 quota=0\ne@b 5 QUOTA=2k messages=9\n"),
	    &err);

	(void)state;
	r.quota_octets = 100;
	r.quota_messages = 7;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct account_place p;

		assert_int_equal(
		    account_locate(&r, users, system, cases[i].account, &p), 0);
		assert_int_equal(p.quota_octets, cases[i].octets);
		assert_int_equal(p.quota_messages, cases[i].messages);
	}
	users_free(users);
	system_users_free(system);
}

static void
system_home_by_setting(void **state)
{
	struct account_rules r = rules;
	struct account_place p;
	struct table_error err;
	size_t skipped;
	struct system_users *system = system_users_compile(S(PASSWD), 1000,
	    60000, &skipped, &err);

	(void)state;
	r.system_home = true;
	assert_int_equal(account_locate(&r, NULL, system,
	    (struct account){ ACCOUNT_SYSTEM, 1000 }, &p), 0);
	assert_string_equal(p.home, "/home/alice");
	assert_false(p.make);
	system_users_free(system);
}

static void
files_read(void **state)
{
	int fd = memfd_create("table", MFD_CLOEXEC), ends[2];
	struct table_error err;
	char *text;
	size_t len;

	(void)state;
	assert_int_equal(write(fd, "a\0b", 3), 3);
	assert_int_equal(table_read(fd, &text, &len, &err), -1);
	assert_non_null(strstr(err.text, "NUL"));
	assert_int_equal(ftruncate(fd, 1), 0);
	/* Wherever the offset is. */
	assert_int_equal(table_read(fd, &text, &len, &err), 0);
	assert_int_equal(len, 1);
	assert_string_equal(text, "a");
	free(text);
	assert_int_equal(ftruncate(fd, (off_t)TABLE_SIZE_MAX + 1), 0);
	assert_int_equal(table_read(fd, &text, &len, &err), -1);
	assert_non_null(strstr(err.text, "larger"));
	close(fd);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(table_read(ends[0], &text, &len, &err), -1);
	assert_non_null(strstr(err.text, "regular"));
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(table_read(-1, &text, &len, &err), -1);
}

static void
lines_too_long(void **state)
{
	char *text = malloc(TABLE_LINE_MAX + 8);
	struct table_error err;

	(void)state;
	text[0] = '#';
	text[1] = '\n';
	memset(text + 2, 'a', TABLE_LINE_MAX + 1);
	assert_null(aliases_compile(slice_of(text, TABLE_LINE_MAX + 3),
	    NULL, 0, ALIASES_PROGRAMS_TABLE, &err));
	assert_int_equal(err.line, 2);
	assert_non_null(strstr(err.text, "longer than"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_refused),
		cmocka_unit_test(users_found),
		cmocka_unit_test(users_many),
		cmocka_unit_test(passwords_refused),
		cmocka_unit_test(passwords_not_quoted),
		cmocka_unit_test(passwords_typical_is_the_majority),
		cmocka_unit_test(domains_refused),
		cmocka_unit_test(domains_found),
		cmocka_unit_test(aliases_refused),
		cmocka_unit_test(alias_programs),
		cmocka_unit_test(aliases_found),
		cmocka_unit_test(recipients_compiled),
		cmocka_unit_test(system_users_found),
		cmocka_unit_test(accounts_located),
		cmocka_unit_test(accounts_never_root),
		cmocka_unit_test(accounts_quotas),
		cmocka_unit_test(system_home_by_setting),
		cmocka_unit_test(files_read),
		cmocka_unit_test(lines_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
