#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "common/tickets/tickets.h"

static const struct account alice = { ACCOUNT_VIRTUAL, 7 };
static const struct account bob = { ACCOUNT_SYSTEM, 1001 };

static void
once(void **state)
{
	struct tickets *t = tickets_new(64);
	struct account a = { 0 };
	struct ticket x;

	(void)state;
	tickets_issue(t, 1000, alice, 3, &x);
	assert_int_equal(tickets_redeem(t, 1000, &x, 3, &a), 0);
	assert_int_equal(a.kind, ACCOUNT_VIRTUAL);
	assert_int_equal(a.number, 7);
	assert_int_equal(tickets_redeem(t, 1000, &x, 3, &a), -1);
	tickets_free(t);
}

static void
not_for_another_role(void **state)
{
	struct tickets *t = tickets_new(64);
	struct account a;
	struct ticket x;

	(void)state;
	tickets_issue(t, 0, alice, 3, &x);
	assert_int_equal(tickets_redeem(t, 0, &x, 4, &a), -1);
	/* Presented by the wrong one, it is worth nothing to anybody. */
	assert_int_equal(tickets_redeem(t, 0, &x, 3, &a), -1);
	tickets_free(t);
}

static void
not_for_long(void **state)
{
	struct tickets *t = tickets_new(64);
	struct account a;
	struct ticket x, y;

	(void)state;
	tickets_issue(t, 5, alice, 3, &x);
	tickets_issue(t, 5, bob, 3, &y);
	assert_int_equal(tickets_redeem(t, 4 + TICKETS_LIFETIME_MS, &x, 3,
	    &a), 0);
	assert_int_equal(tickets_redeem(t, 5 + TICKETS_LIFETIME_MS, &y, 3,
	    &a), -1);
	tickets_free(t);
}

/* Each single bit counts; a made-up one, all zeros too, opens nothing. */
static void
not_made_up(void **state)
{
	struct tickets *t = tickets_new(64);
	struct ticket x, made_up = { { 0 } };
	struct account a;

	(void)state;
	assert_int_equal(tickets_redeem(t, 0, &made_up, 0, &a), -1);
	tickets_issue(t, 0, alice, 0, &x);
	assert_int_equal(tickets_redeem(t, 0, &made_up, 0, &a), -1);
	for (unsigned bit = 0; bit < TICKET_LEN * 8; bit++) {
		made_up = x;
		made_up.octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(tickets_redeem(t, 0, &made_up, 0, &a), -1);
	}
	assert_int_equal(tickets_redeem(t, 0, &x, 0, &a), 0);
	tickets_free(t);
}

/* Far more than there is room for: bounded, and the newest is always good. */
static void
bounded(void **state)
{
	struct tickets *t = tickets_new(16);
	struct account a;
	struct ticket x;

	(void)state;
	for (uint32_t i = 1; i < 10000; i++) {
		tickets_issue(t, 0, (struct account){ ACCOUNT_VIRTUAL, i }, 1,
		    &x);
		if (i % 3 != 0)
			continue;
		assert_int_equal(tickets_redeem(t, 0, &x, 1, &a), 0);
		assert_int_equal(a.number, i);
	}
	tickets_free(t);
}

/* While there is room, none takes another's place. */
static void
none_lost_with_room(void **state)
{
	enum { N = 1000 };
	static struct ticket x[N];
	struct tickets *t = tickets_new(65536);
	struct account a;

	(void)state;
	for (uint32_t i = 0; i < N; i++)
		tickets_issue(t, i, (struct account){ ACCOUNT_VIRTUAL, i }, 1,
		    &x[i]);
	for (uint32_t i = 0; i < N; i++) {
		assert_int_equal(tickets_redeem(t, N, &x[i], 1, &a), 0);
		assert_int_equal(a.number, i);
	}
	tickets_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once),
		cmocka_unit_test(not_for_another_role),
		cmocka_unit_test(not_for_long),
		cmocka_unit_test(not_made_up),
		cmocka_unit_test(bounded),
		cmocka_unit_test(none_lost_with_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
