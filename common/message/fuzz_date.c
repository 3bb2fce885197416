/* A date that is accepted is one, and can be found again from its seconds. */
#include <assert.h>
#include <stdint.h>

#include "common/message/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message_date d;
	int year, month, day;
	int64_t local;

	if (message_date_parse(slice_of(data, size), &d) != PARSE_OK)
		return 0;
	assert(d.month >= 1 && d.month <= 12 && d.day >= 1);
	assert(d.day <= date_month_days(d.year, d.month));
	local = d.utc + d.zone * 60 - date_days(d.year, d.month, d.day) * 86400;
	assert(local >= 0 && local <= 86400);
	date_civil(date_days(d.year, d.month, d.day), &year, &month, &day);
	assert(year == d.year && month == d.month && day == d.day);
	return 0;
}
