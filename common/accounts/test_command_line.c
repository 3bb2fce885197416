/* Words as a shell would see them, and what only a shell can do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/accounts/command_line.h"

static void
words(void **state)
{
	static const struct {
		const char	*in;
		const char	*want[5];
	} rows[] = {
		{ "/bin/a", { "/bin/a" } },
		{ "  a  b\tc ", { "a", "b", "c" } },
		{ "a 'b c' \"d e\"", { "a", "b c", "d e" } },
		{ "a '' \"\"", { "a", "", "" } },
		{ "a b'c'\"d\"e", { "a", "bcde" } },
		{ "a \\'b\\ c", { "a", "'b c" } },
		{ "a \"b\\\"c\\\\\\d\"", { "a", "b\"c\\\\d" } },
		{ "a '$x `y` \\ *'", { "a", "$x `y` \\ *" } },
		{ "a b#c d~e", { "a", "b#c", "d~e" } },
		{ "sh -c 'exec b >c | d'", { "sh", "-c", "exec b >c | d" } },
		{ "a \\$b \"\\$c\"", { "a", "$b", "$c" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct command_line line;
		char room[100];

		assert_int_equal(command_line_split(slice_str(rows[i].in),
		    &line, room, sizeof(room)), COMMAND_OK);
		for (size_t k = 0; rows[i].want[k] != NULL; k++) {
			assert_true(k < line.argc);
			assert_string_equal(line.argv[k], rows[i].want[k]);
			assert_ptr_equal(line.argv[line.argc], NULL);
			if (rows[i].want[k + 1] == NULL)
				assert_int_equal(line.argc, k + 1);
		}
	}
}

static void
faults(void **state)
{
	static const struct {
		const char		*in;
		enum command_fault	 want;
	} rows[] = {
		{ "", COMMAND_EMPTY }, { "  ", COMMAND_EMPTY },
		{ "'' a", COMMAND_EMPTY }, { "a 'b", COMMAND_QUOTE_OPEN },
		{ "a \"b", COMMAND_QUOTE_OPEN }, { "a \\", COMMAND_QUOTE_OPEN },
		{ "a | b", COMMAND_NEEDS_SHELL }, { "a;b", COMMAND_NEEDS_SHELL },
		{ "a && b", COMMAND_NEEDS_SHELL }, { "a >b", COMMAND_NEEDS_SHELL },
		{ "a <b", COMMAND_NEEDS_SHELL }, { "a $b", COMMAND_NEEDS_SHELL },
		{ "a `b`", COMMAND_NEEDS_SHELL }, { "a *", COMMAND_NEEDS_SHELL },
		{ "a (b)", COMMAND_NEEDS_SHELL }, { "a \"$b\"", COMMAND_NEEDS_SHELL },
		{ "a \"`b`\"", COMMAND_NEEDS_SHELL }, { "a #b", COMMAND_NEEDS_SHELL },
		{ "a ~/b", COMMAND_NEEDS_SHELL }, { "a b?", COMMAND_NEEDS_SHELL },
		{ "a [b]", COMMAND_NEEDS_SHELL },
	};
	struct command_line line;
	char room[100];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (command_line_split(slice_str(rows[i].in), &line, room,
		    sizeof(room)) != rows[i].want)
			fail_msg("%s", rows[i].in);
	assert_int_equal(command_line_split(slice_of("a 'b\0c'", 7), &line,
	    room, sizeof(room)), COMMAND_NEEDS_SHELL);
}

static void
limits(void **state)
{
	struct command_line line;
	char text[2 * COMMAND_WORDS_MAX + 3], room[500];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 2 == 0 ? 'a' : ' ';
	assert_int_equal(command_line_split(slice_of(text,
	    2 * COMMAND_WORDS_MAX), &line, room, sizeof(room)), COMMAND_OK);
	assert_int_equal(line.argc, COMMAND_WORDS_MAX);
	assert_int_equal(command_line_split(slice_of(text,
	    2 * COMMAND_WORDS_MAX + 1), &line, room, sizeof(room)),
	    COMMAND_TOO_LONG);
	assert_int_equal(command_line_split(slice_str("abc"), &line, room, 4),
	    COMMAND_OK);
	assert_int_equal(command_line_split(slice_str("abc"), &line, room, 3),
	    COMMAND_TOO_LONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words), cmocka_unit_test(faults),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
