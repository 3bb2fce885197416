/* Date, From and Message-ID.  See fields.h. */
#include "bulkhead/sendmail/fields.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The names are English: nobody here calls setlocale(3). */
void
fields_date(time_t t, char out[DATE_TIME_SIZE])
{
	struct tm tm = { 0 };

	localtime_r(&t, &tm);
	if (strftime(out, DATE_TIME_SIZE, "%a, %d %b %Y %T %z", &tm) == 0)
		out[0] = '\0';
}

__attribute__((format(printf, 2, 3))) static int
add(struct header *h, const char *format, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line))
		return 0;	/* such a name cannot be said; go without */
	return text_add(&h->kept, slice_of(line, (size_t)n));
}

/* A display name, quoted; false where it takes more than ASCII. */
static bool
quote(const char *name, char *out, size_t size)
{
	size_t n = 0;

	if (name == NULL || name[0] == '\0' || strlen(name) * 2 + 3 > size)
		return false;
	out[n++] = '"';
	for (; *name != '\0'; name++) {
		if (*name < ' ' || *name >= 0x7f)
			return false;
		if (*name == '"' || *name == '\\')
			out[n++] = '\\';
		out[n++] = *name;
	}
	out[n++] = '"';
	out[n] = '\0';
	return true;
}

static int
add_from(struct header *h, const char *address, const char *full_name)
{
	char name[512];

	if (quote(full_name, name, sizeof(name)))
		return add(h, "From: %s <%s>\r\n", name, address);
	return add(h, "From: %s\r\n", address);
}

int
fields_complete(struct header *h, const char *address, const char *full_name,
    const char *domain, time_t now)
{
	char date[DATE_TIME_SIZE];

	if (h->has_resent)
		return 0;
	fields_date(now, date);
	if (!h->has_from && add_from(h, address, full_name) == -1)
		return -1;
	if (!h->has_date && add(h, "Date: %s\r\n", date) == -1)
		return -1;
	if (!h->has_message_id &&
	    add(h, "Message-ID: <%" PRIx64 ".%08" PRIx32 "%08" PRIx32 "@%s>\r\n",
		(uint64_t)now, arc4random(), arc4random(), domain) == -1)
		return -1;
	return 0;
}
