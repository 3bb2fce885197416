/* What a terminal is shown of a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "local-delivery/runner/terminal_text.h"

#define S(literal) SLICE_LITERAL(literal)

static void
shown(void **state)
{
	static const struct {
		struct slice	 message, path;
		const char	*want;
	} cases[] = {
		{ S("Received: x\n y\nFrom: a\nSubject: b\n c\nTo: d\n\nhello\n"),
		    S("a@b"), "\a\r\nMessage from a@b\r\nFrom: a\r\n"
		    "Subject: b\r\n c\r\n\r\nhello\r\nEOF\r\n" },
		{ S("subject: x\r\n\r\none\r\n"), S(""), "\a\r\nMessage from <>"
		    "\r\nsubject: x\r\n\r\none\r\nEOF\r\n" },
		{ S(""), S("a"), "\a\r\nMessage from a\r\n\r\nEOF\r\n" },
		{ S("\n\033[2J\a\b\x9b" "1m\xc2\x9b\xe2\x80\xae\tend"),
		    S("\033x"), "\a\r\nMessage from ?x\r\n\r\n"
		    "?[2J???1m?????\tend\r\nEOF\r\n" },
		{ S("\na\rb\n"), S("a"), "\a\r\nMessage from a\r\n\r\n"
		    "a?b\r\nEOF\r\n" },
	};
	char *out = malloc(TERMINAL_TEXT_MAX + 1);

	(void)state;
	assert_non_null(out);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		out[terminal_text(cases[i].message, cases[i].path, out)] =
		    '\0';
		assert_string_equal(out, cases[i].want);
	}
	free(out);
}

/* The longest that there can be fits, and says that it was cut. */
static void
bounded(void **state)
{
	static char big[64 * 1024], path[600];
	char *out = malloc(TERMINAL_TEXT_MAX);
	size_t n;

	(void)state;
	assert_non_null(out);
	memset(path, 'p', sizeof(path));
	for (int header = 0; header < 2; header++) {
		memset(big, 'x', sizeof(big));
		for (size_t i = 0; i + 7 < sizeof(big); i += 300)
			memcpy(big + i, header ? "\nFrom:y" : "\n\nbody", 7 -
			    (header ? 0 : 1));
		n = terminal_text(slice_of(big + 1, sizeof(big) - 1),
		    slice_of(path, sizeof(path)), out);
		assert_true(n <= TERMINAL_TEXT_MAX);
		assert_true(n > 5000);
	}
	memset(big, '\n', sizeof(big));
	n = terminal_text(slice_of(big, sizeof(big)), S("a"), out);
	assert_memory_equal(out + n - 7, "[cut]\r\n", 7);
	free(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shown),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
