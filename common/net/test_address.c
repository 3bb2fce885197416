/* Addresses print, parse and count as one client where they are one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/address.h"
#include "common/net/clients.h"

static struct net_address
addr(const char *text)
{
	struct net_address a;

	assert_int_equal(net_address_parse(slice_str(text), &a), PARSE_OK);
	return a;
}

static void
test_print(void **state)
{
	static const struct {
		const char *in, *print, *literal;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", "192.0.2.1" },
		{ "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1" },
		{ "2001:DB8::1", "2001:db8::1", "IPv6:2001:db8::1" },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6",
		    "IPv6:2001:db8:1:2:3:4:5:6" },
	};
	char out[NET_ADDRESS_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_address a = addr(rows[i].in);

		assert_string_equal(net_address_print(&a, out), rows[i].print);
		assert_string_equal(net_address_literal(&a, out),
		    rows[i].literal);
	}
}

static void
test_bad(void **state)
{
	static const char *const rows[] = { "", "1.2.3", "1.2.3.256", "::g",
		"1.2.3.4 ", "[1.2.3.4]", "1:2:3:4:5:6:7:8:9", "01.2.3.4.5" };
	struct net_address a;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(net_address_parse(slice_str(rows[i]), &a),
		    PARSE_BAD);
	assert_int_equal(
	    net_address_parse(slice_of("1.2.3.4\0", 8), &a), PARSE_BAD);
}

static void
test_key(void **state)
{
	struct net_address a = addr("2001:db8:0:1::1"),
	    b = addr("2001:db8:0:1:ffff::2"), c = addr("2001:db8:0:2::1"),
	    d = addr("192.0.2.1"), e = addr("192.0.2.2");

	(void)state;
	assert_true(net_address_key(&a) == net_address_key(&b));
	assert_true(net_address_key(&a) != net_address_key(&c));
	assert_true(net_address_key(&d) != net_address_key(&e));
	b = d;
	b.port = 7;
	assert_true(net_address_key(&b) == net_address_key(&d));
}

static void
test_local(void **state)
{
	char out[NET_ADDRESS_SIZE], want[NET_ADDRESS_SIZE];
	struct net_address a;
	int sv[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(net_address_of_peer(&a, sv[0]), 0);
	assert_int_equal(a.family, NET_LOCAL);
	snprintf(want, sizeof(want), "uid=%lu", (unsigned long)getuid());
	assert_string_equal(net_address_print(&a, out), want);
	assert_true(net_address_is_local(&a));
	a = addr("127.9.9.9");
	assert_true(net_address_is_local(&a));
	a = addr("::1");
	assert_true(net_address_is_local(&a));
	a = addr("::2");
	assert_false(net_address_is_local(&a));
	close(sv[0]);
	close(sv[1]);
}

static void
test_clients(void **state)
{
	struct clients *t = clients_new(2);
	struct net_address a = addr("192.0.2.1"), b = addr("192.0.2.2"),
	    c = addr("192.0.2.3");
	struct client *ca, *cb;

	(void)state;
	ca = clients_enter(t, &a);
	assert_ptr_equal(clients_enter(t, &a), ca);
	assert_int_equal(ca->live, 2);
	cb = clients_enter(t, &b);
	assert_non_null(cb);
	/* Both hold connections: no place for a third. */
	assert_null(clients_enter(t, &c));
	clients_leave(t, cb);
	assert_int_equal(client_count(&ca->errors, 1, 1000, 60000), 1);
	assert_int_equal(client_count(&ca->errors, 0, 1500, 60000), 1);
	assert_int_equal(client_count(&ca->errors, 2, 60999, 60000), 3);
	assert_int_equal(client_count(&ca->errors, 1, 61000, 60000), 1);
	assert_int_equal(client_count(&ca->connections, 1, 61000, 60000), 1);
	/* The idle one is forgotten for it, counts and all. */
	assert_non_null(clients_enter(t, &c));
	assert_int_equal(clients_len(t), 2);
	assert_null(clients_enter(t, &b));
	clients_leave(t, ca);
	/* Still remembered while nobody needs the place. */
	assert_int_equal(clients_enter(t, &a)->errors.events, 1);
	clients_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_clients),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
