#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "common/accounts/username.h"

#define S(s) SLICE_LITERAL(s)
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
grammar(void **state)
{
	static const struct {
		struct slice	 in;
		const char	*canonical;	/* NULL: refused */
	} cases[] = {
		{ S("bob"), "bob" },
		{ S("Bob@Example.ORG"), "bob@example.org" },
		{ S("o'brien+x_y-z=1.2@a-b.c"), "o'brien+x_y-z=1.2@a-b.c" },
		{ S("7@7"), "7@7" },
		{ S("a@[IPv6:2001:DB8::1]"), "a@[ipv6:2001:db8::1]" },
		{ S(A64), A64 },
		{ S(A64 "a"), NULL },
		{ S("a@" L63), "a@" L63 },
		{ S("a@" L63 "a"), NULL },
		{ S("a@" L63 "." L63 "." L63 "." L63),
		    "a@" L63 "." L63 "." L63 "." L63 },
		{ S("a@" L63 "." L63 "." L63 "." L63 ".a"), NULL },
		{ S(""), NULL },
		{ S("@"), NULL },
		{ S("a@"), NULL },
		{ S("@a"), NULL },
		{ S("a@b@c"), NULL },
		{ S("a..b"), NULL },
		{ S(".a"), NULL },
		{ S("a."), NULL },
		{ S("-a"), NULL },
		{ S("+a"), NULL },
		{ S("a/b"), NULL },
		{ S("../a"), NULL },
		{ S("a%b"), NULL },
		{ S("a b"), NULL },
		{ S("a\tb"), NULL },
		{ S("a\0b"), NULL },
		{ S("a\n"), NULL },
		{ S("a\x7f"), NULL },
		{ S("\xc3\xa9"), "\xc3\xa9" },
		{ S("J\xc3\x96rg.x@B\xc3\xbc" "cher.example"),
		    "j\xc3\xb6rg.x@xn--bcher-kva.example" },
		{ S("o\xcc\x88"), "\xc3\xb6" },
		{ S("\xcc\x88@x"), "\xcc\x88@x" },
		{ S("a\xff"), NULL },
		{ S("a\xc3"), NULL },
		{ S("a\xc2\x85@x"), NULL },
		{ S("\xe2\x80\xa8@x"), NULL },
		{ S("\xc3\xb6..a"), NULL },
		{ S("\xc3\xb6."), NULL },
		{ S("a@b\0c"), NULL },
		{ S("a@b c"), NULL },
		{ S("a@b..c"), NULL },
		{ S("a@.b"), NULL },
		{ S("a@b."), NULL },
		{ S("a@-b"), NULL },
		{ S("a@b-"), NULL },
		{ S("a@b-.c"), NULL },
		{ S("a@[1.2.3.4"), NULL },
		{ S("a@[]"), NULL },
		{ S("a@[a/b]"), NULL },
		{ S("\"a\"@b"), NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[USERNAME_SIZE];
		int r = username_canonical(cases[i].in, out);

		if ((r == 0) != (cases[i].canonical != NULL))
			fail_msg("case %zu: %d", i, r);
		assert_string_equal(out, r == 0 ? cases[i].canonical : "");
	}
}

/* Each octet at each place: only the listed ones are ever taken. */
static void
every_octet(void **state)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+='";

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		char name[3] = { 'x', (char)c, 'y' };
		bool want = c != 0 && strchr(allowed, (int)c) != NULL;

		assert_int_equal(username_local_valid(slice_of(name, 3)),
		    want);
	}
}

static void
addresses(void **state)
{
	static const struct {
		struct slice	 in;
		const char	*local, *domain;	/* NULL: refused */
	} cases[] = {
		{ S("bob@example.org"), "bob", "example.org" },
		{ S("postmaster"), "postmaster", "" },
		{ S("\"bob\"@example.org"), "bob", "example.org" },
		{ S("\"b\\ob\"@example.org"), "bob", "example.org" },
		{ S("\"b\\\"b\"@x"), "b\"b", "x" },
		{ S("\"a@b\"@c"), "a@b", "c" },
		{ S("\"a@b\""), "a@b", "" },
		{ S("a@b@c"), "a@b", "c" },
		{ S("Joe%b@c"), "Joe%b", "c" },
		{ S("a@[127.0.0.1]"), "a", "[127.0.0.1]" },
		{ S(""), NULL, NULL },
		{ S("@x"), NULL, NULL },
		{ S("a@"), NULL, NULL },
		{ S("\"\"@x"), NULL, NULL },
		{ S("\"@x"), NULL, NULL },
		{ S("\"a@x"), NULL, NULL },
		{ S("\"a\\\"@x"), NULL, NULL },
		{ S("\"a\"b\"@x"), NULL, NULL },
		{ S("a\r\n@x"), NULL, NULL },
		{ S("a\0@x"), NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char local[USERNAME_UNQUOTED_SIZE];
		struct username part;

		if (address_parts(cases[i].in, local, &part) != PARSE_OK) {
			if (cases[i].local != NULL)
				fail_msg("case %zu was refused", i);
			continue;
		}
		if (cases[i].local == NULL)
			fail_msg("case %zu was taken", i);
		assert_true(slice_equal(part.local,
		    slice_str(cases[i].local)));
		assert_true(slice_equal(part.domain,
		    slice_str(cases[i].domain)));
	}
}

/* At the edge of its buffer and past it. */
static void
long_addresses(void **state)
{
	char in[2 * USERNAME_MAX + 8], local[USERNAME_UNQUOTED_SIZE];
	struct username part;

	(void)state;
	for (size_t n = 1; n <= 2 * USERNAME_MAX; n++) {
		memset(in, 'a', n);
		memcpy(in + n, "@x", 2);
		assert_int_equal(address_parts(slice_of(in, n + 2), local,
		    &part), n <= USERNAME_UNQUOTED_SIZE ? PARSE_OK :
		    PARSE_BAD);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grammar),
		cmocka_unit_test(every_octet),
		cmocka_unit_test(addresses),
		cmocka_unit_test(long_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
