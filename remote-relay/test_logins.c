/* The table relay-passwords. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "remote-relay/logins.h"

static void
test_rows(void **state)
{
	struct table_error err = { 0 };
	struct logins *l = logins_parse(slice_str("# comment\n"
	    "isp\tme@isp.example  a pass word\ndefault you  x\n"), &err);

	(void)state;
	assert_non_null(l);
	assert_string_equal(logins_find(l, "isp")->user, "me@isp.example");
	assert_string_equal(logins_find(l, "isp")->password, "a pass word");
	assert_string_equal(logins_find(l, "")->user, "you");
	assert_null(logins_find(l, "other"));
	assert_null(logins_find(NULL, "isp"));
	logins_free(l);
	l = logins_parse(slice_of("", 0), &err);
	assert_null(logins_find(l, ""));
	logins_free(l);
}

static void
test_refused(void **state)
{
	static const char *const rows[] = { "isp", "isp me", "isp me ",
		"isp me p\nisp you q",
		"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnop m p"
	};
	struct table_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		err = (struct table_error){ 0 };
		assert_null(logins_parse(slice_str(rows[i]), &err));
		assert_int_equal(err.line, i == 3 ? 2 : 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
