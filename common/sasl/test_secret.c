#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/sasl/secret.h"

#define DIGITS "000102030405060708090a0b0c0d0e0f"

static void
texts(void **state)
{
	static const struct {
		const char	*text;
		int		 result;
		bool		 there;
	} rows[] = {
		{ "", 0, false },
		{ "%version 1\n", 0, false },
		{ "%version 1\n" DIGITS DIGITS "\n", 0, true },
		{ DIGITS DIGITS, 0, true },
		{ "%version 2\n" DIGITS DIGITS "\n", -1, false },
		{ DIGITS "\n", -1, false },
		{ DIGITS DIGITS "0\n", -1, false },
		{ DIGITS DIGITS "\n" DIGITS DIGITS "\n", -1, false },
	};
	struct sasl_secret s;
	struct table_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(sasl_secret_compile(slice_str(rows[i].text),
		    &s, &err), rows[i].result);
		assert_int_equal(s.there, rows[i].there);
		if (s.there)
			assert_int_equal(s.octets[17], 1);
		if (rows[i].result == -1)
			assert_null(strstr(err.text, "0001"));
	}
}

static void
made(void **state)
{
	char text[2][SASL_SECRET_TEXT];
	struct sasl_secret s[2];
	struct table_error err;

	(void)state;
	for (int i = 0; i < 2; i++) {
		sasl_secret_make(text[i]);
		assert_int_equal(sasl_secret_compile(slice_of(text[i],
		    sizeof(text[i])), &s[i], &err), 0);
		assert_true(s[i].there);
	}
	assert_memory_not_equal(s[0].octets, s[1].octets, SASL_SECRET_LEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(made),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
