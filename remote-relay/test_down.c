/* Hosts that could not be reached lately: retries by host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "remote-relay/down.h"

static struct net_address
host(unsigned n, uint16_t port)
{
	struct net_address a = { .family = NET_IPV4, .port = port };

	a.octets[0] = 10;
	a.octets[1] = (uint8_t)(n >> 16);
	a.octets[2] = (uint8_t)(n >> 8);
	a.octets[3] = (uint8_t)n;
	return a;
}

static void
test_until(void **state)
{
	struct net_address a = host(1, 25), other_port = host(1, 2525);
	struct net_address b = host(2, 25);
	struct down *d = down_new();

	(void)state;
	assert_non_null(d);
	assert_false(down_is(d, &a, 0));
	down_mark(d, &a, 1000);
	assert_true(down_is(d, &a, 0) && down_is(d, &a, 999));
	assert_false(down_is(d, &a, 1000));
	assert_false(down_is(d, &other_port, 0));
	assert_false(down_is(d, &b, 0));
	/* Again, later; and it is back. */
	down_mark(d, &a, 2000);
	assert_true(down_is(d, &a, 1500));
	down_clear(d, &b);
	assert_true(down_is(d, &a, 1500));
	down_clear(d, &a);
	assert_false(down_is(d, &a, 0));
	down_free(d);
}

/* A hundred thousand of them take no more room, and none is made up. */
static void
test_many(void **state)
{
	struct down *d = down_new();
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		struct net_address a = host(i, 25);

		down_mark(d, &a, 1000);
		assert_true(down_is(d, &a, 0));
	}
	for (unsigned i = 0; i < 100000; i++) {
		struct net_address a = host(i, 25), never = host(i, 26);

		n += down_is(d, &a, 0);
		assert_false(down_is(d, &never, 0));
	}
	assert_true(n > 0 && n <= DOWN_SLOTS);
	down_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_until),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
