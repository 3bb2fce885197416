/* The grammar of paths: RFC examples, limits, spellings, and round trips. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/smtp/address.h"

#define BOTH (SMTP_PATH_REVERSE | SMTP_PATH_FORWARD)

static const struct {
	const char *in, *want;	/* want NULL: refused with fault */
	unsigned flags;
	enum smtp_path_fault fault;
} paths[] = {
	/* RFC 5321 appendix D and section 4.1.2 */
	{ "<Smith@bar.com>", "Smith@bar.com", 0, 0 },
	{ "<@foo.com:Jones@XYZ.COM>", "Jones@xyz.com", 0, 0 },
	{ "<@hosta.int,@jkl.org:userc@d.bar.org>", "userc@d.bar.org", 0, 0 },
	{ "<\"Joe\\,Smith\"@example.com>", "\"Joe,Smith\"@example.com", 0, 0 },
	/* the null reverse-path and postmaster */
	{ "<>", "", SMTP_PATH_REVERSE, 0 },
	{ "<>", NULL, SMTP_PATH_FORWARD, SMTP_PATH_SYNTAX },
	{ "<postmaster>", "postmaster", SMTP_PATH_FORWARD, 0 },
	{ "<PostMaster>", "PostMaster", SMTP_PATH_FORWARD, 0 },
	{ "<postmaster>", NULL, SMTP_PATH_REVERSE, SMTP_PATH_SYNTAX },
	{ "<bob>", NULL, BOTH, SMTP_PATH_SYNTAX },
	/* letters of local-part and domain */
	{ "<John.Doe@Example.ORG>", "John.Doe@example.org", 0, 0 },
	{ "<a!b%c#d$e&f'g*h+i/j=k?l^m_n`o{p|q}r~s@x>",
	    "a!b%c#d$e&f'g*h+i/j=k?l^m_n`o{p|q}r~s@x", 0, 0 },
	{ "<user%example.net@example.org>", "user%example.net@example.org", 0,
	    0 },
	/* dots */
	{ "<.a@x>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<a.@x>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<a..b@x>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<a@x.>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<a@.x>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<a@x..y>", NULL, 0, SMTP_PATH_SYNTAX },
	/* quoting: as little as possible, all forms equal */
	{ "<\"a\"@x>", "a@x", 0, 0 },
	{ "<\"a.b\"@x>", "a.b@x", 0, 0 },
	{ "<\"\\a\\.\\b\"@x>", "a.b@x", 0, 0 },
	{ "<\"a b\"@x>", "\"a b\"@x", 0, 0 },
	{ "<\"a..b\"@x>", "\"a..b\"@x", 0, 0 },
	{ "<\"a\\\"b\"@x>", "\"a\\\"b\"@x", 0, 0 },
	{ "<\"a\\\\\"@x>", "\"a\\\\\"@x", 0, 0 },
	{ "<\"\"@x>", "\"\"@x", 0, 0 },
	{ "<\"a@b\"@x>", "\"a@b\"@x", 0, 0 },
	{ "<\"a>b\"@x>", "\"a>b\"@x", 0, 0 },
	{ "<\"a\\\"@x>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<\"a\\", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<\"a\"b@x>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<\"a\tb\"@x>", NULL, 0, SMTP_PATH_SYNTAX },
	/* domains */
	{ "<a@x-y.z1>", "a@x-y.z1", 0, 0 },
	{ "<a@-x>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<a@x->", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<a@x_y>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<a@>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<@x>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<a@b@c>", NULL, 0, SMTP_PATH_SYNTAX },
	/* literals */
	{ "<a@[123.255.37.2]>", "a@[123.255.37.2]", 0, 0 },
	{ "<a@[010.0.0.1]>", "a@[10.0.0.1]", 0, 0 },
	{ "<a@[1.2.3.256]>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<a@[1.2.3]>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<a@[1.2.3.4>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<a@[ipv6:2001:DB8:0:0:0:0:0:1]>", "a@[IPv6:2001:db8::1]", 0, 0 },
	{ "<a@[IPv6:::ffff:1.2.3.4]>", "a@[IPv6:::ffff:1.2.3.4]", 0, 0 },
	{ "<a@[IPv6:::1:2]>", "a@[IPv6:::0.1.0.2]", 0, 0 },
	{ "<a@[IPv6:1::2::3]>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<a@[IPv6:]>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<a@[2001:db8::1]>", "a@[2001:db8::1]", 0, 0 }, /* tag "2001" */
	{ "<a@[X-Tag:Ab!c]>", "a@[x-tag:Ab!c]", 0, 0 },
	{ "<a@[tag-:x]>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<a@[tag:]>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<a@[tag:a\\b]>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<a@[]>", NULL, 0, SMTP_PATH_SYNTAX },
	/* source routes */
	{ "<@a,@b:c@d>", "c@d", 0, 0 },
	{ "<@a,b:c@d>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<@a:@b:c@d>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<@a,:c@d>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<@:c@d>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<@a:postmaster>", "postmaster", SMTP_PATH_FORWARD, 0 },
	/* brackets */
	{ "a@b", NULL, 0, SMTP_PATH_SYNTAX },
	{ "a@b", "a@b", SMTP_PATH_BARE, 0 },
	{ "a@b SIZE=1", "a@b", SMTP_PATH_BARE, 0 },
	{ "a@b>", NULL, SMTP_PATH_BARE, SMTP_PATH_SYNTAX },
	{ "<a@b", NULL, SMTP_PATH_BARE, SMTP_PATH_SYNTAX },
	{ "< a@b>", NULL, 0, SMTP_PATH_SYNTAX },
	{ "<a@b >", NULL, 0, SMTP_PATH_SYNTAX },
	{ "", NULL, BOTH | SMTP_PATH_BARE, SMTP_PATH_SYNTAX },
	/* not ASCII */
	{ "<j\xc3\xb6rg@x>", NULL, 0, SMTP_PATH_NOT_ASCII },
	{ "<a@b\xc3\xbc" "cher.example>", NULL, 0, SMTP_PATH_NOT_ASCII },
	{ "<\"\xff\"@x>", NULL, 0, SMTP_PATH_NOT_ASCII },
	{ "<a\x7f@x>", NULL, 0, SMTP_PATH_SYNTAX },
	/* RFC 6531 section 3.3, where it is asked for */
	{ "<j\xc3\xb6rg@x>", "j\xc3\xb6rg@x", SMTP_PATH_UTF8, 0 },
	{ "<\xe4\xbd\xa0.\xe5\xa5\xbd@x>", "\xe4\xbd\xa0.\xe5\xa5\xbd@x",
	    SMTP_PATH_UTF8, 0 },
	{ "<\xf0\x9f\x98\x80@x>", "\xf0\x9f\x98\x80@x", SMTP_PATH_UTF8, 0 },
	{ "<a@b\xc3\xbc" "cher.Example>", "a@b\xc3\xbc" "cher.example",
	    SMTP_PATH_UTF8, 0 },
	{ "<@\xc3\xbc.x:a@b>", "a@b", SMTP_PATH_UTF8, 0 },
	{ "j\xc3\xb6rg@x SMTPUTF8", "j\xc3\xb6rg@x",
	    SMTP_PATH_UTF8 | SMTP_PATH_BARE, 0 },
	/* no more quoting than it needs */
	{ "<\"j\xc3\xb6rg\"@x>", "j\xc3\xb6rg@x", SMTP_PATH_UTF8, 0 },
	{ "<\"j\\\xc3\xb6rg\"@x>", "j\xc3\xb6rg@x", SMTP_PATH_UTF8, 0 },
	{ "<\"\xc3\xb6 \xc3\xb6\"@x>", "\"\xc3\xb6 \xc3\xb6\"@x",
	    SMTP_PATH_UTF8, 0 },
	/* not UTF-8: overlong, surrogate, cut short, past the end, alone */
	{ "<\xc0\xaf@x>", NULL, SMTP_PATH_UTF8, SMTP_PATH_SYNTAX },
	{ "<\xed\xa0\x80@x>", NULL, SMTP_PATH_UTF8, SMTP_PATH_SYNTAX },
	{ "<\xe4\xbd@x>", NULL, SMTP_PATH_UTF8, SMTP_PATH_SYNTAX },
	{ "<\xf4\x90\x80\x80@x>", NULL, SMTP_PATH_UTF8, SMTP_PATH_SYNTAX },
	{ "<\"\xff\"@x>", NULL, SMTP_PATH_UTF8, SMTP_PATH_SYNTAX },
	{ "<a@\xbf>", NULL, SMTP_PATH_UTF8, SMTP_PATH_SYNTAX },
	{ "<a@x\xc3", NULL, SMTP_PATH_UTF8, SMTP_PATH_SYNTAX },
	/* what ends a line for some: NEL, LINE SEPARATOR */
	{ "<a\xc2\x85@x>", NULL, SMTP_PATH_UTF8, SMTP_PATH_SYNTAX },
	{ "<a@x\xe2\x80\xa8>", NULL, SMTP_PATH_UTF8, SMTP_PATH_SYNTAX },
	{ "<\xef\xbf\xbf@x>", NULL, SMTP_PATH_UTF8, SMTP_PATH_SYNTAX },
	{ "<a@[\xc3\xb6:x]>", NULL, SMTP_PATH_UTF8, SMTP_PATH_SYNTAX },
};

static void
test_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		enum smtp_path_fault why;
		struct smtp_address a, again;
		size_t used;
		enum parse got = smtp_path_parse(slice_str(paths[i].in),
		    paths[i].flags, &smtp_path_limits_default, &a, &used, &why);

		if (paths[i].want == NULL) {
			if (got != PARSE_BAD || why != paths[i].fault)
				fail_msg("%s: taken, or fault %d", paths[i].in,
				    why);
			continue;
		}
		if (got != PARSE_OK || strlen(paths[i].want) != a.len ||
		    memcmp(a.text, paths[i].want, a.len) != 0)
			fail_msg("%s: %.*s", paths[i].in, (int)a.len, a.text);
		assert_int_equal(smtp_address_parse(smtp_address_slice(&a),
		    &again), PARSE_OK);
		assert_int_equal(again.kind, a.kind);
		assert_true(slice_equal(smtp_address_slice(&again),
		    smtp_address_slice(&a)));
	}
}

/* A path of so many octets of local-part and of domain. */
static enum smtp_path_fault
path_of(size_t local, size_t domain, const struct smtp_path_limits *limits)
{
	char in[1024];
	size_t n = 0, used;
	struct smtp_address a;
	enum smtp_path_fault why;

	in[n++] = '<';
	while (local-- > 0)
		in[n++] = 'l';
	in[n++] = '@';
	for (size_t i = 0; i < domain; i++)
		in[n++] = i % 50 == 49 && i + 1 < domain ? '.' : 'd';
	in[n++] = '>';
	smtp_path_parse(slice_of(in, n), 0, limits, &a, &used, &why);
	return why;
}

static void
test_limits(void **state)
{
	struct smtp_path_limits wide = { 248, 255, 1024 };
	const struct smtp_path_limits *std = &smtp_path_limits_default;

	(void)state;
	assert_int_equal(path_of(64, 100, std), SMTP_PATH_OK);
	assert_int_equal(path_of(65, 100, std), SMTP_PATH_LOCAL_PART_LONG);
	assert_int_equal(path_of(64, 189, std), SMTP_PATH_OK);
	assert_int_equal(path_of(64, 190, std), SMTP_PATH_LONG);
	assert_int_equal(path_of(1, 256, std), SMTP_PATH_DOMAIN_LONG);
	assert_int_equal(path_of(248, 255, &wide), SMTP_PATH_OK);
	assert_int_equal(path_of(249, 255, &wide), SMTP_PATH_LOCAL_PART_LONG);
}

static void
test_labels(void **state)
{
	char label[65];

	(void)state;
	memset(label, 'a', sizeof(label));
	assert_true(smtp_domain_valid(slice_of(label, 63), 255));
	assert_false(smtp_domain_valid(slice_of(label, 64), 255));
	assert_false(smtp_domain_valid(slice_str(""), 255));
	assert_true(smtp_literal_valid(slice_str("[127.0.0.1]")));
	assert_false(smtp_literal_valid(slice_str("[127.0.0.1]x")));
}

/* A limit counts octets, and no character is cut at it. */
static void
test_limits_utf8(void **state)
{
	char in[128] = "<";
	enum smtp_path_fault why;
	struct smtp_address a;
	size_t used;

	(void)state;
	for (size_t i = 0; i < 32; i++)
		memcpy(in + 1 + 2 * i, "\xc3\xb6", 2);
	memcpy(in + 65, "@x>", 4);
	assert_int_equal(smtp_path_parse(slice_str(in), SMTP_PATH_UTF8,
	    &smtp_path_limits_default, &a, &used, &why), PARSE_OK);
	assert_int_equal(a.local_len, 64);
	memcpy(in + 65, "\xc3\xb6@x>", 6);
	assert_int_equal(smtp_path_parse(slice_str(in), SMTP_PATH_UTF8,
	    &smtp_path_limits_default, &a, &used, &why), PARSE_BAD);
	assert_int_equal(why, SMTP_PATH_LOCAL_PART_LONG);
	in[64] = 'x';
	assert_int_equal(smtp_path_parse(slice_str(in), SMTP_PATH_UTF8,
	    &smtp_path_limits_default, &a, &used, &why), PARSE_BAD);
}

static struct smtp_address
address(const char *text)
{
	struct smtp_address a;

	assert_int_equal(smtp_address_parse(slice_str(text), &a), PARSE_OK);
	return a;
}

static void
test_equal(void **state)
{
	struct smtp_address a = address("Postmaster@Example.org"),
	    b = address("postmaster@example.org"), c = address("A@x"),
	    d = address("a@x"), e = address("\"a\"@X"),
	    f = address("POSTMASTER"), g = address("postmaster");

	(void)state;
	assert_true(smtp_address_equal(&a, &b));
	assert_false(smtp_address_equal(&c, &d));
	assert_true(smtp_address_equal(&d, &e));
	assert_true(smtp_address_equal(&f, &g));
	assert_false(smtp_address_equal(&f, &b));
}

static void
test_qualify(void **state)
{
	struct smtp_address a;
	size_t used;

	(void)state;
	assert_int_equal(smtp_path_parse(slice_str("<root>"),
	    SMTP_PATH_UNQUALIFIED, &smtp_path_limits_default, &a, &used, NULL),
	    PARSE_OK);
	smtp_address_qualify(&a, slice_str("Host.example"));
	assert_true(slice_equal(smtp_address_slice(&a),
	    slice_str("root@host.example")));
	assert_int_equal(a.kind, SMTP_MAILBOX);
	smtp_address_qualify(&a, slice_str("other"));
	assert_true(slice_equal(smtp_address_domain(&a),
	    slice_str("host.example")));
}

static void
test_unquote(void **state)
{
	struct smtp_address a = address("\"a \\\"b\\\\\"@x");
	char out[256];

	(void)state;
	assert_int_equal(smtp_address_unquote(&a, out), 5);
	assert_memory_equal(out, "a \"b\\", 5);
	assert_true(slice_equal(smtp_address_domain(&a), slice_str("x")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_limits_utf8),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_qualify),
		cmocka_unit_test(test_unquote),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
