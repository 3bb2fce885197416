#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "smtpd/policy/greylist.h"

static const struct greylist_times times = { 300, 86400, 3000000 };

static uint64_t
try(struct greylist *g, uint64_t now, const char *client, const char *from,
    const char *to)
{
	struct net_address a;

	assert_int_equal(net_address_parse(slice_str(client), &a), PARSE_OK);
	return greylist_try(g, &times, now, &a, slice_str(from),
	    slice_str(to));
}

static void
life(void **state)
{
	struct greylist *g = greylist_new(100);

	(void)state;
	assert_int_equal(try(g, 1000, "192.0.2.1", "a@x", "b@y"), 300);
	assert_int_equal(try(g, 1100, "192.0.2.1", "a@x", "b@y"), 200);
	assert_int_equal(try(g, 1299, "192.0.2.1", "a@x", "b@y"), 1);
	/* Another recipient, sender or network begins anew. */
	assert_int_equal(try(g, 1300, "192.0.2.1", "a@x", "c@y"), 300);
	assert_int_equal(try(g, 1300, "192.0.2.1", "b@x", "b@y"), 300);
	assert_int_equal(try(g, 1300, "192.0.3.1", "a@x", "b@y"), 300);
	/* From a neighbour, in other letters, with another number: the same. */
	assert_int_equal(try(g, 1300, "192.0.2.99", "A@X", "B@Y"), 0);
	/* And from then on the whole network is known. */
	assert_int_equal(try(g, 1301, "192.0.2.7", "q@z", "r@y"), 0);
	assert_int_equal(greylist_passed(g), 1);
	assert_int_equal(try(g, 1301 + 2999999, "192.0.2.7", "q@z", "r"), 0);
	assert_int_equal(try(g, 1301 + 2 * 2999999, "192.0.2.7", "q@z", "r"),
	    0);
	assert_int_equal(try(g, 1301 + 3 * 2999999 + 2, "192.0.2.7", "q@z",
	    "r"), 300);
	greylist_free(g);
	greylist_free(NULL);
}

static void
senders(void **state)
{
	struct greylist *g = greylist_new(100);

	(void)state;
	try(g, 1, "192.0.2.1", "list-123-return@x", "b@y");
	assert_int_equal(try(g, 400, "192.0.2.1", "list-456-return@x", "b@y"),
	    0);
	try(g, 400, "192.0.3.1", "srs0=ab=cd@x", "b@y");
	assert_int_equal(try(g, 800, "192.0.3.1", "srs0=xy@x", "b@y"), 0);
	try(g, 800, "2001:db8::1", "", "b@y");
	assert_int_equal(try(g, 1200, "2001:db8::ffff:1", "", "b@y"), 0);
	/* Sender and recipient are two things, not one after the other. */
	try(g, 1200, "192.0.4.1", "a@xb", "@y");
	assert_int_equal(try(g, 1600, "192.0.4.1", "a@x", "b@y"), 300);
	greylist_free(g);
}

static void
window(void **state)
{
	struct greylist *g = greylist_new(100);

	(void)state;
	try(g, 1, "192.0.2.1", "a@x", "b@y");
	assert_int_equal(try(g, 1 + 86401, "192.0.2.1", "a@x", "b@y"), 300);
	greylist_free(g);
}

/* Memory does not grow, and a flood of strangers drives out no acquaintance. */
static void
bounded(void **state)
{
	struct greylist *g = greylist_new(50);
	char client[32];

	(void)state;
	try(g, 1, "192.0.2.1", "a@x", "b@y");
	assert_int_equal(try(g, 500, "192.0.2.1", "a@x", "b@y"), 0);
	for (int i = 0; i < 10000; i++) {
		snprintf(client, sizeof(client), "10.%d.%d.1", i / 200,
		    i % 200);
		assert_int_equal(try(g, 501, client, "s@x", "b@y"), 300);
	}
	assert_int_equal(greylist_waiting(g), 50);
	assert_int_equal(try(g, 502, "192.0.2.9", "new@x", "b@y"), 0);
	/* Those that pass are bounded as well. */
	for (int i = 0; i < 200; i++) {
		snprintf(client, sizeof(client), "172.16.%d.1", i);
		try(g, 600, client, "s@x", "b@y");
		assert_int_equal(try(g, 1000, client, "s@x", "b@y"), 0);
	}
	assert_int_equal(greylist_passed(g), 50);
	greylist_free(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(life),
		cmocka_unit_test(senders),
		cmocka_unit_test(window),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
