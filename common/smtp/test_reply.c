/* Replies and dates as they stand on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/smtp/date.h"
#include "common/smtp/reply.h"

static void
expect(const char *got, size_t len, const char *want)
{
	assert_int_equal(len, strlen(want));
	assert_memory_equal(got, want, len);
}

static void
test_reply(void **state)
{
	static const struct smtp_status unknown = { 550, { 5, 1, 1 },
		"No such user here" };
	static const struct smtp_status go_on = { 354, { 0, 0, 0 }, "Go on" };
	static const uint8_t relay[3] = { 5, 1, 10 };
	char out[SMTP_REPLY_LINE_MAX], text[600];

	(void)state;
	expect(out, smtp_reply_status(out, &unknown),
	    "550 5.1.1 No such user here\r\n");
	expect(out, smtp_reply_status(out, &go_on), "354 Go on\r\n");
	expect(out, smtp_reply_line(out, 250, NULL, slice_str("SIZE 5"), 1),
	    "250-SIZE 5\r\n");
	expect(out, smtp_reply_line(out, 556, relay, slice_str("a\r\nb\xff"), 0),
	    "556 5.1.10 a??b?\r\n");
	memset(text, 'x', sizeof(text));
	assert_int_equal(smtp_reply_line(out, 250, NULL,
	    slice_of(text, sizeof(text)), 0), SMTP_REPLY_LINE_MAX);
	assert_memory_equal(out + SMTP_REPLY_LINE_MAX - 3, "x\r\n", 3);
	/* RFC 6531 section 3.7.4; no character is cut, and no octet that is
	 * none of one gets through. */
	expect(out, smtp_reply_line_utf8(out, 250, NULL,
	    slice_str("\xc3\xb6\xff\n\xc2\x85\xe4\xbd"), 0),
	    "250 \xc3\xb6???" "???\r\n");
	for (size_t i = 0; i + 1 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xb6", 2);
	assert_int_equal(smtp_reply_line_utf8(out, 250, NULL,
	    slice_of(text, sizeof(text)), 0), SMTP_REPLY_LINE_MAX);
	assert_memory_equal(out + SMTP_REPLY_LINE_MAX - 4, "\xc3\xb6\r\n", 4);
	assert_int_equal(smtp_reply_line_utf8(out, 250, NULL,
	    slice_of("x\xc3\xb6", 3), 0), 9);
}

static void
test_enhanced(void **state)
{
	(void)state;
	assert_string_equal(smtp_enhanced_text(1, 1),
	    "bad destination mailbox address");
	assert_string_equal(smtp_enhanced_text(4, 99),
	    "other or undefined network or routing status");
	assert_string_equal(smtp_enhanced_text(77, 0),
	    "other undefined status");
}

static void
test_date(void **state)
{
	static const struct {
		time_t t;
		const char *want;
	} rows[] = {
		{ 0, "Thu, 01 Jan 1970 00:00:00 +0000" },
		/* The example of RFC 5322 appendix A.1.1, in UTC. */
		{ 880127706, "Fri, 21 Nov 1997 15:55:06 +0000" },
		{ 1709164799, "Wed, 28 Feb 2024 23:59:59 +0000" },
		{ 1709164800, "Thu, 29 Feb 2024 00:00:00 +0000" },
		{ 2147483648, "Tue, 19 Jan 2038 03:14:08 +0000" },
		{ 253402300800, "Thu, 01 Jan 1970 00:00:00 +0000" },
	};
	char out[SMTP_DATE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(smtp_date(rows[i].t, out),
		    strlen(rows[i].want));
		assert_string_equal(out, rows[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_enhanced),
		cmocka_unit_test(test_date),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
