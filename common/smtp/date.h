/* date-time of RFC 5322 section 3.3, in UTC: a jail has no time zones. */
#ifndef COMMON_SMTP_DATE_H
#define COMMON_SMTP_DATE_H

#include <stddef.h>
#include <time.h>

/* "Sat, 21 Nov 2026 05:14:00 +0000" and a NUL. */
enum { SMTP_DATE_SIZE = 32 };

/*
 * Print t, seconds since 1970, into out; returns the length, always
 * SMTP_DATE_SIZE - 1.  Years outside 1900 to 9999 are printed as 1970.
 */
size_t smtp_date(time_t t, char out[SMTP_DATE_SIZE]);

#endif
