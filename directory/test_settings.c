#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "directory/settings.h"

/* Each printable character: only those that names may hold will do. */
static void
delimiters(void **state)
{
	(void)state;
	for (int i = '!'; i <= '~'; i++) {
		struct settings_errors errors = { 0 };
		char text[64], c = (char)i;
		struct settings *s;

		snprintf(text, sizeof(text), "detail_delimiter = \"%s%c\"\n",
		    c == '"' || c == '\\' ? "\\" : "", c);
		s = settings_parse(&directory_schema, slice_str(text),
		    &errors);
		if ((s != NULL) != (strchr("+-_=.", c) != NULL))
			fail_msg("%c: %s", c, errors.at[0]);
		settings_free(s);
	}
}

static void
none_and_too_many(void **state)
{
	struct settings_errors errors = { 0 };
	const struct directory_settings *v;
	struct settings *s;

	(void)state;
	s = settings_parse(&directory_schema,
	    SLICE_LITERAL("detail_delimiter = \"\"\n"), &errors);
	assert_non_null(s);
	v = settings_values(s);
	assert_string_equal(v->detail_delimiter, "");
	settings_free(s);
	assert_null(settings_parse(&directory_schema,
	    SLICE_LITERAL("detail_delimiter = +-\n"), &errors));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delimiters),
		cmocka_unit_test(none_and_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
