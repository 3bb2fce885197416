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
		enum idn_words	 bare;
	} cases[] = {
		{ S(""), "", 0 },
		{ S("plain@x.example 7\r\n"), "plain@x.example 7\r\n", 0 },
		{ S(U " local\n"), A " local\n", 0 },
		{ S("x alias of " U), "x alias of " A, 0 },
		{ S("a@" U ": b@" U ",c@" U ", d\n"),
		    "a@" A ": b@" A ",c@" A ", d\n", 0 },
		{ S("@" U ": @" U "\n"), "@" A ": @" A "\n", 0 },
		{ S("." U " r\nfrom:." U " r\nfrom:" U " r\n"),
		    "." A " r\nfrom:." A " r\nfrom:" A " r\n", 0 },
		{ S("# " U "\n \t# " U "\n"), "# " U "\n \t# " U "\n", 0 },
		{ S("x # " U "\n"), "x # " A "\n", 0 },
		/* Not a name: for the table's parser to refuse. */
		{ S("a@\xff.example\n"), "a@\xff.example\n", 0 },
		{ S("\xff@x.example \xff\n"), "\xff@x.example \xff\n", 0 },
		/* Local-parts: composed; what others are found by, small. */
		{ S("\xc3\x9c@x.example: \xc3\x9c@" U ", u\xcc\x88@x\n"
		    " \xc3\x9c@x\n\xc3\x9c@y\n"),
		    "\xc3\xbc@x.example: \xc3\x9c@" A ", \xc3\xbc@x\n"
		    " \xc3\x9c@x\n\xc3\xbc@y\n", 0 },
		{ S("\xc3\x9c: \xc3\x9c, \xc3\x9c@" U "\n@" U ": u\xcc\x88\n"),
		    "\xc3\xbc: \xc3\x9c, \xc3\x9c@" A "\n@" A ": \xc3\xbc\n",
		    IDN_WORDS_NAMES },
		{ S("from:\xc3\x9c@" U " r\n"), "from:\xc3\xbc@" A " r\n", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len;
		char *out = idn_text(cases[i].in, cases[i].bare, &len);

		assert_non_null(out);
		assert_int_equal(len, strlen(out));
		if (strcmp(out, cases[i].out) != 0)
			fail_msg("case %zu: %s", i, out);
		free(out);
	}
}

static void
locals(void **state)
{
	static const struct {
		struct slice	 in;
		const char	*out;		/* NULL: none */
	} cases[] = {
		{ S("Bob"), "bob" },
		{ S(""), "" },
		{ S("J\xc3\x96RG"), "j\xc3\xb6rg" },
		/* Decomposed, as some systems' file names and keyboards are. */
		{ S("Jo\xcc\x88rg"), "j\xc3\xb6rg" },
		{ S("\xce\x94\xce\x9f"), "\xce\xb4\xce\xbf" },
		/* A small letter that is longer than the capital one. */
		{ S("\xc8\xba"), "\xe2\xb1\xa5" },
		/* The sharp s is no double s, nor is any language asked. */
		{ S("\xc3\x9f"), "\xc3\x9f" },
		{ S("I\xc3\xb6"), "i\xc3\xb6" },
		/* Only compatible: two mailboxes. */
		{ S("\xef\xac\x81"), "\xef\xac\x81" },
		{ S("\xe7\x94\xa8\xe6\x88\xb7"), "\xe7\x94\xa8\xe6\x88\xb7" },
		{ S("\xff"), NULL }, { S("a\xc3"), NULL },
		{ S("\xed\xa0\x80"), NULL },
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int n = idn_local(cases[i].in, out, sizeof(out));

		if ((n == -1) != (cases[i].out == NULL) || (n != -1 &&
		    !slice_equal(slice_of(out, (size_t)n),
		    slice_str(cases[i].out))))
			fail_msg("case %zu: %.*s", i, n < 0 ? 0 : n, out);
	}
	assert_int_equal(idn_local(S("\xc8\xba"), out, 2), -1);
	assert_int_equal(idn_local(S("\xc8\xba"), out, 3), 3);
	assert_int_equal(idn_local(S("abc"), out, 2), -1);
}

static void
addresses(void **state)
{
	static const struct {
		const char	*in, *out;	/* NULL: no domain name */
	} cases[] = {
		{ "<a@" U ">", "a@" A },
		{ "<\xc3\xb6@B\xc3\x9c" "CHER.example>", "\xc3\xb6@" A },
		{ "<\xc3\xb6@[127.0.0.1]>", "\xc3\xb6@[127.0.0.1]" },
		{ "<a@a\xe2\x80\x8d" "b.example>", NULL },
		{ "<>", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct smtp_address a;
		size_t used;

		assert_int_equal(smtp_path_parse(slice_str(cases[i].in),
		    SMTP_PATH_REVERSE | SMTP_PATH_UTF8,
		    &smtp_path_limits_default, &a, &used, NULL), PARSE_OK);
		assert_int_equal(idn_address(&a), cases[i].out == NULL ? -1 :
		    0);
		if (cases[i].out != NULL)
			assert_true(slice_equal(smtp_address_slice(&a),
			    slice_str(cases[i].out)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains),
		cmocka_unit_test(texts),
		cmocka_unit_test(locals),
		cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
