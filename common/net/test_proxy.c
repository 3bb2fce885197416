#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "common/net/proxy.h"

#define S(s) SLICE_LITERAL(s)
#define V2 "\r\n\r\n\0\r\nQUIT\n"

static const struct {
	struct slice	in;
	enum parse	p;
	bool		local;
	const char	*client;
	uint16_t	port;
	size_t		rest;		/* octets behind the header */
} cases[] = {
	{ S("PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\nEHLO x\r\n"),
	    PARSE_OK, false, "192.0.2.1", 56324, 8 },
	{ S("PROXY TCP6 2001:db8::1 2001:db8::2 1 25\r\n"), PARSE_OK, false,
	    "2001:db8::1", 1, 0 },
	{ S("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 25\r\n"), PARSE_OK, false,
	    "192.0.2.1", 1, 0 },
	{ S("PROXY UNKNOWN\r\n"), PARSE_OK, true, NULL, 0, 0 },
	{ S("PROXY UNKNOWN ffff::1 what ever 1 2\r\n"), PARSE_OK, true, NULL,
	    0, 0 },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.1 56324 25"), PARSE_MORE, 0,
	    NULL, 0, 0 },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.1 65536 25\r\n"), PARSE_BAD, 0,
	    NULL, 0, 0 },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.1 01 25\r\n"), PARSE_BAD, 0,
	    NULL, 0, 0 },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n"), PARSE_BAD, 0, NULL,
	    0, 0 },
	{ S("PROXY TCP4 192.0.2.1  198.51.100.1 1 25\r\n"), PARSE_BAD, 0,
	    NULL, 0, 0 },
	{ S("PROXY TCP4 192.0.2.1 198.51.100.1 1 25 \r\n"), PARSE_BAD, 0,
	    NULL, 0, 0 },
	{ S("PROXY TCP4 2001:db8::1 2001:db8::2 1 25\r\n"), PARSE_BAD, 0,
	    NULL, 0, 0 },
	{ S("PROXY TCP4 uid=0 192.0.2.1 1 25\r\n"), PARSE_BAD, 0, NULL, 0, 0 },
	{ S("PROXY UDP4 192.0.2.1 198.51.100.1 1 25\r\n"), PARSE_BAD, 0, NULL,
	    0, 0 },
	{ S("PROXY \r\n"), PARSE_BAD, 0, NULL, 0, 0 },
	{ S("proxy TCP4 192.0.2.1 198.51.100.1 1 25\r\n"), PARSE_BAD, 0, NULL,
	    0, 0 },
	{ S("EHLO x\r\n"), PARSE_BAD, 0, NULL, 0, 0 },
	{ S(""), PARSE_MORE, 0, NULL, 0, 0 },
	{ S(V2 "\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\1\1\2\0\x19" "EHLO"),
	    PARSE_OK, false, "192.0.2.1", 258, 4 },
	{ S(V2 "\x21\x11\0\x0f\xc0\0\2\1\xc6\x33\x64\1\1\2\0\x19" "\4\0\0" "E"),
	    PARSE_OK, false, "192.0.2.1", 258, 1 },
	{ S(V2 "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
	    "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\0\1\0\x19"), PARSE_OK,
	    false, "2001:db8::1", 1, 0 },
	{ S(V2 "\x20\0\0\0" "E"), PARSE_OK, true, NULL, 0, 1 },
	{ S(V2 "\x21\0\0\0"), PARSE_OK, true, NULL, 0, 0 },
	{ S(V2 "\x21\x31\0\0"), PARSE_OK, true, NULL, 0, 0 },
	{ S(V2 "\x21\x11\0\x0b\xc0\0\2\1\xc6\x33\x64\1\1\2\0"), PARSE_BAD, 0,
	    NULL, 0, 0 },
	{ S(V2 "\x21\x12\0\x0c\xc0\0\2\1\xc6\x33\x64\1\1\2\0\x19"), PARSE_BAD,
	    0, NULL, 0, 0 },		/* UDP */
	{ S(V2 "\x31\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\1\1\2\0\x19"), PARSE_BAD,
	    0, NULL, 0, 0 },		/* version 3 */
	{ S(V2 "\x22\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\1\1\2\0\x19"), PARSE_BAD,
	    0, NULL, 0, 0 },		/* a command that there is not */
	{ S(V2 "\x21\x11\xff\xff"), PARSE_BAD, 0, NULL, 0, 0 },
};

static void
headers(void **state)
{
	char text[NET_ADDRESS_SIZE];
	struct proxy_header h;
	size_t used;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum parse p = proxy_header_take(cases[i].in, &h, &used);

		if (p != cases[i].p)
			fail_msg("case %zu: %d", i, (int)p);
		if (p != PARSE_OK)
			continue;
		assert_int_equal(h.local, cases[i].local);
		assert_int_equal(cases[i].in.len - used, cases[i].rest);
		if (h.local)
			continue;
		assert_string_equal(net_address_print(&h.client, text),
		    cases[i].client);
		assert_int_equal(h.client.port, cases[i].port);
	}
}

/* However it is cut: more is wanted until it is whole, and never for ever. */
static void
cut(void **state)
{
	static char big[PROXY_V2_MAX];
	struct proxy_header h;
	size_t used;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t whole = cases[i].in.len - cases[i].rest;

		for (size_t n = 0; cases[i].p == PARSE_OK && n < whole; n++)
			assert_int_equal(proxy_header_take(
			    slice_of(cases[i].in.at, n), &h, &used),
			    PARSE_MORE);
	}
	memset(big, ' ', sizeof(big));
	memcpy(big, "PROXY ", 6);
	assert_int_equal(proxy_header_take(slice_of(big, PROXY_V1_MAX - 1),
	    &h, &used), PARSE_MORE);
	assert_int_equal(proxy_header_take(slice_of(big, PROXY_V1_MAX), &h,
	    &used), PARSE_BAD);
	memcpy(big, V2 "\x21\x11\x03\xf0", 16);
	assert_int_equal(proxy_header_take(slice_of(big, PROXY_V2_MAX - 1),
	    &h, &used), PARSE_MORE);
	assert_int_equal(proxy_header_take(slice_of(big, PROXY_V2_MAX), &h,
	    &used), PARSE_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers),
		cmocka_unit_test(cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
