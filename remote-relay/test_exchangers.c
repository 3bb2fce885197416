/* In which order mail exchangers are tried, and which are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote-relay/exchangers.h"

static uint32_t
any(uint32_t n)
{
	return (uint32_t)random() % n;
}

static void
add(struct exchangers *x, uint16_t preference, const char *name)
{
	exchangers_add(x, preference, slice_str(name));
}

static void
test_order(void **state)
{
	unsigned first[3] = { 0 };

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct exchangers x = { 0 };

		add(&x, 20, "later");
		add(&x, 10, "a");
		add(&x, 0, "best");
		add(&x, 10, "b");
		add(&x, 10, "c");
		exchangers_order(&x, any);
		assert_int_equal(x.n, 5);
		assert_string_equal(x.at[0].name, "best");
		assert_string_equal(x.at[4].name, "later");
		first[x.at[1].name[0] - 'a']++;
	}
	for (int i = 0; i < 3; i++)
		assert_in_range(first[i], 850, 1150);
}

static void
test_many(void **state)
{
	struct exchangers x = { 0 };
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "mx%u", i);
		add(&x, (uint16_t)(1000 - i), name);
	}
	exchangers_order(&x, any);
	assert_int_equal(x.n, EXCHANGERS_MAX);
	for (unsigned i = 0; i < x.n; i++)
		assert_int_equal(x.at[i].preference, i + 1);
}

static void
test_null(void **state)
{
	struct exchangers x = { 0 };

	(void)state;
	add(&x, 0, "");
	exchangers_order(&x, any);
	assert_true(x.null && x.n == 0);
	add(&x, 10, "mx");	/* RFC 7505 section 3: then it is none */
	exchangers_order(&x, any);
	assert_true(!x.null && x.n == 1);
}

static void
test_self(void **state)
{
	struct exchangers x = { 0 };

	(void)state;
	assert_false(exchangers_cut_self(&x));
	add(&x, 5, "good");
	add(&x, 10, "equal");
	add(&x, 10, "us");
	add(&x, 20, "worse");
	exchangers_order(&x, any);
	assert_false(exchangers_cut_self(&x));
	assert_int_equal(x.n, 4);
	for (unsigned i = 0; i < x.n; i++)
		x.at[i].self = strcmp(x.at[i].name, "us") == 0;
	assert_false(exchangers_cut_self(&x));
	assert_int_equal(x.n, 1);
	x.at[0].self = true;
	assert_true(exchangers_cut_self(&x));
	assert_int_equal(x.n, 0);
}

static void
test_interleave(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "", "" }, { "4", "4" }, { "6", "6" }, { "46", "64" },
		{ "4446", "6444" }, { "444666", "646464" },
		{ "666664", "646666" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct exchanger e = { 0 };

		for (const char *p = rows[i].in; *p != '\0'; p++)
			e.addresses[e.n_addresses++].family =
			    *p == '4' ? NET_IPV4 : NET_IPV6;
		exchanger_interleave(&e);
		for (unsigned k = 0; k < e.n_addresses; k++)
			assert_int_equal(e.addresses[k].family,
			    rows[i].want[k] == '4' ? NET_IPV4 : NET_IPV6);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_self),
		cmocka_unit_test(test_interleave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
