#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "resolver/host_files.h"
#include "resolver/packet.h"

#define S(s) SLICE_LITERAL(s)

/* id, flags with this rcode, one question, answers, authorities, 0. */
#define HEAD(rcode, an, ns) \
	"\1\2\x81" rcode "\0\1\0" an "\0" ns "\0\0"
#define ORG "\7example\3org\0"
#define QUESTION(type) ORG "\0" type "\0\1"
#define AT_NAME "\xc0\x0c"	/* the question's name */
#define RR(type, len) AT_NAME "\0" type "\0\1\0\0\1\x2c\0" len

static uint8_t buf[DNS_ANSWER_MAX];

static int
parse(struct slice packet, enum dns_type type, struct dns_answer *a)
{
	struct dns_question q = { type, S("Example.org") };
	size_t len = packet_to_answer(packet, &q, false, buf);

	if (len == 0)
		return -1;
	assert_int_equal(dns_answer_decode(slice_of(buf, len), a), 0);
	return 0;
}

static void
answers(void **state)
{
	struct dns_answer a = { 0 };
	struct dns_record rec;

	(void)state;
	assert_int_equal(parse(S(HEAD("\x80", "\1", "\0") QUESTION("\1")
	    RR("\1", "\4") "\xc0\0\2\1"), DNS_A, &a), 0);
	assert_int_equal(a.status, DNS_OK);
	assert_int_equal(a.ttl, 300);
	assert_true(dns_answer_next(&a, &rec));
	assert_memory_equal(rec.address, "\xc0\0\2\1", 4);
	/* mx.example.org, compressed and in capitals. */
	assert_int_equal(parse(S(HEAD("\x80", "\1", "\0") QUESTION("\17")
	    RR("\17", "\7") "\0\12\2MX\xc0\x0c"), DNS_MX, &a), 0);
	assert_true(dns_answer_next(&a, &rec));
	assert_int_equal(rec.mx.preference, 10);
	assert_true(slice_equal(rec.mx.exchange, S("mx.example.org")));
	/* A CNAME to mx.example.org, whose address comes first. */
	assert_int_equal(parse(S(HEAD("\x80", "\2", "\0") QUESTION("\1")
	    "\2mx" AT_NAME "\0\1\0\1\0\0\0\x09\0\4\xc0\0\2\2"
	    RR("\5", "\5") "\2mx" AT_NAME), DNS_A, &a), 0);
	assert_true(slice_equal(a.canonical, S("mx.example.org")));
	assert_int_equal(a.ttl, 9);
	assert_int_equal(a.count, 1);
	/* Text of two strings, an empty record of it, and somebody else's. */
	assert_int_equal(parse(S(HEAD("\x80", "\3", "\0") QUESTION("\20")
	    RR("\20", "\6") "\2ab\2cd" RR("\20", "\1") "\0"
	    "\1x" AT_NAME "\0\20\0\1\0\0\0\1\0\2\1z"), DNS_TXT, &a), 0);
	assert_int_equal(a.count, 2);
	assert_true(dns_answer_next(&a, &rec));
	assert_true(slice_equal(rec.text, S("abcd")));
}

static void
negative(void **state)
{
	struct dns_answer a = { 0 };

	(void)state;
	assert_int_equal(parse(S(HEAD("\x83", "\0", "\1") QUESTION("\1")
	    RR("\6", "\x16") "\0\0" "\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1"
	    "\0\0\0\x3c"), DNS_A, &a), 0);
	assert_int_equal(a.status, DNS_NXDOMAIN);
	assert_int_equal(a.ttl, 60);
	assert_int_equal(parse(S(HEAD("\x80", "\0", "\0") QUESTION("\1")),
	    DNS_A, &a), 0);
	assert_int_equal(a.status, DNS_NODATA);
	assert_int_equal(a.ttl, 0);
}

static void
bad(void **state)
{
	static const struct slice good = S(HEAD("\x80", "\1", "\0")
	    QUESTION("\17") RR("\17", "\7") "\0\12\2mx\xc0\x0c");
	static const struct slice cases[] = {
		S(HEAD("\x82", "\0", "\0") QUESTION("\1")),	/* SERVFAIL */
		/* A name that points at itself, and forward. */
		S(HEAD("\x80", "\1", "\0") QUESTION("\1")
		    "\xc0\x1d\0\1\0\1\0\0\0\1\0\4\1\2\3\4"),
		S(HEAD("\x80", "\1", "\0") QUESTION("\1")
		    "\xc0\x2d\0\1\0\1\0\0\0\1\0\4\1\2\3\4"),
		/* A label type that there is not. */
		S(HEAD("\x80", "\1", "\0") QUESTION("\1")
		    "\x40\0\1\0\1\0\0\0\1\0\4\1\2\3\4"),
		/* CNAMEs in a loop. */
		S(HEAD("\x80", "\1", "\0") QUESTION("\1") RR("\5", "\2")
		    AT_NAME),
	};
	struct dns_answer a = { 0 };

	(void)state;
	assert_int_equal(parse(good, DNS_MX, &a), 0);
	for (size_t n = 0; n < good.len; n++)
		assert_int_equal(parse(slice_of(good.at, n), DNS_MX, &a), -1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(parse(cases[i], DNS_A, &a), -1);
}

/* A record of no use is left out, and that is said. */
static void
left_out(void **state)
{
	struct dns_answer a = { 0 };

	(void)state;
	/* An A record of five octets; an MX whose label holds a dot; one
	 * that goes on behind its name; a TLSA without data. */
	assert_int_equal(parse(S(HEAD("\x80", "\1", "\0") QUESTION("\1")
	    RR("\1", "\5") "\1\2\3\4\5"), DNS_A, &a), 0);
	assert_true(a.cut && a.status == DNS_NODATA);
	assert_int_equal(parse(S(HEAD("\x80", "\1", "\0") QUESTION("\17")
	    RR("\17", "\10") "\0\1\3m.x" AT_NAME), DNS_MX, &a), 0);
	assert_true(a.cut && a.status == DNS_NODATA);
	assert_int_equal(parse(S(HEAD("\x80", "\1", "\0") QUESTION("\17")
	    RR("\17", "\5") "\0\1" AT_NAME "x"), DNS_MX, &a), 0);
	assert_true(a.cut && a.status == DNS_NODATA);
	assert_int_equal(parse(S(HEAD("\x80", "\1", "\0") QUESTION("\x34")
	    RR("\x34", "\3") "\3\1\1"), DNS_TLSA, &a), 0);
	assert_true(a.cut && a.status == DNS_NODATA);
}

static void
anchors(void **state)
{
	static const struct {
		struct slice	text;
		enum parse	p;
		unsigned	line;
		const char	*out;
	} cases[] = {
		{ S(""), PARSE_MORE, 0, NULL },
		{ S("; nothing\n\n \t\n"), PARSE_MORE, 3, NULL },
		{ S("\n. IN DS 20326 8 2 E06D44 ; root\n"), PARSE_OK, 2,
		    ". IN DS 20326 8 2 E06D44" },
		{ S(".\t3600  IN DNSKEY 257 3 8 AwEA ab=="), PARSE_OK, 1,
		    ". 3600 IN DNSKEY 257 3 8 AwEA ab==" },
		{ S("x ds 1 8 2 00\r\n"), PARSE_OK, 1, "x ds 1 8 2 00" },
		{ S(". IN A 192.0.2.1 x y\n"), PARSE_BAD, 1, NULL },
		{ S(". IN DS 1\n"), PARSE_BAD, 1, NULL },
		{ S("$INCLUDE /etc/passwd 1 2 3 4\n"), PARSE_BAD, 1, NULL },
		{ S(". IN DS 1 8 2 \"00\"\n"), PARSE_BAD, 1, NULL },
	};
	char out[ANCHOR_MAX], big[ANCHOR_MAX + 100];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice rest = cases[i].text;
		unsigned line = 0;

		assert_int_equal(anchor_next(&rest, &line, out), cases[i].p);
		assert_int_equal(line, cases[i].line);
		if (cases[i].out != NULL)
			assert_string_equal(out, cases[i].out);
	}
	memset(big, 'A', sizeof(big));
	memcpy(big, ". IN DS 1 8 2 ", 14);
	for (size_t n = ANCHOR_MAX - 2; n < ANCHOR_MAX + 2; n++) {
		struct slice rest = slice_of(big, n);
		unsigned line = 0;

		assert_int_equal(anchor_next(&rest, &line, out),
		    n < ANCHOR_MAX ? PARSE_OK : PARSE_BAD);
	}
}

static void
nameservers(void **state)
{
	struct net_address out[NAMESERVERS_MAX];
	char many[4096] = "";

	(void)state;
	assert_int_equal(nameservers_read(S("# x\nsearch a b\n"
	    "nameserver 192.0.2.53\nnameserver\t2001:db8::53 \r\n"
	    "nameserver fe80::1%eth0\nnameserverx 192.0.2.1\n"
	    "options edns0\nnameserver\nnameserver x\n"
	    ";nameserver 192.0.2.2\nnameserver 127.0.0.1"), out), 3);
	assert_int_equal(out[0].octets[3], 53);
	assert_int_equal(out[1].family, NET_IPV6);
	assert_int_equal(out[2].octets[0], 127);
	for (int i = 0; i < 100; i++)
		memcpy(many + 20 * i, "nameserver 10.0.0.1\n", 21);
	assert_int_equal(nameservers_read(slice_str(many), out),
	    NAMESERVERS_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(negative),
		cmocka_unit_test(bad),
		cmocka_unit_test(left_out),
		cmocka_unit_test(anchors),
		cmocka_unit_test(nameservers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
