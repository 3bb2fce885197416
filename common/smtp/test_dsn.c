/* NOTIFY, RET, ENVID, ORCPT: RFC 3461, with its examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/smtp/dsn.h"

static void
test_notify(void **state)
{
	static const struct {
		const char *in;
		unsigned notify;	/* 0: refused */
	} rows[] = {
		{ "NEVER", SMTP_NOTIFY_NEVER }, { "never", SMTP_NOTIFY_NEVER },
		{ "SUCCESS", SMTP_NOTIFY_SUCCESS },
		{ "Success,FAILURE,delay", SMTP_NOTIFY_SUCCESS |
		    SMTP_NOTIFY_FAILURE | SMTP_NOTIFY_DELAY },
		{ "DELAY,DELAY", SMTP_NOTIFY_DELAY },
		{ "", 0 }, { ",", 0 }, { "SUCCESS,", 0 }, { ",SUCCESS", 0 },
		{ "NEVER,SUCCESS", 0 }, { "SUCCESS,NEVER", 0 },
		{ "NEVER,NEVER", 0 }, { "ALWAYS", 0 }, { "SUCCES", 0 },
		{ "SUCCESS;DELAY", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned got = 0;

		assert_int_equal(smtp_notify_parse(slice_str(rows[i].in), &got),
		    rows[i].notify != 0 ? PARSE_OK : PARSE_BAD);
		assert_int_equal(got, rows[i].notify);
	}
}

static void
test_ret(void **state)
{
	enum smtp_ret ret;

	(void)state;
	assert_int_equal(smtp_ret_parse(slice_str("full"), &ret), PARSE_OK);
	assert_int_equal(ret, SMTP_RET_FULL);
	assert_int_equal(smtp_ret_parse(slice_str("HDRS"), &ret), PARSE_OK);
	assert_int_equal(ret, SMTP_RET_HDRS);
	assert_int_equal(smtp_ret_parse(slice_str("HDRS,FULL"), &ret),
	    PARSE_BAD);
	assert_int_equal(smtp_ret_parse(slice_str(""), &ret), PARSE_BAD);
}

static void
test_xtext(void **state)
{
	static const struct {
		const char *in, *out;	/* NULL: refused */
	} envids[] = {
		{ "QQ314159", "QQ314159" }, { "a+2Bb+3Dc", "a+b=c" },
		{ "a+20b", "a b" }, { "+41", "A" },
		{ "", NULL }, { "a b", NULL }, { "a=b", NULL }, { "+", NULL },
		{ "+4", NULL }, { "+4g", NULL }, { "+2b", NULL },
		{ "+0D+0A", NULL }, { "+7F", NULL }, { "+00", NULL },
		{ "+C3+A4", NULL }, { "\xc3\xa4", NULL },
	};
	char out[64], back[64];

	(void)state;
	for (size_t i = 0; i < sizeof(envids) / sizeof(envids[0]); i++) {
		struct slice in = slice_str(envids[i].in);
		size_t len;

		assert_int_equal(smtp_envid_check(in),
		    envids[i].out != NULL ? PARSE_OK : PARSE_BAD);
		if (envids[i].out == NULL)
			continue;
		len = smtp_xtext_decode(in, out);
		assert_true(slice_equal(slice_of(out, len),
		    slice_str(envids[i].out)));
		len = smtp_xtext_encode(slice_of(out, len), back, sizeof(back));
		len = smtp_xtext_decode(slice_of(back, len), out);
		assert_true(slice_equal(slice_of(out, len),
		    slice_str(envids[i].out)));
	}
	assert_int_equal(smtp_xtext_encode(slice_str("a+b"), back, 4), 0);
	assert_int_equal(smtp_xtext_encode(slice_str("a+b"), back, 5), 5);
}

static void
test_orcpt(void **state)
{
	static const struct {
		const char *in;
		enum parse want;
	} rows[] = {
		{ "rfc822;Bob@Example.COM", PARSE_OK },
		{ "rfc822;Carol+40Ivory.EDU", PARSE_OK },
		{ "x-local;a+20b", PARSE_OK }, { "rfc822;", PARSE_OK },
		{ "utf-8;p\\x{E5}l@example.org", PARSE_OK },
		{ "rfc822;a;b", PARSE_OK },
		{ "", PARSE_BAD }, { ";a@b", PARSE_BAD }, { "rfc822", PARSE_BAD },
		{ "rfc 822;a@b", PARSE_BAD }, { "rfc822;a@b+0A", PARSE_BAD },
		{ "rfc822;a=b@c", PARSE_BAD }, { "rfc822;a+b@c", PARSE_BAD },
		{ "x+EC;a@b", PARSE_BAD }, { "x+41;a@b", PARSE_BAD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(smtp_orcpt_check(slice_str(rows[i].in)),
		    rows[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notify),
		cmocka_unit_test(test_ret),
		cmocka_unit_test(test_xtext),
		cmocka_unit_test(test_orcpt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
