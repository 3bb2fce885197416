/* Lines, verbs and parameters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/smtp/command.h"

static void
test_lines(void **state)
{
	static const struct {
		const char *in;
		size_t max;
		enum parse want;
		enum smtp_line_fault why;
		size_t len;
	} rows[] = {
		{ "", 8, PARSE_MORE, 0, 0 },
		{ "NOOP", 8, PARSE_MORE, 0, 0 },
		{ "NOOP\r", 8, PARSE_MORE, 0, 0 },
		{ "NOOP\r\n", 8, PARSE_OK, 0, 4 },
		{ "\r\n", 8, PARSE_OK, 0, 0 },
		{ "NOOP\r\nRSET\r\n", 8, PARSE_OK, 0, 4 },
		{ "NOOP\n", 8, PARSE_BAD, SMTP_LINE_BARE, 0 },
		{ "NOOP\n\r\n", 8, PARSE_BAD, SMTP_LINE_BARE, 0 },
		{ "NO\rOP\r\n", 8, PARSE_BAD, SMTP_LINE_BARE, 0 },
		{ "NOOP\r\r\n", 8, PARSE_BAD, SMTP_LINE_BARE, 0 },
		{ "123456\r\n", 8, PARSE_OK, 0, 6 },
		{ "1234567\r\n", 8, PARSE_BAD, SMTP_LINE_LONG, 0 },
		{ "1234567\r", 8, PARSE_BAD, SMTP_LINE_LONG, 0 },
		{ "12345678", 8, PARSE_BAD, SMTP_LINE_LONG, 0 },
		{ "1234567", 8, PARSE_MORE, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice line = { NULL, 0 };
		enum smtp_line_fault why;

		assert_int_equal(smtp_line_take(slice_str(rows[i].in),
		    rows[i].max, &line, &why), rows[i].want);
		assert_int_equal(why, rows[i].why);
		assert_int_equal(line.len, rows[i].len);
	}
}

static void
test_split(void **state)
{
	static const struct {
		const char *in, *verb, *args;	/* verb NULL: refused */
	} rows[] = {
		{ "QUIT", "QUIT", "" },
		{ "quit ", "quit", "" },
		{ "MAIL FROM:<a@b>", "MAIL", "FROM:<a@b>" },
		{ "MAIL  FROM:<a@b>  ", "MAIL", "FROM:<a@b>" },
		{ "", NULL, NULL }, { " NOOP", NULL, NULL },
		{ "MAIL:x", NULL, NULL }, { "NOOP\tx", NULL, NULL },
		{ "NOOP a\x01", NULL, NULL }, { "NOOP a\x7f", NULL, NULL },
		{ "MA\xcc", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtp_command_line c;
		enum parse got = smtp_command_split(slice_str(rows[i].in), &c);

		assert_int_equal(got,
		    rows[i].verb != NULL ? PARSE_OK : PARSE_BAD);
		if (got != PARSE_OK)
			continue;
		assert_true(slice_equal(c.verb, slice_str(rows[i].verb)));
		assert_true(slice_equal(c.args, slice_str(rows[i].args)));
	}
}

static void
test_keyword(void **state)
{
	struct slice a = slice_str("from:   <x>"), b = slice_str("FROM <x>");

	(void)state;
	assert_int_equal(
	    smtp_command_keyword(&a, slice_str("FROM:")), PARSE_OK);
	assert_true(slice_equal(a, slice_str("<x>")));
	assert_int_equal(
	    smtp_command_keyword(&b, slice_str("FROM:")), PARSE_BAD);
}

static void
test_mail_params(void **state)
{
	static const struct {
		const char *in;
		enum smtp_params_fault fault;
		int has_size;
		uint64_t size;
		enum smtp_body body;
	} rows[] = {
		{ "", SMTP_PARAMS_OK, 0, 0, 0 },
		{ "  ", SMTP_PARAMS_OK, 0, 0, 0 },
		{ " SIZE=1000", SMTP_PARAMS_OK, 1, 1000, 0 },
		{ " size=0 body=8bitmime", SMTP_PARAMS_OK, 1, 0,
		    SMTP_BODY_8BITMIME },
		{ " BODY=7BIT", SMTP_PARAMS_OK, 0, 0, SMTP_BODY_7BIT },
		{ " SIZE=99999999999999999999", SMTP_PARAMS_OK, 1, UINT64_MAX,
		    0 },
		{ " SIZE=999999999999999999999", SMTP_PARAMS_VALUE, 0, 0, 0 },
		{ " SIZE=-1", SMTP_PARAMS_VALUE, 0, 0, 0 },
		{ " SIZE", SMTP_PARAMS_VALUE, 0, 0, 0 },
		{ " SIZE=", SMTP_PARAMS_SYNTAX, 0, 0, 0 },
		{ " SIZE=1 SIZE=1", SMTP_PARAMS_VALUE, 1, 1, 0 },
		{ " BODY=BINARYMIME", SMTP_PARAMS_OK, 0, 0,
		    SMTP_BODY_BINARYMIME },
		{ " BODY=BINARYMIME BODY=7BIT", SMTP_PARAMS_VALUE, 0, 0, 0 },
		{ " SMTPUTF8 BODY=8bitmime", SMTP_PARAMS_OK, 0, 0,
		    SMTP_BODY_8BITMIME },
		{ " SMTPUTF8=1", SMTP_PARAMS_VALUE, 0, 0, 0 },
		{ " SMTPUTF8 smtputf8", SMTP_PARAMS_VALUE, 0, 0, 0 },
		{ " X=\xc3\xb6", SMTP_PARAMS_UNKNOWN, 0, 0, 0 },
		{ " ENVID=\xc3\xb6", SMTP_PARAMS_VALUE, 0, 0, 0 },
		{ " X=\xc3", SMTP_PARAMS_SYNTAX, 0, 0, 0 },
		{ " AUTH=<>", SMTP_PARAMS_OK, 0, 0, 0 },
		{ " AUTH=e+3Dmc2@example.com", SMTP_PARAMS_OK, 0, 0, 0 },
		{ " AUTH=<> AUTH=<>", SMTP_PARAMS_VALUE, 0, 0, 0 },
		{ " AUTH=nobody", SMTP_PARAMS_VALUE, 0, 0, 0 },
		{ " AUTH=a+4@b", SMTP_PARAMS_VALUE, 0, 0, 0 },
		{ " AUTH", SMTP_PARAMS_VALUE, 0, 0, 0 },
		{ " TRANSID=<1@b>", SMTP_PARAMS_UNKNOWN, 0, 0, 0 },
		{ " SMTPUTF8", SMTP_PARAMS_OK, 0, 0, 0 },
		{ "SIZE=1", SMTP_PARAMS_SYNTAX, 0, 0, 0 },
		{ " =1", SMTP_PARAMS_SYNTAX, 0, 0, 0 },
		{ " -x=1", SMTP_PARAMS_SYNTAX, 0, 0, 0 },
		{ " x=a=b", SMTP_PARAMS_SYNTAX, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtp_mail_params m;

		assert_int_equal(smtp_mail_params_parse(
		    slice_str(rows[i].in), &m), rows[i].fault);
		assert_int_equal(m.has_size, rows[i].has_size);
		assert_true(m.size == rows[i].size);
		if (rows[i].fault != SMTP_PARAMS_OK)
			continue;
		assert_int_equal(m.body, rows[i].body);
		assert_true(m.smtputf8 ==
		    (strstr(rows[i].in, "SMTPUTF8") != NULL));
	}
}

static void
test_params_copy(void **state)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "", "" }, { "  ", "" }, { " A=b", " A=b" },
		{ "   A=b    C  D=e ", " A=b C D=e" },
	};
	char to[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = smtp_params_copy(slice_str(rows[i].in), to);

		assert_true(slice_equal(slice_of(to, n),
		    slice_str(rows[i].out)));
	}
}

static void
test_mail_params_of_dsn(void **state)
{
	static const struct {
		const char *in;
		enum smtp_params_fault fault;
		enum smtp_ret ret;
		const char *envid;
	} rows[] = {
		{ " RET=HDRS ENVID=QQ314159", SMTP_PARAMS_OK, SMTP_RET_HDRS,
		    "QQ314159" },
		{ " envid=a+2Bb SIZE=3 ret=full", SMTP_PARAMS_OK,
		    SMTP_RET_FULL, "a+2Bb" },
		{ " RET=HDRS RET=HDRS", SMTP_PARAMS_VALUE, 0, NULL },
		{ " ENVID=a ENVID=a", SMTP_PARAMS_VALUE, 0, NULL },
		{ " RET=NONE", SMTP_PARAMS_VALUE, 0, NULL },
		{ " RET", SMTP_PARAMS_VALUE, 0, NULL },
		{ " ENVID", SMTP_PARAMS_VALUE, 0, NULL },
		{ " ENVID=+0A", SMTP_PARAMS_VALUE, 0, NULL },
		{ " NOTIFY=NEVER", SMTP_PARAMS_UNKNOWN, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtp_mail_params m;

		assert_int_equal(smtp_mail_params_parse(
		    slice_str(rows[i].in), &m), rows[i].fault);
		if (rows[i].fault != SMTP_PARAMS_OK)
			continue;
		assert_int_equal(m.ret, rows[i].ret);
		assert_true(slice_equal(m.envid, slice_str(rows[i].envid)));
	}
}

static void
test_rcpt_params(void **state)
{
	static const struct {
		const char *in;
		enum smtp_params_fault fault;
		unsigned notify;
		const char *orcpt;
	} rows[] = {
		{ "", SMTP_PARAMS_OK, 0, "" },
		{ " NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob+40x", SMTP_PARAMS_OK,
		    SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY, "rfc822;Bob+40x" },
		{ " orcpt=rfc822;Bob@x notify=never", SMTP_PARAMS_OK,
		    SMTP_NOTIFY_NEVER, "rfc822;Bob@x" },
		{ " NOTIFY=NEVER NOTIFY=NEVER", SMTP_PARAMS_VALUE, 0, "" },
		{ " ORCPT=rfc822;a ORCPT=rfc822;a", SMTP_PARAMS_VALUE, 0, "" },
		{ " NOTIFY", SMTP_PARAMS_VALUE, 0, "" },
		{ " NOTIFY=NEVER,DELAY", SMTP_PARAMS_VALUE, 0, "" },
		{ " ORCPT=bob@x", SMTP_PARAMS_VALUE, 0, "" },
		{ " RET=FULL", SMTP_PARAMS_UNKNOWN, 0, "" },
		{ "x", SMTP_PARAMS_SYNTAX, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtp_rcpt_params r;

		assert_int_equal(smtp_rcpt_params_parse(
		    slice_str(rows[i].in), &r), rows[i].fault);
		if (rows[i].fault != SMTP_PARAMS_OK)
			continue;
		assert_int_equal(r.notify, rows[i].notify);
		assert_int_equal(r.orcpt.len, strlen(rows[i].orcpt));
	}
}

/* Every octet 0 to 255 inside a value: only esmtp-value gets through. */
static void
test_every_octet(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char in[] = " SIZE=1x2";
		struct smtp_param p;
		struct slice args = slice_of(in, sizeof(in) - 1);
		int good = c > 32 && c < 127 && c != '=';

		in[7] = (char)c;
		assert_int_equal(smtp_param_take(&args, &p) == PARSE_OK &&
			p.value.len == 3, good);
	}
}

static void
test_bdat(void **state)
{
	static const struct {
		const char	*args;
		enum parse	 want;
		uint64_t	 size;
		bool		 last;
	} rows[] = {
		{ "0", PARSE_OK, 0, false }, { "0 LAST", PARSE_OK, 0, true },
		{ "123  last", PARSE_OK, 123, true },
		{ "9223372036854775807", PARSE_OK, INT64_MAX, false },
		{ "9223372036854775808", PARSE_BAD, 0, false },
		{ "", PARSE_BAD, 0, false }, { "LAST", PARSE_BAD, 0, false },
		{ "1 2", PARSE_BAD, 0, false }, { "1LAST", PARSE_BAD, 0, false },
		{ "-1", PARSE_BAD, 0, false }, { "1 LAST x", PARSE_BAD, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t size = 0;
		bool last = false;

		assert_int_equal(smtp_bdat_parse(slice_str(rows[i].args),
		    &size, &last), rows[i].want);
		if (rows[i].want == PARSE_OK) {
			assert_true(size == rows[i].size);
			assert_int_equal(last, rows[i].last);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bdat),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_keyword),
		cmocka_unit_test(test_mail_params),
		cmocka_unit_test(test_mail_params_of_dsn),
		cmocka_unit_test(test_params_copy),
		cmocka_unit_test(test_rcpt_params),
		cmocka_unit_test(test_every_octet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
