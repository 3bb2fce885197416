/* The examples of RFC 4616 section 4, and near misses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/sasl/plain.h"

static void
test_plain(void **state)
{
	struct sasl_plain p;

	(void)state;
	assert_int_equal(sasl_plain_parse(
	    slice_of("\0tim\0tanstaaftanstaaf", 21), &p), PARSE_OK);
	assert_true(p.authzid.len == 0);
	assert_true(slice_equal(p.authcid, slice_str("tim")));
	assert_true(slice_equal(p.password, slice_str("tanstaaftanstaaf")));
	assert_int_equal(sasl_plain_parse(
	    slice_of("Ursel\0Kurt\0xipj3plmq", 20), &p), PARSE_OK);
	assert_true(slice_equal(p.authzid, slice_str("Ursel")));
	assert_int_equal(sasl_plain_parse(slice_of("a\0b", 3), &p), PARSE_BAD);
	assert_int_equal(sasl_plain_parse(slice_of("\0b\0", 3), &p), PARSE_BAD);
	assert_int_equal(sasl_plain_parse(slice_of("\0\0p", 3), &p), PARSE_BAD);
	assert_int_equal(sasl_plain_parse(slice_of("\0a\0b\0", 5), &p),
	    PARSE_BAD);
	assert_int_equal(sasl_plain_parse(slice_of(NULL, 0), &p), PARSE_BAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_plain) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
