#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "common/ipc/dns.h"
#include "common/ipc/messages.h"

#define S(s) SLICE_LITERAL(s)

static uint8_t buf[DNS_ANSWER_MAX + 1];

static void
names(void **state)
{
	static const struct {
		struct slice	name;
		bool		valid;
	} cases[] = {
		{ S("a"), true }, { S("Example.ORG"), true },
		{ S("_25._tcp.mx.example.org"), true },
		{ S("xn--bcher-kva.example"), true },
		{ S("0/25.2.0.192.in-addr.arpa"), true },
		{ S(""), false }, { S("."), false }, { S("a."), false },
		{ S(".a"), false }, { S("a..b"), false }, { S("a b"), false },
		{ S("a\\.b"), false }, { S("a\0b"), false },
		{ S("b\xc3\xbc" "cher"), false }, { S("a@b"), false },
	};
	char label[64 + 1], name[260];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(dns_name_valid(cases[i].name),
		    cases[i].valid);
	memset(label, 'x', sizeof(label));
	assert_true(dns_name_valid(slice_of(label, 63)));
	assert_false(dns_name_valid(slice_of(label, 64)));
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 2 == 0 ? 'a' : '.';
	assert_true(dns_name_valid(slice_of(name, 253)));
	assert_false(dns_name_valid(slice_of(name, 255)));
}

static void
question(void **state)
{
	struct dns_question in = { DNS_TLSA, S("_25._tcp.mx.example.org") };
	struct dns_question out;
	size_t len = dns_question_encode(&in, buf);

	(void)state;
	assert_in_range(len, 1, ipc_rule(IPC_DNS_ASK)->max);
	assert_int_equal(dns_question_decode(slice_of(buf, len), &out), 0);
	assert_int_equal(out.type, DNS_TLSA);
	assert_true(slice_equal(out.name, in.name));
	for (size_t n = 0; n < len; n++)
		assert_int_equal(dns_question_decode(slice_of(buf, n), &out),
		    -1);
	assert_int_equal(dns_question_decode(slice_of(buf, len + 1), &out),
	    -1);
	buf[0] = 255;	/* ANY */
	assert_int_equal(dns_question_decode(slice_of(buf, len), &out), -1);
	in.type = (enum dns_type)2;
	assert_int_equal(dns_question_encode(&in, buf), 0);
	in = (struct dns_question){ DNS_MX, S("a..b") };
	assert_int_equal(dns_question_encode(&in, buf), 0);
}

/* An answer with one record of each type comes out as it went in. */
static void
records(void **state)
{
	static const struct dns_record all[] = {
		{ .type = DNS_A, .address = { 192, 0, 2, 1 } },
		{ .type = DNS_AAAA, .address = { 0x20, 1, 0xd, 0xb8, 0, 0, 0,
		    0, 0, 0, 0, 0, 0, 0, 0, 1 } },
		{ .type = DNS_CNAME, .name = S("b.example.org") },
		{ .type = DNS_PTR, .name = S("c.example.org") },
		{ .type = DNS_MX, .mx = { 10, S("mx.example.org") } },
		{ .type = DNS_MX, .mx = { 0, S("") } },
		{ .type = DNS_TXT, .text = S("v=spf1 \0 -all") },
		{ .type = DNS_TXT, .text = S("") },
		{ .type = DNS_TLSA, .tlsa = { 3, 1, 1, S("0123456789") } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct dns_answer a = { .status = DNS_OK, .secure = true,
			.ttl = 300, .type = all[i].type,
			.canonical = S("other.example.org") }, out;
		struct dns_builder b;
		struct dns_record rec;
		size_t len;

		dns_builder_begin(&b, &a, buf);
		assert_true(dns_builder_add(&b, &all[i]));
		len = dns_builder_end(&b);
		assert_int_not_equal(len, 0);
		assert_int_equal(dns_answer_decode(slice_of(buf, len), &out),
		    0);
		assert_true(out.secure && !out.cut && out.ttl == 300);
		assert_int_equal(out.count, 1);
		assert_true(slice_equal(out.canonical, a.canonical));
		assert_true(dns_answer_next(&out, &rec));
		assert_int_equal(rec.type, all[i].type);
		if (rec.type == DNS_MX) {
			assert_int_equal(rec.mx.preference,
			    all[i].mx.preference);
			assert_true(slice_equal(rec.mx.exchange,
			    all[i].mx.exchange));
		} else if (rec.type == DNS_TLSA) {
			assert_int_equal(rec.tlsa.usage, 3);
			assert_true(slice_equal(rec.tlsa.data,
			    all[i].tlsa.data));
		} else if (rec.type == DNS_A || rec.type == DNS_AAAA)
			assert_memory_equal(rec.address, all[i].address, 16);
		else
			assert_true(slice_equal(rec.text, all[i].text));
		assert_false(dns_answer_next(&out, &rec));
		for (size_t n = 0; n < len; n++)
			assert_int_equal(dns_answer_decode(slice_of(buf, n),
			    &out), -1);
		buf[len] = 0;
		assert_int_equal(dns_answer_decode(slice_of(buf, len + 1),
		    &out), -1);
	}
}

/* What cannot be is neither built nor taken. */
static void
lies(void **state)
{
	static const struct dns_record mx = { .type = DNS_MX,
		.mx = { 10, S("mx.example.org") } };
	static const struct dns_record bad[] = {
		{ .type = DNS_MX, .mx = { 1, S("MX.example.org") } },
		{ .type = DNS_MX, .mx = { 1, S("mx..example.org") } },
		{ .type = DNS_A, .address = { 1 } },	/* not asked for */
	};
	static const struct dns_answer wrong[] = {
		{ .status = 0, .type = DNS_MX },
		{ .status = DNS_BOGUS + 1, .type = DNS_MX },
		{ .status = DNS_NODATA, .type = 2 },
		{ .status = DNS_NODATA, .type = DNS_MX, .ttl = 86401 },
		{ .status = DNS_NODATA, .type = DNS_MX,
		    .canonical = S("UP.org") },
		{ .status = DNS_NODATA, .type = DNS_MX, .why = S("x") },
		{ .status = DNS_BOGUS, .type = DNS_MX, .secure = true },
		{ .status = DNS_TEMPFAIL, .type = DNS_MX, .why = S("a\nb") },
		{ .status = DNS_TEMPFAIL, .type = DNS_MX,
		    .canonical = S("a.org") },
	};
	struct dns_answer a = { .status = DNS_OK, .type = DNS_MX }, out;
	struct dns_builder b;
	size_t len;

	(void)state;
	dns_builder_begin(&b, &a, buf);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(dns_builder_add(&b, &bad[i]));
	len = dns_builder_end(&b);	/* nothing usable */
	assert_int_equal(dns_answer_decode(slice_of(buf, len), &out), 0);
	assert_int_equal(out.status, DNS_NODATA);
	assert_true(out.cut);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		dns_builder_begin(&b, &wrong[i], buf);
		assert_int_equal(dns_builder_end(&b), 0);
	}
	dns_builder_begin(&b, &a, buf);
	assert_true(dns_builder_add(&b, &mx));
	len = dns_builder_end(&b);
	assert_int_equal(dns_answer_decode(slice_of(buf, len), &out), 0);
	buf[0] = DNS_NXDOMAIN;	/* there is none, and here it is */
	assert_int_equal(dns_answer_decode(slice_of(buf, len), &out), -1);
	buf[0] = DNS_OK;
	buf[1] = 4;		/* a flag that nobody knows */
	assert_int_equal(dns_answer_decode(slice_of(buf, len), &out), -1);
	buf[1] = 0;
	buf[len - 1] = 'G';	/* a capital, in the last record */
	assert_int_equal(dns_answer_decode(slice_of(buf, len), &out), -1);
}

/* As many records as there may be, and as many octets. */
static void
full(void **state)
{
	static char text[DNS_TEXT_MAX + 1];
	struct dns_record rec = { .type = DNS_TXT,
		.text = slice_of(text, DNS_TEXT_MAX) };
	struct dns_answer a = { .status = DNS_OK, .type = DNS_TXT }, out;
	struct dns_builder b;
	unsigned n = 0;
	size_t len;

	(void)state;
	dns_builder_begin(&b, &a, buf);
	while (dns_builder_add(&b, &rec))
		n++;
	assert_int_equal(n, 7);
	len = dns_builder_end(&b);
	assert_in_range(len, 1, ipc_rule(IPC_DNS_ANSWER)->max);
	assert_int_equal(dns_answer_decode(slice_of(buf, len), &out), 0);
	assert_true(out.cut);
	assert_int_equal(out.count, 7);
	rec.text.len = 0;
	dns_builder_begin(&b, &a, buf);
	for (n = 0; dns_builder_add(&b, &rec);)
		n++;
	assert_int_equal(n, DNS_RECORDS_MAX);
	len = dns_builder_end(&b);
	assert_int_equal(dns_answer_decode(slice_of(buf, len), &out), 0);
	buf[8] = 1, buf[9] = 1;	/* count: 257, without the record */
	assert_int_equal(dns_answer_decode(slice_of(buf, len), &out), -1);
	rec.text.len = DNS_TEXT_MAX + 1;
	dns_builder_begin(&b, &a, buf);
	assert_false(dns_builder_add(&b, &rec));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(question),
		cmocka_unit_test(records),
		cmocka_unit_test(lies),
		cmocka_unit_test(full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
