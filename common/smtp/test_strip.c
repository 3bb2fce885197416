#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <bsd/string.h>

#include "common/smtp/strip.h"

static const struct {
	const char *in, *want;
} rows[] = {
	{ "", "" },
	{ "A: 1\r\n\r\nbody", "A: 1\r\n\r\nbody" },
	{ "A: 1\r\nBcc: x@y\r\nB: 2\r\n\r\nb", "A: 1\r\nB: 2\r\n\r\nb" },
	{ "bCC : x@y,\r\n z@y\r\n\tw@y\r\nB: 2\r\n\r\n", "B: 2\r\n\r\n" },
	{ "Resent-Bcc:\r\nA: 1\r\n\r\n", "A: 1\r\n\r\n" },
	{ "Bcc: a\r\nBcc: b\r\n\r\nBcc: c\r\n", "\r\nBcc: c\r\n" },
	{ "A: 1\r\n two\r\nBcc: a\r\n\r\n", "A: 1\r\n two\r\n\r\n" },
	/* No header section, or what ends it. */
	{ "\r\nBcc: a\r\n", "\r\nBcc: a\r\n" },
	{ "Dear all\r\nBcc: a\r\n", "Dear all\r\nBcc: a\r\n" },
	{ "A: 1\r\nbcc me\r\nBcc: a\r\n", "A: 1\r\nbcc me\r\nBcc: a\r\n" },
	/* Other names. */
	{ "Bcc2: a\r\nX-Bcc: a\r\nBc: a\r\n\r\n",
	    "Bcc2: a\r\nX-Bcc: a\r\nBc: a\r\n\r\n" },
	/* The end of the message inside its header section. */
	{ "A: 1\r\nBcc: a", "A: 1\r\n" },
	{ "Bcc: a\r\n", "" },
	{ " folded first\r\nBcc: a\r\nA: 1\r\n",
	    " folded first\r\nA: 1\r\n" },
};

static void
test_rows(void **state)
{
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlcpy(text, rows[i].in, sizeof(text));

		len = smtp_strip_bcc(text, len);
		assert_int_equal(len, strlen(rows[i].want));
		assert_memory_equal(text, rows[i].want, len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
