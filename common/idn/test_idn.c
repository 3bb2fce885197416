#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "common/idn/idn.h"

#define S(s) SLICE_LITERAL(s)

static void
domains(void **state)
{
	static const struct {
		struct slice	 in;
		const char	*out;		/* NULL: none */
	} cases[] = {
		{ S("Example.ORG"), "example.org" },
		{ S("[192.0.2.1]"), "[192.0.2.1]" },
		{ S("b\xc3\xbc" "cher.example"), "xn--bcher-kva.example" },
		{ S("B\xc3\x9c" "CHER.Example"), "xn--bcher-kva.example" },
		/* Decomposed: the same name. */
		{ S("bu\xcc\x88" "cher.example"), "xn--bcher-kva.example" },
		{ S("xn--bcher-kva.example"), "xn--bcher-kva.example" },
		{ S("\xe4\xbe\x8b\xe3\x81\x88.test"), "xn--r8jz45g.test" },
		/* Nontransitional: the sharp s is a letter of its own. */
		{ S("fa\xc3\x9f.de"), "xn--fa-hia.de" },
		{ S("\xff.example"), NULL },
		{ S("\xc3"), NULL },
		{ S("a\xe2\x80\x8d" "b.example"), NULL },
	};
	char big[IDN_DOMAIN_MAX * 5], out[IDN_DOMAIN_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int n = idn_domain(cases[i].in, out);

		if (cases[i].out == NULL) {
			assert_int_equal(n, -1);
			continue;
		}
		if (n == -1 || !slice_equal(slice_of(out, (size_t)n),
		    slice_str(cases[i].out)))
			fail_msg("case %zu: %.*s", i, n < 0 ? 0 : n, out);
	}
	memset(big, 'a', sizeof(big));
	assert_int_equal(idn_domain(slice_of(big, sizeof(big)), out), -1);
	assert_int_equal(idn_domain(slice_of(big, IDN_DOMAIN_MAX), out),
	    IDN_DOMAIN_MAX);
	memset(big, '\xc3', sizeof(big));
	assert_int_equal(idn_domain(slice_of(big, sizeof(big)), out), -1);
}

#define U "b\xc3\xbc" "cher.example"
#define A "xn--bcher-kva.example"

static void
texts(void **state)
{
	static const struct {
		struct slice	 in;
		const char	*out;
	} cases[] = {
		{ S(""), "" },
		{ S("plain@x.example 7\r\n"), "plain@x.example 7\r\n" },
		{ S(U " local\n"), A " local\n" },
		{ S("x alias of " U), "x alias of " A },
		{ S("a@" U ": b@" U ",c@" U ", d\n"),
		    "a@" A ": b@" A ",c@" A ", d\n" },
		{ S("@" U ": @" U "\n"), "@" A ": @" A "\n" },
		{ S("." U " r\nfrom:." U " r\nfrom:" U " r\n"),
		    "." A " r\nfrom:." A " r\nfrom:" A " r\n" },
		{ S("# " U "\n \t# " U "\n"), "# " U "\n \t# " U "\n" },
		{ S("x # " U "\n"), "x # " A "\n" },
		/* Not a name: for the table's parser to refuse. */
		{ S("a@\xff.example\n"), "a@\xff.example\n" },
		{ S("\xc3\xbc@x.example\n"), "\xc3\xbc@x.example\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len;
		char *out = idn_text(cases[i].in, &len);

		assert_non_null(out);
		assert_int_equal(len, strlen(out));
		if (strcmp(out, cases[i].out) != 0)
			fail_msg("case %zu: %s", i, out);
		free(out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
