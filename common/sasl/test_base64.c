/* The examples of RFC 4648 section 10, both ways, and near misses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/sasl/base64.h"

static void
test_base64(void **state)
{
	static const struct {
		const char *in, *want;	/* NULL: refused */
	} rows[] = {
		{ "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" },
		{ "Zm9v", "foo" }, { "Zm9vYg==", "foob" },
		{ "Zm9vYmFy", "foobar" }, { "Zg=", NULL }, { "Zg", NULL },
		{ "Zh==", NULL }, { "Zm9=", NULL }, { "Zg==Zg==", NULL },
		{ "Zm9 ", NULL }, { "====", NULL }, { "Z===", NULL },
		{ "Zm9v\n", NULL }, { "=m9v", NULL },
	};
	char out[64];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int r = sasl_base64_decode(slice_str(rows[i].in), out, &len);

		assert_int_equal(r, rows[i].want != NULL ? 0 : -1);
		if (r == 0)
			assert_true(slice_equal(slice_of(out, len),
			    slice_str(rows[i].want)));
		if (r == -1)
			continue;
		len = sasl_base64_encode(slice_str(rows[i].want), out);
		assert_true(slice_equal(slice_of(out, len),
		    slice_str(rows[i].in)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_base64) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
