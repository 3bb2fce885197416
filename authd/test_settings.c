#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authd/settings.h"

static void
standard(void **state)
{
	struct settings_errors errors = { 0 };
	struct settings *s = settings_parse(&authd_schema, SLICE_LITERAL(""),
	    &errors);
	const struct authd_settings *v;

	(void)state;
	assert_non_null(s);
	v = settings_values(s);
	assert_int_equal(v->failure_delay, 2);
	assert_true(v->pam);
	assert_string_equal(v->pam_service, "bulkhead");
	settings_free(s);
}

static void
refused(void **state)
{
	static const struct {
		const char	*text, *why;
	} cases[] = {
		{ "pam_service = ../../tmp/x\n", "authd.conf:1: pam_service" },
		{ "pam_service = Bulkhead\n", "pam_service" },
		{ "pam_service = -x\n", "pam_service" },
		{ "pam_dir = pam.d\n", "pam_dir" },
		{ "pam_parallel = 17\n", "pam_parallel" },
		{ "failure_delay = 10s\nfailure_delay_max = 5s\n",
		    "authd.conf:2: failure_delay_max" },
		{ "failure_memory = 0\n", "failure_memory" },
		{ "logins_max = 0\n", "logins_max" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct settings_errors errors = { 0 };

		assert_null(settings_parse(&authd_schema,
		    slice_str(cases[i].text), &errors));
		if (errors.n != 1 ||
		    strstr(errors.at[0], cases[i].why) == NULL)
			fail_msg("case %zu: %zu, %s", i, errors.n,
			    errors.at[0]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(standard),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
