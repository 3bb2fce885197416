/* Dates of header fields: RFC 5322 section 3.3, obsolete forms of 4.3 too. */
#ifndef COMMON_MESSAGE_DATE_H
#define COMMON_MESSAGE_DATE_H

#include <stdint.h>

#include "common/slice/slice.h"

struct message_date {
	int64_t	utc;		/* seconds since 1970-01-01 00:00:00 UTC */
	int	zone;		/* minutes east of UTC, as written */
	int	year, month, day; /* as written, in that zone; month 1 to 12 */
};

/*
 * PARSE_OK or PARSE_BAD, never PARSE_MORE.  Years of two and three digits are
 * read as section 4.3 says; a zone that is missing or unknown counts as
 * -0000.  Anything after the date is ignored.
 */
enum parse message_date_parse(struct slice body, struct message_date *);

/* Days since 1970-01-01 of a day of the Gregorian calendar; month 1 to 12. */
int64_t date_days(int year, int month, int day);
/* The other way round. */
void date_civil(int64_t days, int *year, int *month, int *day);
/* 28 to 31, for month 1 to 12. */
int date_month_days(int year, int month);
/* 1 to 12 for "Jan" to "Dec" in any case, or 0. */
int date_month(struct slice name);
/* "Jan" to "Dec", for 1 to 12. */
const char *date_month_name(int month);

#endif
