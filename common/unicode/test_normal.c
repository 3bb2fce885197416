#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/unicode/normal.h"

static const struct {
	const char	*in, *out, *small;	/* NULL: refused */
} rows[] = {
	{ "", "", "" },
	{ "Abc", "Abc", "abc" },
	{ "\xc3\xa9", "\xc3\xa9", "\xc3\xa9" },
	{ "e\xcc\x81", "\xc3\xa9", "\xc3\xa9" },	/* composed */
	{ "\xc3\x89", "\xc3\x89", "\xc3\xa9" },
	{ "\xe2\x84\xab", "\xc3\x85", "\xc3\xa5" },	/* ANGSTROM SIGN */
	{ "\xef\xac\x81", "\xef\xac\x81", "\xef\xac\x81" }, /* a ligature stays */
	{ "\xc3", NULL, NULL },
	{ "\xed\xa0\x80", NULL, NULL },
	{ "a\xff", NULL, NULL },
};

static void
check(const char *in, bool small, const char *want)
{
	char out[16];
	int n = unicode_normal(slice_str(in), small, out, sizeof(out));

	if (want == NULL) {
		assert_int_equal(n, -1);
		return;
	}
	assert_int_equal(n, strlen(want));
	assert_memory_equal(out, want, strlen(want));
}

static void
test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check(rows[i].in, false, rows[i].out);
		check(rows[i].in, true, rows[i].small);
	}
}

static void
test_room(void **state)
{
	char out[2];

	(void)state;
	assert_int_equal(unicode_normal(slice_str("e\xcc\x81"), false, out, 2),
	    2);
	assert_int_equal(unicode_normal(slice_str("e\xcc\x81"), false, out, 1),
	    -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
