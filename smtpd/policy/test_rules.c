#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "smtpd/policy/rules.h"

#define S(s) SLICE_LITERAL(s)

static const struct slice table = S(
    "# who may send\n"
    "192.0.2.1\t\tpermit\n"				/* 2 */
    "192.0.2.0/24\t\trefuse\tNot you.\n"		/* 3 */
    "10.0.0.0/8 pass\n"					/* 4 */
    "2001:db8::/32 defer\n"				/* 5 */
    "2001:db8:1::/48 refuse\n"				/* 6 */
    "loopback pass\n"					/* 7 */
    "Mail.Example.org permit\n"				/* 8 */
    ".example.org refuse Below us.\n"			/* 9 */
    "helo:localhost refuse\n"				/* 10 */
    "helo:.local defer\n"				/* 11 */
    "from:bob@spam.example permit\n"			/* 12 */
    "from:spam.example refuse\n"			/* 13 */
    "from:.spam.example refuse\n"			/* 14 */
    "from:<> defer No bounces.\n"			/* 15 */
    "0.0.0.0/0 pass\n"					/* 16 */
    "bad.cafe refuse\n");				/* 17: a name */

static unsigned
line_of(const struct rules *t, const char *client, const char *name,
    const char *helo, const char *sender)
{
	struct net_address a = { .family = NET_NONE };
	struct rules_subject who = { .client = &a, .name = slice_str(name),
		.helo = slice_str(helo),
		.sender = slice_str(sender != NULL ? sender : ""),
		.has_sender = sender != NULL };
	const struct rule *rule;

	if (client[0] != '\0')
		assert_int_equal(net_address_parse(slice_str(client), &a),
		    PARSE_OK);
	rule = rules_match(t, &who);
	return rule == NULL ? 0 : rule->line;
}

static void
matching(void **state)
{
	static const struct {
		const char	*client, *name, *helo, *sender;
		unsigned	 line;
	} cases[] = {
		{ "192.0.2.1", "", "", NULL, 2 },
		{ "192.0.2.2", "", "", NULL, 3 },
		{ "192.0.3.2", "", "", NULL, 16 },
		{ "10.255.255.255", "", "", NULL, 4 },
		{ "11.0.0.0", "", "", NULL, 16 },
		{ "2001:db8::1", "", "", NULL, 5 },
		{ "2001:db8:1::1", "", "", NULL, 5 },	/* 6 is behind it */
		{ "2001:db9::", "", "", NULL, 0 },
		{ "127.0.0.9", "", "", NULL, 7 },
		{ "::1", "", "", NULL, 7 },
		{ "", "mail.example.ORG", "", NULL, 8 },
		{ "", "a.b.example.org", "", NULL, 9 },
		{ "", "example.org", "", NULL, 0 },
		{ "", "anexample.org", "", NULL, 0 },
		{ "", "", "LocalHost", NULL, 10 },
		{ "", "", "my.pc.local", NULL, 11 },
		{ "", "", "local", NULL, 0 },
		{ "", "", "", "BOB@spam.example", 12 },
		{ "", "", "", "al@Spam.Example", 13 },
		{ "", "", "", "al@x.y.spam.example", 14 },
		{ "", "", "", "al@ham.example", 0 },
		{ "", "", "", "", 15 },
		{ "", "", "", "postmaster", 0 },
		{ "", "bad.cafe", "", NULL, 17 },
		/* The first in the file, whatever it speaks of. */
		{ "10.1.1.1", "x.example.org", "localhost", "", 4 },
		{ "1.1.1.1", "x.example.org", "localhost", "", 9 },
	};
	struct table_error err;
	struct rules *t = rules_compile(table, &err);

	(void)state;
	assert_non_null(t);
	assert_int_equal(rules_count(t), 16);
	assert_true(rules_want_names(t));
	assert_int_equal(rules_first_open(t), 8);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (line_of(t, cases[i].client, cases[i].name, cases[i].helo,
			cases[i].sender) != cases[i].line)
			fail_msg("case %zu: %u", i, line_of(t,
			    cases[i].client, cases[i].name, cases[i].helo,
			    cases[i].sender));
	rules_free(t);
	assert_null(rules_match(NULL, &(struct rules_subject){ 0 }));
	t = rules_compile(S(""), &err);
	assert_int_equal(rules_count(t), 0);
	assert_int_equal(rules_first_open(t), UINT_MAX);
	assert_int_equal(line_of(t, "1.1.1.1", "a", "b", ""), 0);
	rules_free(t);
}

static void
refused(void **state)
{
	static const struct {
		const char	*text;
		unsigned	 line;
	} cases[] = {
		{ "192.0.2.1\n", 1 }, { "\n192.0.2.1 allow\n", 2 },
		{ "192.0.2.1/24 permit\n", 1 }, { "192.0.2.0/33 permit\n", 1 },
		{ "2001:db8::/129 refuse\n", 1 }, { "1.2.3.0/x refuse\n", 1 },
		{ "helo: refuse\n", 1 },
		{ "a@b refuse\n", 1 }, { "* refuse\n", 1 },
		{ ". refuse\n", 1 }, { "a permit text\n", 1 },
		{ "a refuse t\xc3\xa4xt\n", 1 },
		{ "a refuse\nb refuse\nA permit\n", 3 },
		{ "10.0.0.0/8 refuse\n10.0.0.0/8 permit\n", 2 },
		{ "loopback permit\nloopback permit\n", 2 },
		{ "from:<> refuse\nfrom:<> permit\n", 2 },
	};
	struct table_error err;
	char big[RULE_TEXT_MAX + 20];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rules *t = rules_compile(slice_str(cases[i].text),
		    &err);

		if (t != NULL || err.line != cases[i].line)
			fail_msg("%s: line %u", cases[i].text, err.line);
	}
	snprintf(big, sizeof(big), "a refuse %*s\n", RULE_TEXT_MAX + 1, "x");
	for (char *p = big + 9; *p == ' '; p++)
		*p = 'y';
	assert_null(rules_compile(slice_str(big), &err));
}

/* Thousands of rules: each is found, by whatever length of prefix. */
static void
many(void **state)
{
	struct table_error err;
	size_t size = 4000000, len = 0;
	char *text = malloc(size), name[64];
	struct rules *t;

	(void)state;
	for (unsigned i = 0; i < 20000; i++)
		len += (size_t)snprintf(text + len, size - len,
		    "10.%u.%u.0/%u refuse\nhost%u.example permit\n", i / 250,
		    i % 250, 24 + i % 3, i);
	t = rules_compile(slice_of(text, len), &err);
	assert_non_null(t);
	for (unsigned i = 0; i < 20000; i += 7) {
		snprintf(name, sizeof(name), "10.%u.%u.1", i / 250, i % 250);
		assert_int_equal(line_of(t, name, "", "", NULL), 2 * i + 1);
		snprintf(name, sizeof(name), "host%u.example", i);
		assert_int_equal(line_of(t, "", name, "", NULL), 2 * i + 2);
	}
	rules_free(t);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matching),
		cmocka_unit_test(refused),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
