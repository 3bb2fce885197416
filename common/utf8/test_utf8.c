#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "common/utf8/utf8.h"

/* Every code point there and back; every shorter piece of it is none. */
static void
every_character(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x120000; c++) {
		char out[4];
		size_t n = utf8_put(c, out);
		uint32_t back;

		if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
			assert_int_equal(n, 0);
			assert_false(utf8_is_name_character(c));
			continue;
		}
		assert_int_equal(utf8_take(slice_of(out, n), &back), n);
		assert_int_equal(back, c);
		for (size_t cut = 0; cut < n; cut++)
			assert_int_equal(utf8_take(slice_of(out, cut), &back),
			    0);
		assert_int_equal(utf8_non_ascii(slice_of(out, n)),
		    utf8_is_name_character(c) ? n : 0);
	}
}

/* All pairs and some longer ones: only what is well-formed is taken. */
static void
hostile(void **state)
{
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80",
		"\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
		"\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe", "\xff",
		"\xc3(", "\xe4\xbd(", "\xf0\x9f\x98(" };
	uint32_t c;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		/* exact size, so that a sanitizer sees a read past the end */
		size_t len = strlen(bad[i]);
		char *s = malloc(len);

		memcpy(s, bad[i], len);
		assert_int_equal(utf8_take(slice_of(s, len), &c), 0);
		assert_false(utf8_is_valid(slice_of(s, len)));
		free(s);
	}
	assert_int_equal(utf8_take(slice_of("", 0), &c), 0);
	assert_true(utf8_is_valid(slice_of("", 0)));
}

/* What some take for the end of a line, or for nothing, is in no name. */
static void
names(void **state)
{
	static const struct {
		uint32_t c;
		bool	 name;
	} rows[] = {
		{ 'a', false }, { 0x7f, false }, { 0x85, false },
		{ 0x9f, false }, { 0xa0, true }, { 0xe5, true },
		{ 0x2028, false }, { 0x2029, false }, { 0xfdd0, false },
		{ 0xfffd, true }, { 0xfffe, false }, { 0xffff, false },
		{ 0x1f600, true }, { 0x1fffe, false }, { 0x10ffff, false },
		{ 0x10fffd, true }, { UINT32_MAX, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_true(utf8_is_name_character(rows[i].c) ==
		    rows[i].name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_character),
		cmocka_unit_test(hostile),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
