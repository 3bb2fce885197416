/* Seals: what is whole, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/mailbox/sealed.h"

static void
what_was_sealed_is_whole(void **state)
{
	char text[64] = "one\ntwo\n";
	struct slice in, line;

	(void)state;
	in = slice_of(text, seal_put(text, strlen(text)));
	assert_int_equal(in.len, 8 + SEAL_LEN);
	assert_true(seal_take(&in));
	assert_true(slice_equal(in, slice_str("one\ntwo\n")));
	assert_true(sealed_line(&in, &line));
	assert_true(slice_equal(line, slice_str("one")));
	assert_true(sealed_line(&in, &line));
	assert_true(slice_equal(line, slice_str("two")));
	assert_false(sealed_line(&in, &line));
	assert_int_equal(in.len, 0);
}

static void
nothing_can_be_sealed(void **state)
{
	char text[SEAL_LEN + 1];
	struct slice in = { text, seal_put(text, 0) }, line;

	(void)state;
	assert_true(seal_take(&in));
	assert_int_equal(in.len, 0);
	assert_false(sealed_line(&in, &line));
}

/* Cut anywhere, any one bit of it another. */
static void
what_is_damaged_is_not(void **state)
{
	char text[64] = "uid 0000000007\n";
	size_t len = seal_put(text, strlen(text));

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		struct slice in = slice_of(text, cut);

		assert_false(seal_take(&in));
		assert_int_equal(in.len, cut);
	}
	for (size_t bit = 0; bit < 8 * len; bit++) {
		struct slice in = slice_of(text, len);

		text[bit / 8] ^= (char)(1 << bit % 8);
		assert_false(seal_take(&in));
		text[bit / 8] ^= (char)(1 << bit % 8);
	}
}

static void
a_line_has_an_end(void **state)
{
	struct slice in = slice_str("no end"), line;

	(void)state;
	assert_false(sealed_line(&in, &line));
	assert_int_equal(in.len, 6);
	in = slice_str("\n");
	assert_true(sealed_line(&in, &line));
	assert_int_equal(line.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_sealed_is_whole),
		cmocka_unit_test(nothing_can_be_sealed),
		cmocka_unit_test(what_is_damaged_is_not),
		cmocka_unit_test(a_line_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
