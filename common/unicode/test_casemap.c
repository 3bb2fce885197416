/* RFC 5051: what is equal without regard to case, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/unicode/casemap.h"

static const char *
map(const char *s, char to[256])
{
	struct text t = text_in(to, 255);

	casemap(slice_str(s), &t);
	assert_false(t.cut);
	to[t.len] = '\0';
	return to;
}

static void
test_equal(void **state)
{
	static const struct {
		const char	*a, *b;
		bool		 equal;
	} table[] = {
		{ "Hello", "hELLO", true }, { "a", "b", false }, { "", "", true },
		{ "\xc3\xa4rger", "\xc3\x84RGER", true },
		/* composed and decomposed */
		{ "\xc3\xa4", "a\xcc\x88", true },
		{ "\xce\xa3", "\xcf\x83", true },	/* sigma */
		{ "\xcf\x82", "\xcf\x83", true },	/* and its final form */
		{ "\xd0\x9f", "\xd0\xbf", true },	/* Cyrillic pe */
		{ "\xef\xac\x81", "fi", false },	/* ligature: U+FB01 */
		{ "\xef\xbc\xa1", "a", true },		/* full width A */
		{ "\xe1\x84\x80\xe1\x85\xa1", "\xea\xb0\x80", true },
		{ "\xff\xfe" "a", "\xff\xfe" "A", true }, /* no UTF-8 */
		{ "\xc3\xa4", "a", false },
	};
	char a[256], b[256];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if ((strcmp(map(table[i].a, a), map(table[i].b, b)) == 0) !=
		    table[i].equal)
			fail_msg("%zu: %s %s", i, a, b);
}

/* Cut into pieces before starters alone: marks of any number stay together. */
static void
test_long(void **state)
{
	char in[4096], a[40000], b[40000];
	struct text x = text_in(a, sizeof(a)), y = text_in(b, sizeof(b));

	(void)state;
	for (size_t i = 0; i < sizeof(in); i += 8)
		memcpy(in + i, "\xc3\xa4" "b\xcc\x88" "\xcc\xa3z", 8);
	for (size_t i = 0; i < sizeof(in); i += 8)
		casemap(slice_of(in + i, 8), &x);
	casemap(slice_of(in, sizeof(in)), &y);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(a, b, x.len);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
