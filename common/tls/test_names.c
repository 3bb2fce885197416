#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tls/names.h"

static const char one[] = "1", two[] = "2", three[] = "3", four[] = "4";

static void
found(void **state)
{
	static const struct {
		const char	*ask, *what;	/* what: in order */
	} rows[] = {
		{ "mx.example.org", "13" }, { "MX.Example.ORG", "13" },
		{ "mx.example.org.", "13" }, { "example.org", "2" },
		{ "any.example.org", "4" }, { "a.b.example.org", "" },
		{ ".example.org", "" }, { "*.example.org", "" },
		{ "org", "" }, { "", "" }, { ".", "" }, { "..", "" },
		{ "\xff\xfe", "" }, { "mx.example.or", "" },
		{ "mx.example.orgg", "" }, { "b.example.net", "2" },
	};
	struct tls_names names = { 0 };
	const struct tls_named *at;
	char host[600];

	(void)state;
	assert_int_equal(tls_names_find(&names, "x", &at), 0);
	assert_int_equal(tls_names_add(&names, "mx.example.org", one), 0);
	assert_int_equal(tls_names_add(&names, "example.org", two), 0);
	assert_int_equal(tls_names_add(&names, "mx.example.org", three), 0);
	assert_int_equal(tls_names_add(&names, "*.example.org", four), 0);
	assert_int_equal(tls_names_add(&names, "b.example.net", two), 0);
	tls_names_sort(&names);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = tls_names_find(&names, rows[i].ask, &at);

		assert_int_equal(n, strlen(rows[i].what));
		for (size_t k = 0; k < n; k++)
			assert_int_equal(*(const char *)at[k].what,
			    rows[i].what[k]);
	}
	memset(host, 'a', sizeof(host));
	host[sizeof(host) - 1] = '\0';
	assert_int_equal(tls_names_find(&names, host, &at), 0);
	host[254] = '\0';
	assert_int_equal(tls_names_find(&names, host, &at), 0);
	host[253] = '\0';
	assert_int_equal(tls_names_find(&names, host, &at), 0);
	tls_names_clear(&names);
}

/* Sorted against a plain search, with many. */
static void
many(void **state)
{
	static char text[500][24];
	struct tls_names names = { 0 };
	const struct tls_named *at;

	(void)state;
	for (int i = 0; i < 500; i++) {
		snprintf(text[i], sizeof(text[i]), "h%d.example.org",
		    i * 7919 % 500);
		assert_int_equal(tls_names_add(&names, text[i], text[i]), 0);
	}
	tls_names_sort(&names);
	for (int i = 0; i < 500; i++) {
		assert_int_equal(tls_names_find(&names, text[i], &at), 1);
		assert_ptr_equal(at->what, text[i]);
	}
	tls_names_clear(&names);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
