#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "bulkhead/sendmail/recipients.h"

/* want: the mailboxes joined with '|', or NULL for PARSE_BAD. */
static const struct {
	const char	*in;
	const char	*want;
} cases[] = {
	{ "", "" },
	{ "  \r\n\t ", "" },
	{ "alice", "alice" },
	{ "alice@example.org", "alice@example.org" },
	{ "alice, bob ,carol@x.y", "alice|bob|carol@x.y" },
	{ "alice,,bob,", "alice|bob" },
	{ "Bob Smith <bob@example.org>", "bob@example.org" },
	/* RFC 5322 appendix A.1.2 */
	{ "\"Joe Q. Public\" <john.q.public@example.com>",
	    "john.q.public@example.com" },
	{ "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
	    "mary@x.test|jdoe@example.org|one@y.test" },
	{ "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
	    "boss@nil.test|sysservices@example.net" },
	/* appendix A.1.3 */
	{ "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
	    "c@a.test|joe@where.test|jdoe@one.test" },
	{ "Undisclosed recipients:;", "" },
	/* appendix A.5: comments, folding */
	{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
	    "pete@silly.test" },
	{ "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public."
	  "example>,\r\n joe@example.org,\r\n  John <jdoe@one.test> (my dear "
	  "friend); (the end of the group)",
	    "c@public.example|joe@example.org|jdoe@one.test" },
	/* appendix A.6.1: a route, blanks around dots */
	{ "Mary Smith <@machine.tld:mary@example.net>, , jdoe@test   . example",
	    "mary@example.net|jdoe@test.example" },
	{ "<@a.test,@b.test:joe@c.test>", "joe@c.test" },
	{ "(one(two(three)))bob@x.y", "bob@x.y" },
	{ "J\xc3\xb6rg <joerg@x.y>", "joerg@x.y" },
	{ "\"J\xc3\xb6rg\" <joerg@x.y>", "joerg@x.y" },
	{ "\"quoted local\"@example.org", "\"quoted local\"@example.org" },
	{ "\"a,b\"@example.org, c@d.e", "\"a,b\"@example.org|c@d.e" },
	{ "\"a@b\"", "\"a@b\"" },
	{ "bob@[127.0.0.1]", "bob@[127.0.0.1]" },
	{ "-f@example.org", "-f@example.org" },
	{ "bob smith", NULL },
	{ "bob smith@x.y", NULL },
	{ "<>", NULL },
	{ "Bob <>", NULL },
	{ "<bob@x.y", NULL },
	{ "bob@x.y>", NULL },
	{ "<bob@x.y> more", NULL },
	{ "<a@b.c><d@e.f>", NULL },
	{ "@x.y", NULL },
	{ "bob@", NULL },
	{ "\"bob@x.y", NULL },
	{ "(bob@x.y", NULL },
	{ "bob)@x.y", NULL },
	{ "bob\\@x.y", NULL },
	/* RFC 6531; and what is not UTF-8 */
	{ "J\xc3\xb6rg@x.y", "J\xc3\xb6rg@x.y" },
	{ "J\xc3\xb6rg <j\xc3\xb6rg@x.y>", "j\xc3\xb6rg@x.y" },
	{ "\"\xc3\xb6 \xc3\xb6\"@x.y", "\"\xc3\xb6 \xc3\xb6\"@x.y" },
	{ "J\xc3\xb6rg M\xc3\xbcller", NULL },
	{ "J\xf6rg <joerg@x.y>", "joerg@x.y" },
	{ "J\xf6rg@x.y", NULL },
	{ "j\xc2\x85@x.y", NULL },
	{ "\"a\x01\"@x.y", NULL },
	{ "bob\x7f@x.y", NULL },
	{ "<bob;@x.y>", NULL },
};

static void
test_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address_list l = { 0 };
		enum parse got = recipients_take(slice_str(cases[i].in), &l);
		char joined[1024] = "";

		for (size_t k = 0; k < l.count; k++)
			snprintf(joined + strlen(joined),
			    sizeof(joined) - strlen(joined), "%s%s",
			    k == 0 ? "" : "|", l.at[k]);
		if (cases[i].want == NULL) {
			if (got != PARSE_BAD)
				fail_msg("%s: taken as %s", cases[i].in, joined);
		} else if (got != PARSE_OK ||
		    strcmp(joined, cases[i].want) != 0)
			fail_msg("%s: %d, %s", cases[i].in, (int)got, joined);
		address_list_clear(&l);
	}
}

static void
test_too_long(void **state)
{
	struct address_list l = { 0 };
	char in[SENDMAIL_ADDRESS_MAX + 40];

	(void)state;
	memset(in, 'a', sizeof(in));
	assert_int_equal(recipients_take(slice_of(in, SENDMAIL_ADDRESS_MAX), &l),
	    PARSE_OK);
	assert_int_equal(recipients_take(slice_of(in,
	    SENDMAIL_ADDRESS_MAX + 1), &l), PARSE_BAD);
	/* A display name may be as long as it likes. */
	memcpy(in + sizeof(in) - 7, " <a@b.c>", 7);
	in[sizeof(in) - 1] = '>';
	memcpy(in + sizeof(in) - 6, "<a@bc>", 6);
	assert_int_equal(recipients_take(slice_of(in, sizeof(in)), &l), PARSE_OK);
	assert_string_equal(l.at[1], "a@bc");
	address_list_clear(&l);
}

static void
test_qualify(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "bob", "bob@dom.test" },
		{ "bob@x.y", "bob@x.y" },
		{ "\"a@b\"", "\"a@b\"@dom.test" },
		{ "\"a@b\"@x.y", "\"a@b\"@x.y" },
	};
	char buf[SENDMAIL_ADDRESS_MAX + 1], longer[SENDMAIL_ADDRESS_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(recipient_qualify(rows[i].in, "dom.test", buf),
		    0);
		assert_string_equal(buf, rows[i].want);
	}
	memset(longer, 'a', SENDMAIL_ADDRESS_MAX);
	longer[SENDMAIL_ADDRESS_MAX] = '\0';
	assert_int_equal(recipient_qualify(longer, "dom.test", buf), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_qualify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
