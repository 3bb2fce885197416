#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "authd/delays.h"

#define S(s) SLICE_LITERAL(s)

static const struct delays_rules rules = { 1000, 16000, 600000, 5 };
static const struct auth_client here = { { [10] = 0xff, 0xff, 192, 0, 2, 1 } };
static const struct auth_client there = { { [10] = 0xff, 0xff, 192, 0, 2, 2 } };
static const struct auth_client v6a = { { 0x20, 1, 0xd, 0xb8, [15] = 1 } };
static const struct auth_client v6b = { { 0x20, 1, 0xd, 0xb8, [15] = 2 } };
static const struct auth_client v6c = { { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1 } };

static uint64_t
fail_once(struct delays *d, uint64_t now, struct slice name,
    const struct auth_client *c)
{
	assert_int_equal(delays_admit(d, &rules, now, name, c), 0);
	return delays_failed(d, &rules, now, name, c);
}

static void
doubles_up_to_a_limit(void **state)
{
	static const uint64_t want[] = { 1000, 2000, 4000, 8000, 16000, 16000,
		16000 };
	struct delays *d = delays_new(64);
	uint64_t now = 5000;

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		uint64_t delay = fail_once(d, now, S("bob"), &here);

		assert_int_equal(delay, want[i]);
		assert_int_equal(delays_admit(d, &rules, now + delay - 1,
		    S("bob"), &here), 1);
		now += delay;
	}
	delays_free(d);
}

/* Bob at home does not wait for who guesses his password elsewhere. */
static void
nobody_is_locked_out(void **state)
{
	struct delays *d = delays_new(64);
	uint64_t now = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		fail_once(d, now, S("bob"), &here);
		now += 16000;
	}
	assert_int_equal(delays_admit(d, &rules, now, S("bob"), &there), 0);
	assert_int_equal(delays_failed(d, &rules, now, S("bob"), &there),
	    1000);
	delays_free(d);
}

static void
success_forgets_the_name(void **state)
{
	struct delays *d = delays_new(64);

	(void)state;
	fail_once(d, 0, S("bob"), &here);
	assert_int_equal(fail_once(d, 1000, S("bob"), &here), 2000);
	assert_int_equal(delays_admit(d, &rules, 3000, S("bob"), &here), 0);
	delays_passed(d, 3000, S("bob"), &here);
	assert_int_equal(fail_once(d, 3000, S("bob"), &here), 1000);
	delays_free(d);
}

static void
time_forgets(void **state)
{
	struct delays *d = delays_new(64);

	(void)state;
	for (uint64_t i = 0; i < 5; i++)
		fail_once(d, i * 16000, S("bob"), &here);
	assert_int_equal(fail_once(d, 64000 + rules.memory_ms, S("bob"),
	    &here), 1000);
	delays_free(d);
}

/* Many names from one network: after the free ones, one at a time. */
static void
network_is_slowed(void **state)
{
	struct delays *d = delays_new(64);
	char name[16];

	(void)state;
	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "u%d", i);
		assert_int_equal(fail_once(d, 100, slice_str(name), &here),
		    1000);
	}
	assert_int_equal(delays_admit(d, &rules, 100, S("x"), &here), 0);
	assert_int_equal(delays_admit(d, &rules, 100, S("y"), &here), 1000);
	assert_int_equal(delays_admit(d, &rules, 1099, S("y"), &here), 1);
	assert_int_equal(delays_admit(d, &rules, 1100, S("y"), &here), 0);
	assert_int_equal(delays_admit(d, &rules, 1100, S("z"), &here), 1000);
	assert_int_equal(delays_admit(d, &rules, 100, S("x"), &there), 0);
	delays_free(d);
}

/* A webmail on the host: its users do not wait for each other. */
static void
loopback_is_no_network(void **state)
{
	static const struct auth_client loopback[] = {
		{ { [10] = 0xff, 0xff, 127, 0, 0, 1 } }, { { [15] = 1 } },
	};

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct delays *d = delays_new(64);
		char name[16];

		for (int i = 0; i < 30; i++) {
			snprintf(name, sizeof(name), "u%d", i);
			fail_once(d, 100, slice_str(name), &loopback[k]);
		}
		assert_int_equal(delays_admit(d, &rules, 100, S("x"),
		    &loopback[k]), 0);
		assert_int_equal(delays_admit(d, &rules, 100, S("y"),
		    &loopback[k]), 0);
		/* For one name it is as everywhere. */
		assert_int_equal(delays_admit(d, &rules, 100, S("u1"),
		    &loopback[k]), 1000);
		delays_free(d);
	}
}

static void
networks(void **state)
{
	struct delays *d = delays_new(64);

	(void)state;
	fail_once(d, 0, S("bob"), &v6a);
	assert_int_equal(delays_admit(d, &rules, 0, S("bob"), &v6b), 1000);
	assert_int_equal(delays_admit(d, &rules, 0, S("bob"), &v6c), 0);
	fail_once(d, 0, S("bob"), &here);
	assert_int_equal(delays_admit(d, &rules, 0, S("bob"), &there), 0);
	delays_free(d);
}

/* Connections side by side gain nothing, and what is dropped makes room. */
static void
few_at_once(void **state)
{
	struct delays *d = delays_new(64);

	(void)state;
	for (int i = 0; i < DELAYS_AT_ONCE; i++)
		assert_int_equal(delays_admit(d, &rules, 0, S("bob"), &here),
		    0);
	assert_int_equal(delays_admit(d, &rules, 0, S("bob"), &here),
	    DELAYS_ASK_MS);
	assert_int_equal(delays_admit(d, &rules, 0, S("eve"), &here), 0);
	delays_dropped(d, 0, S("bob"), &here);
	assert_int_equal(delays_admit(d, &rules, 0, S("bob"), &here), 0);
	delays_free(d);
}

/* Far more names and networks than there is room for. */
static void
bounded(void **state)
{
	struct delays *d = delays_new(8);

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		struct auth_client c = { { [10] = 0xff, 0xff } };
		char name[16];

		memcpy(c.octets + 12, &i, sizeof(i));
		snprintf(name, sizeof(name), "u%u", i);
		assert_int_equal(fail_once(d, i, slice_str(name), &c), 1000);
		/* What was heard of last is still known. */
		assert_int_equal(delays_admit(d, &rules, i, slice_str(name),
		    &c), 1000);
	}
	delays_free(d);
}

static void
no_delay_is_possible(void **state)
{
	static const struct delays_rules none = { 0, 0, 1000, 5 };
	struct delays *d = delays_new(8);

	(void)state;
	for (uint64_t i = 0; i < 50; i++) {
		assert_int_equal(delays_admit(d, &none, i, S("bob"), &here),
		    0);
		assert_int_equal(delays_failed(d, &none, i, S("bob"), &here),
		    0);
	}
	delays_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_up_to_a_limit),
		cmocka_unit_test(nobody_is_locked_out),
		cmocka_unit_test(success_forgets_the_name),
		cmocka_unit_test(time_forgets),
		cmocka_unit_test(network_is_slowed),
		cmocka_unit_test(loopback_is_no_network),
		cmocka_unit_test(networks),
		cmocka_unit_test(few_at_once),
		cmocka_unit_test(bounded),
		cmocka_unit_test(no_delay_is_possible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
