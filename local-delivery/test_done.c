/* What was done is remembered, the newest of it, until it is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "local-delivery/done.h"

static void
remembers(void **state)
{
	struct done_table *t = done_table_new(3);
	struct done_before d = { .kept = true };

	(void)state;
	assert_null(done_table_find(t, 1, 1));
	done_table_set(t, 1, 1, &d);
	assert_true(done_table_find(t, 1, 1)->kept);
	assert_null(done_table_find(t, 1, 2));
	assert_null(done_table_find(t, 2, 1));
	d.forwarded = true;
	done_table_set(t, 1, 1, &d);
	assert_true(done_table_find(t, 1, 1)->forwarded);
	done_table_forget(t, 1, 1);
	done_table_forget(t, 1, 1);
	assert_null(done_table_find(t, 1, 1));
	done_table_free(t);
	done_table_free(NULL);
}

static void
forgets_the_oldest(void **state)
{
	struct done_table *t = done_table_new(3);
	struct done_before d = { 0 };

	(void)state;
	for (uint32_t i = 1; i <= 5; i++)
		done_table_set(t, 9, i, &d);
	assert_null(done_table_find(t, 9, 1));
	assert_null(done_table_find(t, 9, 2));
	for (uint32_t i = 3; i <= 5; i++)
		assert_non_null(done_table_find(t, 9, i));
	done_table_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembers),
		cmocka_unit_test(forgets_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
