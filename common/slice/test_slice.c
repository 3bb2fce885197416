/* slice_number refuses what strtoull would let through; copies are whole or empty. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/slice/slice.h"

static void
test_number(void **state)
{
	static const struct {
		const char *in;
		unsigned long long max, want;
		int ret;
	} rows[] = {
		{ "0", 10, 0, 0 }, { "10", 10, 10, 0 }, { "11", 10, 0, -1 },
		{ "", 10, 0, -1 }, { "-1", 10, 0, -1 }, { " 1", 10, 0, -1 },
		{ "18446744073709551615", -1ULL, -1ULL, 0 },
		{ "18446744073709551616", -1ULL, 0, -1 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned long long n = 0;
		assert_int_equal(
		    slice_number(slice_str(rows[i].in), rows[i].max, &n),
		    rows[i].ret);
		assert_true(n == rows[i].want);
	}
}

static void
test_copy(void **state)
{
	char to[4];

	(void)state;
	assert_int_equal(slice_copy_str(slice_str("abc"), to, sizeof(to)), 0);
	assert_string_equal(to, "abc");
	assert_int_equal(slice_copy_str(slice_str("abcd"), to, sizeof(to)), -1);
	assert_string_equal(to, "");
	assert_int_equal(slice_copy_str(slice_of("a\0b", 3), to, sizeof(to)), -1);
}

static void
test_equal(void **state)
{
	(void)state;
	assert_true(slice_equal_nocase(slice_str("MAIL"), slice_str("mAiL")));
	assert_false(slice_equal_nocase(slice_str("MAIL"), slice_str("mai")));
	assert_false(slice_equal_nocase(slice_str("@"), slice_str("`")));
	assert_true(slice_equal(slice_of(NULL, 0), slice_str("")));
}

static void
test_hex(void **state)
{
	unsigned char out[2];

	(void)state;
	assert_int_equal(slice_hex(slice_str("0aFf"), out, 2), 0);
	assert_int_equal(out[0], 0x0a);
	assert_int_equal(out[1], 0xff);
	assert_int_equal(slice_hex(slice_str("0aFf"), out, 1), -1);
	assert_int_equal(slice_hex(slice_str("0aF"), out, 2), -1);
	assert_int_equal(slice_hex(slice_str("0aFg"), out, 2), -1);
	assert_int_equal(slice_hex(slice_str(" 0aF"), out, 2), -1);
	assert_int_equal(slice_hex(slice_str(""), out, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_hex),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
