#include "common/message/date.h"
#include "common/message/scan.h"

static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May",
	"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

/* RFC 5322 section 4.3.  Military letters were used both ways: all -0000. */
static const struct {
	char	name[4];
	int	hours;
} zone_names[] = {
	{ "UT", 0 }, { "GMT", 0 }, { "EST", -5 }, { "EDT", -4 },
	{ "CST", -6 }, { "CDT", -5 }, { "MST", -7 }, { "MDT", -6 },
	{ "PST", -8 }, { "PDT", -7 },
};

int64_t
date_days(int year, int month, int day)
{
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468;
}

void
date_civil(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

int
date_month_days(int year, int month)
{
	static const int days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

int
date_month(struct slice name)
{
	for (int i = 0; i < 12; i++)
		if (slice_equal_nocase(name, slice_str(month_names[i])))
			return i + 1;
	return 0;
}

const char *
date_month_name(int month)
{
	return month_names[month - 1];
}

static struct slice
take_word(struct scan *s, char *buf, size_t size)
{
	struct text t = text_in(buf, size);

	scan_atom(s, "", &t);
	return text_since(&t, 0);
}

static bool
take(struct scan *s, int c)
{
	scan_cfws(s, NULL);
	if (scan_peek(s) != c)
		return false;
	scan_skip(s);
	scan_cfws(s, NULL);
	return true;
}

static int
full_year(int year, int digits)
{
	if (digits == 2)
		return year + (year < 50 ? 2000 : 1900);
	return digits == 3 ? year + 1900 : year;
}

/* "21 Nov 1997" */
static bool
take_day(struct scan *s, struct message_date *d)
{
	char buf[8];
	int digits = 0;

	d->day = scan_number(s, 2, NULL);
	scan_cfws(s, NULL);
	d->month = date_month(take_word(s, buf, sizeof(buf)));
	scan_cfws(s, NULL);
	d->year = scan_number(s, 4, &digits);
	scan_cfws(s, NULL);
	if (d->day < 1 || d->month == 0 || d->year < 0 || digits < 2)
		return false;
	d->year = full_year(d->year, digits);
	return d->day <= date_month_days(d->year, d->month);
}

/* "09:55:06", seconds optional; answered in seconds of the day, or -1 */
static int
take_time(struct scan *s)
{
	int hour, minute, second = 0;

	if ((hour = scan_number(s, 2, NULL)) < 0 || hour > 23 || !take(s, ':'))
		return -1;
	if ((minute = scan_number(s, 2, NULL)) < 0 || minute > 59)
		return -1;
	if (take(s, ':') &&
	    ((second = scan_number(s, 2, NULL)) < 0 || second > 60))
		return -1;
	return (hour * 60 + minute) * 60 + second;
}

/* "-0600", "EST"; minutes east of UTC */
static int
take_zone(struct scan *s)
{
	struct slice word;
	char buf[8];
	int sign = scan_peek(s), digits = 0, n;

	if (sign == '+' || sign == '-') {
		scan_skip(s);
		n = scan_number(s, 4, &digits);
		if (n < 0 || digits != 4 || n % 100 > 59)
			return 0;
		n = n / 100 * 60 + n % 100;
		return sign == '-' ? -n : n;
	}
	word = take_word(s, buf, sizeof(buf));
	for (size_t i = 0; i < sizeof(zone_names) / sizeof(zone_names[0]); i++)
		if (slice_equal_nocase(word, slice_str(zone_names[i].name)))
			return zone_names[i].hours * 60;
	return 0;
}

enum parse
message_date_parse(struct slice body, struct message_date *out)
{
	struct scan s = scan_of(body);
	struct message_date d = { 0 };
	char buf[16];
	int seconds;

	scan_cfws(&s, NULL);
	if (scan_peek(&s) > '9') {	/* "Fri," of any language */
		take_word(&s, buf, sizeof(buf));
		take(&s, ',');
	}
	if (!take_day(&s, &d) || (seconds = take_time(&s)) < 0)
		return PARSE_BAD;
	scan_cfws(&s, NULL);
	d.zone = take_zone(&s);
	d.utc = date_days(d.year, d.month, d.day) * 86400 + seconds -
	    d.zone * 60;
	*out = d;
	return PARSE_OK;
}
