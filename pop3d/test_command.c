/* Lines as RFC 1939 section 3 has them, and what clients make of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pop3d/command.h"

static void
test_parse(void **state)
{
	static const struct {
		const char	*in;
		enum parse	 want;
		const char	*keyword, *argument;
	} rows[] = {
		{ "USER alice", PARSE_OK, "USER", "alice" },
		{ "PASS two words ", PARSE_OK, "PASS", "two words " },
		{ "PASS", PARSE_OK, "PASS", "" },
		{ "PASS  x", PARSE_OK, "PASS", " x" },
		{ "", PARSE_BAD, "", "" },
		{ " USER", PARSE_BAD, "", "" },
		{ "RETR\t1", PARSE_BAD, "", "" },
		{ "USER a\033b", PARSE_BAD, "", "" },
		{ "GET/", PARSE_BAD, "", "" },
		{ "ABCDEFGHIJKLMNOPQ", PARSE_BAD, "", "" },
	};
	struct pop3_command c;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(pop3_command_parse(slice_str(rows[i].in), &c),
		    rows[i].want);
		if (rows[i].want != PARSE_OK)
			continue;
		assert_true(slice_equal(c.keyword,
		    slice_str(rows[i].keyword)));
		assert_true(slice_equal(c.argument,
		    slice_str(rows[i].argument)));
	}
}

static void
test_number(void **state)
{
	struct slice two = slice_str("12 7"), bad = slice_str("1x"),
	    big = slice_str("2147483648");
	unsigned long n;

	(void)state;
	assert_int_equal(pop3_number(&two, &n), 0);
	assert_int_equal(n, 12);
	assert_int_equal(pop3_number(&two, &n), 0);
	assert_int_equal(n, 7);
	assert_int_equal(pop3_number(&two, &n), -1);
	assert_int_equal(pop3_number(&bad, &n), -1);
	assert_int_equal(pop3_number(&big, &n), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse),
		cmocka_unit_test(test_number) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
