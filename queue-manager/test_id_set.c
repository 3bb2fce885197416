#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "queue-manager/id_set.h"

static void
test_empty(void **state)
{
	struct id_set s = { 0 };

	(void)state;
	assert_false(id_set_has(&s, 1));
	id_set_remove(&s, 1);
	id_set_clear(&s);
}

/* Against an array of flags, with many in one run of slots. */
static void
test_random(void **state)
{
	enum { IDS = 3000, STEPS = 200000 };
	static unsigned char there[IDS + 1];
	struct id_set s = { 0 };
	size_t n = 0;
	uint32_t x = 12345;

	(void)state;
	for (int i = 0; i < STEPS; i++) {
		x = x * 1664525 + 1013904223;
		uint64_t id = x / 65536 % IDS + 1;

		assert_int_equal(id_set_has(&s, id), there[id]);
		if (x % 3 != 0) {
			assert_int_equal(id_set_add(&s, id), 0);
			n += !there[id];
			there[id] = 1;
		} else {
			id_set_remove(&s, id);
			n -= there[id];
			there[id] = 0;
		}
		assert_int_equal(s.n, n);
	}
	for (uint64_t id = 1; id <= IDS; id++)
		assert_int_equal(id_set_has(&s, id), there[id]);
	id_set_clear(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
