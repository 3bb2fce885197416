/* Strings in text that is cut at every octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "imapd/session/search_text.h"

static void
to(void *ctx, struct slice mapped)
{
	needle_feed(ctx, mapped);
}

static bool
finds(const char *needle, const char *text, size_t cut)
{
	struct mapping m = { .held_len = 0 };
	struct slice in = slice_str(text);
	struct arena arena = { 0 };
	struct needle n;
	bool found;

	assert_int_equal(needle_init(&n, slice_str(needle), &arena), 0);
	mapping_feed(&m, slice_of(in.at, cut), to, &n);
	mapping_feed(&m, slice_skip(in, cut), to, &n);
	mapping_end(&m, to, &n);
	found = n.found;
	arena_clear(&arena);
	return found;
}

static void
test_find(void **state)
{
	static const struct {
		const char	*needle, *text;
		bool		 found;
	} table[] = {
		{ "", "", true }, { "a", "", false }, { "AB", "xab", true },
		{ "abab", "ababAbab", true }, { "aab", "aaab", true },
		{ "köln", "in KÖLN", true }, { "ö", "o\xcc\x88", true },
		{ "Σ", "ς", true }, { "страна", "СТРАНА", true },
		{ "ö", "\xc3", false }, { "\xc3", "\xc3", true },
		{ "a", "\xff" "A\xc3", true }, { "😀", "x😀y", true },
		{ "№ 5", "Счёт № 5", true }, { "nº", "Factura Nº", true },
		{ "ﬁn", "FINE", true },
		{ "x", "\xf0\x9f", false }, { "ab", "a\xc3" "b", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (size_t cut = 0; cut <= strlen(table[i].text); cut++)
			if (finds(table[i].needle, table[i].text, cut) !=
			    table[i].found)
				fail_msg("%s in %s, cut at %zu",
				    table[i].needle, table[i].text, cut);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
