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
		/* RFC 6533 section 3 */
		{ "utf-8;p\xc3\xa5l@example.org", PARSE_OK },
		{ "UTF-8;\xe4\xbd\xa0\\x{2B}@x", PARSE_OK },
		{ "utf-8;p\xc3@x", PARSE_BAD }, { "utf-8;\xff", PARSE_BAD },
		{ "utf-8;a\xc2\x85@x", PARSE_BAD },
		{ "rfc822;p\xc3\xa5l@x", PARSE_BAD },
		{ "\xc3\xa5;x", PARSE_BAD },
		{ "x+EC;a@b", PARSE_BAD }, { "x+41;a@b", PARSE_BAD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(smtp_orcpt_check(slice_str(rows[i].in)),
		    rows[i].want);
}

/* RFC 6533 section 3: as it comes, as it is kept, as it goes on. */
static void
test_utf8_address(void **state)
{
	static const struct {
		const char *in, *kept, *eight, *seven;
	} rows[] = {
		{ "utf-8;p\\x{E5}l@x", "utf-8;p\xc3\xa5l@x",
		    "p\xc3\xa5l@x", "p\\x{E5}l@x" },
		{ "UTF-8;p\xc3\xa5l@x", "UTF-8;p\xc3\xa5l@x",
		    "p\xc3\xa5l@x", "p\\x{E5}l@x" },
		{ "utf-8;\\x{1F600}\\x{2B}\\x{5C}@x",
		    "utf-8;\xf0\x9f\x98\x80+\\@x",
		    "\xf0\x9f\x98\x80\\x{2B}\\x{5C}@x",
		    "\\x{1F600}\\x{2B}\\x{5C}@x" },
		/* No character of a name: kept as it came. */
		{ "utf-8;a\\x{0A}\\x{D800}\\x{110000}\\x{85}@x",
		    "utf-8;a\\x{0A}\\x{D800}\\x{110000}\\x{85}@x", NULL, NULL },
		{ "utf-8;\\x{}\\x{1\\x{1}\\x{e5}\\x{1234567}\\y@x",
		    "utf-8;\\x{}\\x{1\\x{1}\\x{e5}\\x{1234567}\\y@x", NULL, NULL },
		/* Another type has no such escapes. */
		{ "rfc822;\\x{E5}+2B@x", "rfc822;\\x{E5}+@x", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char kept[128], out[sizeof(kept) * SMTP_UNITEXT_GROWS];
		struct slice in = slice_str(rows[i].in);
		size_t len;

		assert_int_equal(smtp_orcpt_check(in), PARSE_OK);
		len = smtp_orcpt_decode(in, kept);
		if (!slice_equal(slice_of(kept, len), slice_str(rows[i].kept)))
			fail_msg("%s: %.*s", rows[i].in, (int)len, kept);
		if (rows[i].eight == NULL)
			continue;
		in = slice_skip(slice_of(kept, len), 6);
		len = smtp_unitext_encode(in, true, out);
		assert_true(slice_equal(slice_of(out, len),
		    slice_str(rows[i].eight)));
		len = smtp_unitext_encode(in, false, out);
		assert_true(slice_equal(slice_of(out, len),
		    slice_str(rows[i].seven)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notify),
		cmocka_unit_test(test_ret),
		cmocka_unit_test(test_xtext),
		cmocka_unit_test(test_orcpt),
		cmocka_unit_test(test_utf8_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
