/* An id is used once, answers only from the channel that was asked, bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/ipc/pending.h"

static void
test_pending(void **state)
{
	const struct ipc_channel *a = (void *)0x10, *b = (void *)0x20;
	struct ipc_pending *p = ipc_pending_new(3);
	int x, y, z;
	uint64_t ix, iy, iz;

	(void)state;
	ix = ipc_pending_add(p, a, &x);
	iy = ipc_pending_add(p, b, &y);
	iz = ipc_pending_add(p, a, &z);
	assert_true(ix && iy && iz && ix != iy && iy != iz);
	assert_true(ipc_pending_full(p));
	assert_true(ipc_pending_add(p, a, &x) == 0);
	assert_null(ipc_pending_take(p, b, ix));
	assert_ptr_equal(ipc_pending_take(p, a, ix), &x);
	assert_null(ipc_pending_take(p, a, ix));
	assert_true(ipc_pending_add(p, a, &x) > iz);
	assert_non_null(ipc_pending_take_any(p, a));
	assert_non_null(ipc_pending_take_any(p, a));
	assert_null(ipc_pending_take_any(p, a));
	assert_int_equal(ipc_pending_count(p), 1);
	ipc_pending_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_pending) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
