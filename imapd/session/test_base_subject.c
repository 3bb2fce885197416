/* RFC 5256 section 2.1: what is left of a subject, and what it costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "imapd/session/base_subject.h"

static void
test_examples(void **state)
{
	static const struct {
		const char	*in, *want;
		bool		 reply;
	} table[] = {
		{ "", "", false }, { "   ", "", false }, { "a", "a", false },
		{ "Re: a", "a", true }, { "RE:a", "a", true },
		{ "re : a", "a", true }, { "Fwd: Fw: re: a", "a", true },
		{ "Re[2]: a", "a", true }, { "Re [2] : a", "a", true },
		{ "Re[2 a", "Re[2 a", false }, { "regard: a", "regard: a", false },
		{ "a  b\t c\r\n d", "a b c d", false },
		{ "a (fwd)", "a", true }, { "a (Fwd) (fwd)  ", "a", true },
		{ "(fwd)", "", true }, { "a(fwd)", "a", true },
		{ "[list] a", "a", false }, { "[list]a", "a", false },
		{ "[list] Re: a", "a", true }, { "Re: [list] a", "a", true },
		{ "[a] [b] Re: [c] Fwd: d", "d", true },
		{ "[a][b][c]", "[c]", false }, { "[a] [b]", "[b]", false },
		{ "[a]", "[a]", false }, { "Re: [a]", "[a]", true },
		{ "[a] Re:", "", true }, { "Re:", "", true },
		{ "[fwd: a]", "a", true }, { "[FWD: Re: a (fwd)]", "a", true },
		{ "[fwd: [fwd: a]]", "a", true }, { "[fwd:]", "", true },
		{ "[fwd: [list] a]", "a", true },
		{ "[x] [fwd: a]", "a", true }, { "[fwd: a] b", "b", false },
		{ "[fwd: a", "[fwd: a", false }, { "[a[b] c", "[a[b] c", false },
		{ "[a]b] c", "b] c", false }, { "][ a", "][ a", false },
		{ "Re: Re", "Re", true }, { "fw:a", "a", true },
		{ "fwda: b", "fwda: b", false }, { "re:re:", "", true },
		{ "\xc3\xa4 Re: x", "\xc3\xa4 Re: x", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *at = strdup(table[i].in);
		bool reply;
		struct slice got = base_subject(at, strlen(at), &reply, NULL);

		if (!slice_equal(got, slice_str(table[i].want)) ||
		    reply != table[i].reply)
			fail_msg("%s: \"%.*s\" %d", table[i].in, (int)got.len,
			    got.at, reply);
		free(at);
	}
}

static uint64_t
work(const char *unit, size_t n)
{
	size_t len = strlen(unit) * n;
	char *at = malloc(len);
	uint64_t steps = 0;
	bool reply;

	for (size_t i = 0; i < len; i++)
		at[i] = unit[i % strlen(unit)];
	(void)base_subject(at, len, &reply, &steps);
	free(at);
	return steps;
}

static void
test_growth(void **state)
{
	static const char *const units[] = { "[a]", "re:", "[fwd: ", "re[", "[",
		"(fwd)", " ", "[fwd:]", "fw [a] ", "[a] re: ", "]" };

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		uint64_t one = work(units[i], 5000), two = work(units[i], 10000);

		if (two > 5 * one / 2)
			fail_msg("%s: %llu, %llu", units[i],
			    (unsigned long long)one, (unsigned long long)two);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_growth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
