/* What is remembered of full mailboxes, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "directory/full.h"

static void
test_full(void **state)
{
	static struct full_table t;
	struct directory_full a = { { ACCOUNT_VIRTUAL, 7 }, true, false };
	struct directory_full b = { { ACCOUNT_SYSTEM, 7 }, true, true };
	const struct directory_refusal *r;

	(void)state;
	assert_null(full_find(&t, a.account, 5));
	full_set(&t, &a, 1000);
	r = full_find(&t, a.account, 1000 + FULL_TEMPORARY_MS - 1);
	assert_non_null(r);
	assert_int_equal(r->code, 452);
	assert_int_equal(r->enhanced[0], 4);
	assert_null(full_find(&t, a.account, 1000 + FULL_TEMPORARY_MS));
	assert_null(full_find(&t, b.account, 1000));
	full_set(&t, &b, 1000);
	r = full_find(&t, b.account, 1000);
	assert_non_null(r);
	assert_int_equal(r->code, 552);
	assert_null(full_find(&t, b.account, 1000 + FULL_PERMANENT_MS));
	a.full = false;
	full_set(&t, &a, 1000);
	assert_null(full_find(&t, a.account, 1000));
	assert_non_null(full_find(&t, b.account, 1000));
	/* more of them than there is room for: no harm */
	for (uint32_t n = 1; n < 5000; n++)
		full_set(&t,
		    &(struct directory_full){
			{ ACCOUNT_VIRTUAL, n }, true, false },
		    1);
	assert_non_null(
	    full_find(&t, (struct account){ ACCOUNT_VIRTUAL, 4999 }, 2));
}

static void
test_message(void **state)
{
	struct directory_full in = { { ACCOUNT_VIRTUAL, 9 }, true, false }, out;
	uint8_t body[DIRECTORY_BODY_MAX];
	size_t len = directory_full_encode(&in, body);

	(void)state;
	assert_int_equal(directory_full_decode(slice_of(body, len), &out), 0);
	assert_int_equal(out.account.number, 9);
	assert_true(out.full && !out.permanent);
	for (size_t n = 0; n < len; n++)
		assert_int_equal(
		    directory_full_decode(slice_of(body, n), &out), -1);
	body[0] = 3;
	assert_int_equal(directory_full_decode(slice_of(body, len), &out), -1);
	body[0] = ACCOUNT_VIRTUAL;
	body[len - 1] = 2;
	assert_int_equal(directory_full_decode(slice_of(body, len), &out), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
