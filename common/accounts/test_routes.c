#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "common/accounts/routes.h"

#define S(s) SLICE_LITERAL(s)

static void
refused(void **state)
{
	static const struct {
		struct slice	 text;
		unsigned	 line;
		const char	*why;		/* NULL: fine */
	} cases[] = {
		{ S(""), 0, NULL },
		{ S("a@b.example r1\nb.example R_2.x-y\n.b.example direct\n"
		    "from:a@b.example r1\nfrom:b.example r1\n"
		    "from:.b.example r1\nfrom:<> r1\n* r1\n"), 0, NULL },
		{ S("[192.0.2.1] r1\n"), 0, NULL },
		{ S("b.example\n"), 1, "goes where?" },
		{ S("b.example local\n"), 1, "local by its domain" },
		{ S("b.example a/b\n"), 1, "not the name of a route" },
		{ S("b.example r1 r2\n"), 1, "one word too many" },
		{ S("b_c.example r1\n"), 1, "not a pattern" },
		{ S(". r1\n"), 1, "not a pattern" },
		{ S(".[192.0.2.1] r1\n"), 1, "not a pattern" },
		{ S("<> r1\n"), 1, "not a pattern" },
		{ S("from: r1\n"), 1, "not a pattern" },
		{ S("from:* r1\n"), 1, "not a pattern" },
		{ S("@b.example r1\n"), 1, "not a pattern" },
		{ S("*.example r1\n"), 1, "not a pattern" },
		{ S("b.example r1\nfrom:b.example r1\nB.example r2\n"), 3,
		    "line 1 already" },
		{ S("b.example error 550 gone\n"), 0, NULL },
		{ S("b.example error 450 4.2.1 busy until Monday\n"), 0, NULL },
		{ S("b.example error\n"), 1, "no reply code" },
		{ S("b.example error gone\n"), 1, "no reply code" },
		{ S("b.example error 250 fine\n"), 1, "no reply code" },
		{ S("b.example error 449 x\n"), 1, "no reply code" },
		{ S("b.example error 600 x\n"), 1, "no reply code" },
		{ S("b.example error 550\n"), 1, "printable characters" },
		{ S("b.example error 550 5.1.1\n"), 1, "printable" },
		{ S("b.example error 550 5.1.1 \xc3\xa4\n"), 1, "printable" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct table_error err = { 0, "" };
		struct routes_table *t = routes_compile(cases[i].text, &err);

		if ((t == NULL) != (cases[i].why != NULL))
			fail_msg("case %zu: %u: %s", i, err.line, err.text);
		if (t == NULL && cases[i].why != NULL) {
			if (strstr(err.text, cases[i].why) == NULL)
				fail_msg("case %zu: %s", i, err.text);
			assert_int_equal(err.line, cases[i].line);
		}
		routes_free(t);
	}
}

static void
the_most_specific(void **state)
{
	static const struct {
		const char	*local, *domain, *from_local, *from;
		unsigned	 line;		/* 0: none */
	} cases[] = {
		{ "bob", "x.example", "a", "b.example", 9 },
		{ "bob+list", "x.example", "a", "b.example", 9 },
		{ "bob+x", "x.example", "a", "b.example", 2 },
		{ "al", "x.example", "a", "b.example", 8 },
		{ "al", "y.x.example", "a", "b.example", 7 },
		{ "al", "z.y.x.example", "a", "b.example", 3 },
		{ "al", "w.z.y.x.example", "a", "b.example", 3 },
		{ "al", "xx.example", "a", "b.example", 5 },
		{ "al", "other.test", "root", "b.example", 6 },
		{ "al", "other.test", "root+cron", "b.example", 6 },
		{ "al", "other.test", "a", "c.b.example", 10 },
		{ "al", "other.test", "a", "elsewhere.test", 11 },
		{ "al", "other.test", "", "", 4 },
		{ "al", "example", "a", "elsewhere.test", 11 },
		{ "al", "[192.0.2.1]", "a", "elsewhere.test", 12 },
		{ "al", "[192.0.2.2]", "a", "elsewhere.test", 11 },
	};
	struct table_error err;
	struct routes_table *t = routes_compile(S("# patterns\n"
	    "bob+x@x.example r\n"
	    ".y.x.example r\n"
	    "from:<> r\n"
	    "from:b.example r\n"
	    "from:root@b.example r\n"
	    ".x.example r\n"
	    "x.example r\n"
	    "Bob@x.example r\n"
	    "from:.b.example r\n"
	    "* r\n"
	    "[192.0.2.1] r\n"), &err);

	(void)state;
	assert_non_null(t);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct route_address to = { slice_str(cases[i].local),
			slice_str(cases[i].domain) };
		struct route_address from = { slice_str(cases[i].from_local),
			slice_str(cases[i].from) };
		const struct route *r = routes_find(t, &to, &from, '+');

		if ((r == NULL ? 0 : r->line) != cases[i].line)
			fail_msg("case %zu: line %u", i,
			    r == NULL ? 0 : r->line);
	}
	routes_free(t);
}

static void
what_it_says(void **state)
{
	static const struct route_address null = { { "", 0 }, { "", 0 } };
	struct route_address to = { S("a"), S("b.example") };
	struct table_error err;
	struct routes_table *t = routes_compile(S(
	    "b.example error 551 5.1.6 gone  to c.example\n"
	    "c.example error 450 x.y.z\n"
	    "d.example direct\n"
	    "e.example Smart-1\n"), &err);
	const struct route *r = routes_find(t, &to, &null, '\0');

	(void)state;
	assert_int_equal(r->code, 551);
	assert_int_equal(r->enhanced[1], 1);
	assert_int_equal(r->enhanced[2], 6);
	assert_true(slice_equal(r->text, S("gone  to c.example")));
	to.domain = S("c.example");
	r = routes_find(t, &to, &null, '\0');
	assert_int_equal(r->code, 450);
	assert_int_equal(r->enhanced[0], 4);
	assert_int_equal(r->enhanced[1], 7);
	assert_true(slice_equal(r->text, S("x.y.z")));
	to.domain = S("d.example");
	r = routes_find(t, &to, &null, '\0');
	assert_int_equal(r->code, 0);
	assert_int_equal(r->name.len, 0);
	to.domain = S("e.example");
	assert_true(slice_equal(routes_find(t, &to, &null, '\0')->name,
	    S("Smart-1")));
	to.domain = S("f.example");
	assert_null(routes_find(t, &to, &null, '\0'));
	routes_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(the_most_specific),
		cmocka_unit_test(what_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
