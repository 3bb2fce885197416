#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/net/network.h"

static void
members(void **state)
{
	static const struct {
		const char	*network, *address;
		bool		 want;
	} rows[] = {
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.0/25", "192.0.2.127", true },
		{ "192.0.2.0/25", "192.0.2.128", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "0.0.0.0/0", "203.0.113.9", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "2001:db8::/32", "2001:db8:ffff::1", true },
		{ "2001:db8::/32", "2001:db9::1", false },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "::1", "::1", true },
		{ "loopback", "::1", true },
		{ "loopback", "127.3.4.5", true },
		{ "Loopback", "192.0.2.1", false },
	};
	struct net_network n;
	struct net_address a;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(net_network_parse(
		    slice_str(rows[i].network), &n), PARSE_OK);
		assert_int_equal(net_address_parse(
		    slice_str(rows[i].address), &a), PARSE_OK);
		assert_int_equal(net_network_has(&n, &a), rows[i].want);
	}
}

static void
users_of_this_host(void **state)
{
	struct net_address user = { .family = NET_LOCAL, .uid = 1000 };
	struct net_network n;

	(void)state;
	assert_int_equal(net_network_parse(SLICE_LITERAL("loopback"), &n),
	    PARSE_OK);
	assert_true(net_network_has(&n, &user));
	assert_int_equal(net_network_parse(SLICE_LITERAL("0.0.0.0/0"), &n),
	    PARSE_OK);
	assert_false(net_network_has(&n, &user));
}

static void
refused(void **state)
{
	static const char *const rows[] = { "", "/", "/24", "192.0.2.0/",
		"192.0.2.0/33", "192.0.2.1/24", "2001:db8::/129",
		"2001:db8::1/64", "192.0.2/24", "example.org", "192.0.2.0/+1",
		"192.0.2.0/24/8", "local" };
	struct net_network n;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(net_network_parse(slice_str(rows[i]), &n),
		    PARSE_BAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(members),
		cmocka_unit_test(users_of_this_host),
		cmocka_unit_test(refused) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
