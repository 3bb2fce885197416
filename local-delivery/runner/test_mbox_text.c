/* ">From " quoting over any division, and the line in front. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "local-delivery/runner/runner.h"

static void
quoting(void **state)
{
	static const char in[] = "From a\nFro\nFrom\nFrom \n>From b\n"
	    ">>From c\n From d\nxFrom e\n\nFrFrom f\n>x\n>>>From g\nFrom";
	static const char want[] = ">From a\nFro\nFrom\n>From \n>>From b\n"
	    ">>>From c\n From d\nxFrom e\n\nFrFrom f\n>x\n>>>>From g\nFrom";

	(void)state;
	for (size_t a = 0; a < sizeof(in); a++)
		for (size_t b = a; b < sizeof(in); b++) {
			struct from_quoting q = { 0 };
			char out[300];
			size_t n = from_quote(&q, in, a, out);

			n += from_quote(&q, in + a, b - a, out + n);
			n += from_quote(&q, in + b, sizeof(in) - 1 - b,
			    out + n);
			n += from_quote_end(&q, out + n);
			out[n] = '\0';
			assert_string_equal(out, want);
			if (b == sizeof(in) - 1)
				break;
		}
}

static void
room(void **state)
{
	/* The worst that can be: nothing but such lines. */
	static char in[6000], out[6000 + 16 + 6000 / 5];
	struct from_quoting q = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = "From \n"[i % 6];
	assert_int_equal(from_quote(&q, in, sizeof(in), out), 7000);
}

static void
first_line(void **state)
{
	char out[FROM_LINE_MAX];

	(void)state;
	out[from_line(SLICE_LITERAL("a@b"), 1795248000, out)] = '\0';
	assert_string_equal(out, "From a@b Sat Nov 21 08:00:00 2026\n");
	out[from_line(SLICE_LITERAL(""), 0, out)] = '\0';
	assert_string_equal(out,
	    "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n");
	out[from_line(SLICE_LITERAL("\"a b\"@c"), 0, out)] = '\0';
	assert_string_equal(out, "From \"a-b\"@c Thu Jan  1 00:00:00 1970\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quoting), cmocka_unit_test(room),
		cmocka_unit_test(first_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
