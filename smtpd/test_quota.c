#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "smtpd/quota.h"

enum { MINUTE = 60 * 1000 };

static const struct account alice = { ACCOUNT_VIRTUAL, 1 };
static const struct account bob = { ACCOUNT_VIRTUAL, 2 };
static const struct account system_1 = { ACCOUNT_SYSTEM, 1 };

static unsigned
take(struct quotas *q, struct account a, unsigned n, uint64_t limit,
    uint64_t now, unsigned *firsts)
{
	unsigned taken = 0;
	bool first;

	for (unsigned i = 0; i < n; i++) {
		taken += quota_take(q, a, limit, now, &first);
		*firsts += first;
	}
	return taken;
}

static void
counts_an_hour(void **state)
{
	struct quotas *q = quotas_new();
	uint64_t now = (uint64_t)1000 * QUOTA_HOUR_MS;
	unsigned firsts = 0;

	(void)state;
	assert_int_equal(take(q, alice, 20, 10, now, &firsts), 10);
	assert_int_equal(firsts, 1);	/* one line in the log */
	/* Each account for itself. */
	assert_int_equal(take(q, bob, 5, 10, now, &firsts), 5);
	assert_int_equal(take(q, system_1, 5, 10, now, &firsts), 5);
	assert_int_equal(take(q, alice, 1, 10, now + 54 * MINUTE, &firsts),
	    0);
	assert_int_equal(firsts, 1);
	assert_int_equal(take(q, alice, 20, 10, now + 60 * MINUTE, &firsts),
	    10);
	assert_int_equal(firsts, 2);
	quotas_free(q);
}

static void
slides(void **state)
{
	struct quotas *q = quotas_new();
	uint64_t now = (uint64_t)1000 * QUOTA_HOUR_MS;
	unsigned firsts = 0;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(take(q, alice, 1, 10, now + i * 5 * MINUTE,
		    &firsts), 1);
	assert_int_equal(take(q, alice, 1, 10, now + 50 * MINUTE, &firsts),
	    0);
	/* The first one is an hour old; then the second. */
	assert_int_equal(take(q, alice, 5, 10, now + 60 * MINUTE, &firsts),
	    1);
	assert_int_equal(take(q, alice, 5, 10, now + 65 * MINUTE, &firsts),
	    1);
	quotas_free(q);
}

static void
gives_back(void **state)
{
	struct quotas *q = quotas_new();
	uint64_t now = (uint64_t)1000 * QUOTA_HOUR_MS;
	unsigned firsts = 0;

	(void)state;
	quota_give_back(q, alice, 5, now);	/* nothing to give back */
	assert_int_equal(take(q, alice, 10, 10, now, &firsts), 10);
	quota_give_back(q, alice, 4, now + 6 * MINUTE);
	assert_int_equal(take(q, alice, 10, 10, now + 6 * MINUTE, &firsts),
	    4);
	quota_give_back(q, alice, 1000, now + 6 * MINUTE);
	assert_int_equal(take(q, alice, 20, 10, now + 6 * MINUTE, &firsts),
	    10);
	quotas_free(q);
}

static void
forgets_who_is_silent(void **state)
{
	struct quotas *q = quotas_new();
	uint64_t now = (uint64_t)1000 * QUOTA_HOUR_MS;
	unsigned firsts = 0;

	(void)state;
	for (uint32_t n = 1; n <= QUOTA_ACCOUNTS_MAX; n++)
		assert_int_equal(take(q, (struct account){ ACCOUNT_VIRTUAL,
		    n }, 1, 1, now, &firsts), 1);
	/* No place: let through, not refused. */
	assert_int_equal(take(q, system_1, 3, 1, now, &firsts), 3);
	now += 2 * (uint64_t)QUOTA_HOUR_MS;
	take(q, system_1, 1, 1, now, &firsts);
	assert_int_equal(take(q, system_1, 3, 1, now, &firsts), 0);
	quotas_free(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_an_hour), cmocka_unit_test(slides),
		cmocka_unit_test(gives_back),
		cmocka_unit_test(forgets_who_is_silent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
