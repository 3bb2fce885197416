#include <stdio.h>
#include <string.h>
#include <time.h>

#include "local-delivery/runner/runner.h"

size_t
from_line(struct slice reverse_path, time_t now, char out[FROM_LINE_MAX])
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr",
		"May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm tm = { .tm_mday = 1, .tm_year = 70 };
	int n;

	if (reverse_path.len == 0)
		reverse_path = slice_str("MAILER-DAEMON");
	if (reverse_path.len > DELIVERY_ADDRESS_MAX)
		reverse_path.len = DELIVERY_ADDRESS_MAX;
	gmtime_r(&now, &tm);
	n = snprintf(out, FROM_LINE_MAX,
	    "From %.*s %s %s %2d %02d:%02d:%02d %d\n", (int)reverse_path.len,
	    reverse_path.at, days[tm.tm_wday % 7], months[tm.tm_mon % 12],
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_year + 1900);
	/* A quoted local-part may hold blanks; here they end the address. */
	for (size_t i = 5; i < 5 + reverse_path.len; i++)
		if (out[i] == ' ' || out[i] == '\t')
			out[i] = '-';
	return (size_t)n;
}

static const char from[] = "From ";
enum { FROM_LEN = 5 };

/*
 * The ">" of a line pass as they come, so that nothing needs to be held but a
 * beginning of "From ": where that turns out whole, one ">" goes before it.
 */
size_t
from_quote(struct from_quoting *q, const char *in, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = in[i];

		if (!q->inside && c == from[q->matched]) {
			if (++q->matched < FROM_LEN)
				continue;
			out[n++] = '>';
			memcpy(out + n, from, FROM_LEN);
			n += FROM_LEN;
			q->matched = 0;
			q->inside = true;
			continue;
		}
		memcpy(out + n, from, q->matched);
		n += q->matched;
		/* Behind a part of "From " it is an ordinary line. */
		q->inside = c != '\n' && (q->inside || q->matched > 0 ||
		    c != '>');
		q->matched = 0;
		out[n++] = c;
	}
	return n;
}

size_t
from_quote_end(struct from_quoting *q, char *out)
{
	size_t n = q->matched;

	memcpy(out, from, n);
	q->matched = 0;
	return n;
}
