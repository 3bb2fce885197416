/* Ids are lent once, in order, given back, and forgotten with their channel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/enqueue/lease.h"

static int
add(struct lease_ids *l, uint64_t first, uint32_t count)
{
	struct queue_ids ids = { .first = first, .count = count };
	char body[QUEUE_SMALL_BODY_MAX];

	return lease_add(l, slice_of(body, queue_ids_encode(&ids, body)));
}

static void
in_order(void **state)
{
	struct lease_ids l = { 0 };

	(void)state;
	assert_int_equal(lease_take(&l), 0);
	assert_int_equal(add(&l, 10, 2), 0);
	assert_int_equal(add(&l, 100, 1), 0);
	assert_int_equal(lease_take(&l), 10);
	assert_int_equal(lease_take(&l), 11);
	assert_int_equal(lease_take(&l), 100);
	assert_int_equal(lease_take(&l), 0);
}

static void
given_back(void **state)
{
	struct lease_ids l = { 0 };

	(void)state;
	for (uint64_t id = 1; id <= LEASE_SPARE_MAX + 10; id++)
		lease_give_back(&l, id);
	assert_int_equal(l.n_spare, LEASE_SPARE_MAX);
	assert_int_equal(lease_take(&l), LEASE_SPARE_MAX);
}

static void
forgotten(void **state)
{
	struct lease_ids l = { 0 };

	(void)state;
	add(&l, 10, 2);
	lease_give_back(&l, 7);
	lease_forget(&l);
	assert_int_equal(lease_take(&l), 0);
	assert_int_equal(l.era, 1);
}

static void
no_lease(void **state)
{
	struct lease_ids l = { 0 };

	(void)state;
	assert_int_equal(add(&l, 0, 5), -1);
	assert_int_equal(add(&l, 5, 0), -1);
	assert_int_equal(lease_add(&l, SLICE_LITERAL("x")), -1);
	for (unsigned i = 0; i < 3 * LEASES_MAX; i++)
		assert_int_equal(add(&l, 1 + i, 1), 0);
	assert_int_equal(l.n_leases, LEASES_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(given_back),
		cmocka_unit_test(forgotten),
		cmocka_unit_test(no_lease),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
