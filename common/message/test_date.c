/* RFC 5322 appendix A dates, the obsolete forms, and what is no date. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/message/date.h"

static void
test_good(void **state)
{
	static const struct {
		const char *in;
		int64_t utc;
		int zone;
	} rows[] = {
		{ "Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360 },
		{ " Tue, 1 Jul 2003 10:52:37 +0200", 1057049557, 120 },
		{ "Thu, 13 Feb 1969 23:32:54 -0330", -27723426, -210 },
		{ "Thu,\r\n      13\r\n        Feb\r\n  1969\r\n      23:32\r\n"
		  "  -0330 (Newfoundland Time)", -27723480, -210 },
		{ "21 Nov 97 09:55:06 GMT", 880106106, 0 },
		{ "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706,
		    -360 },
		{ "21 Nov 97 09:55 EST", 880124100, -300 },
		{ "1 Jan 49 00:00 Z", 2493072000, 0 },
		{ "1 Jan 50 00:00 A", -631152000, 0 },
		{ "1 Jan 100 00:00 +0000", 946684800, 0 },
		{ "29 Feb 2000 23:59:60 +0000", 951868800, 0 },
		{ "1 Jan 1970 00:00:00", 0, 0 },
		{ "Fri 21 Nov 1997 09:55:06 -0600", 880127706, -360 },
	};
	struct message_date d;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(message_date_parse(slice_str(rows[i].in), &d),
		    PARSE_OK);
		assert_true(d.utc == rows[i].utc);
		assert_int_equal(d.zone, rows[i].zone);
	}
	assert_int_equal(d.day, 21);
	assert_int_equal(d.month, 11);
	assert_int_equal(d.year, 1997);
}

static void
test_bad(void **state)
{
	static const char *const rows[] = { "", "Fri,", "32 Jan 2000 00:00",
		"29 Feb 1999 00:00", "0 Jan 2000 00:00", "1 Foo 2000 00:00",
		"1 Jan 2000 24:00", "1 Jan 2000 00:60", "1 Jan 2000 00",
		"1 Jan 2000 00:00:61", "1 Jan 20000 00:00", "1 Jan 5 00:00",
		"2000-01-01 00:00:00", "-1 Jan 2000 00:00", "(", "99999999999" };
	struct message_date d = { .utc = 42 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(message_date_parse(slice_str(rows[i]), &d),
		    PARSE_BAD);
		assert_true(d.utc == 42);
	}
}

static void
test_calendar(void **state)
{
	int year, month, day;

	(void)state;
	for (int64_t n = -200000; n < 200000; n++) {
		date_civil(n, &year, &month, &day);
		assert_true(date_days(year, month, day) == n);
		assert_in_range(day, 1, date_month_days(year, month));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_calendar),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
