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

static void
digests(void **state)
{
	static const uint8_t right[16] = { 0xc4, 0xc9, 0x33, 0x4b, 0xac, 0x56,
		0x0e, 0xcc, 0x97, 0x9e, 0x58, 0x00, 0x1b, 0x3e, 0x22, 0xfb };
	static const struct slice wrong[] = {
		SLICE_LITERAL(""), SLICE_LITERAL("c4"),
		SLICE_LITERAL("c4c9334bac560ecc979e58001b3e22f"),
		SLICE_LITERAL("c4c9334bac560ecc979e58001b3e22fb0"),
		SLICE_LITERAL("c4c9334bac560ecc979e58001b3e22fg"),
		SLICE_LITERAL("c4c9334bac560ecc979e58001b3e22 b"),
	};
	uint8_t out[16];

	(void)state;
	assert_int_equal(pop3_digest(SLICE_LITERAL(
	    "c4c9334bac560ecc979e58001b3e22fb"), out), 0);
	assert_memory_equal(out, right, sizeof(right));
	assert_int_equal(pop3_digest(SLICE_LITERAL(
	    "C4C9334BAC560ECC979E58001B3E22FB"), out), 0);
	assert_memory_equal(out, right, sizeof(right));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(pop3_digest(wrong[i], out), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(digests),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_number) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
