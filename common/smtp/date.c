#include <string.h>

#include "common/smtp/date.h"

static void
digits(char *at, int n, int width)
{
	while (width-- > 0) {
		at[width] = (char)('0' + n % 10);
		n /= 10;
	}
}

size_t
smtp_date(time_t t, char out[SMTP_DATE_SIZE])
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || tm.tm_year < 0 || tm.tm_year > 8099) {
		t = 0;
		gmtime_r(&t, &tm);
	}
	memcpy(out, "Ddd, DD Mmm YYYY HH:MM:SS +0000", SMTP_DATE_SIZE);
	memcpy(out, days + 3 * tm.tm_wday, 3);
	digits(out + 5, tm.tm_mday, 2);
	memcpy(out + 8, months + 3 * tm.tm_mon, 3);
	digits(out + 12, tm.tm_year + 1900, 4);
	digits(out + 17, tm.tm_hour, 2);
	digits(out + 20, tm.tm_min, 2);
	digits(out + 23, tm.tm_sec, 2);
	return SMTP_DATE_SIZE - 1;
}
