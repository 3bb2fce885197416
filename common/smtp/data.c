/*
 * How it works: `place` is how much of CRLF "." CRLF the octets so far end
 * with.  The long runs inside lines are left to memchr(3); the octets between
 * them decide one by one.
 */
#include <assert.h>
#include <string.h>

#include "common/slice/slice.h"
#include "common/smtp/characters.h"
#include "common/smtp/data.h"

void
smtp_data_init(struct smtp_data *d)
{
	memset(d, 0, sizeof(*d));
	d->place = SMTP_DATA_LINE_START;
}

/* ---- the header section, as far as it matters here ---- */

static bool
line_is_field(const struct smtp_data *d, struct slice name)
{
	size_t n = name.len;

	if (d->name_len < n ||
	    !slice_starts_nocase(slice_of(d->name, d->name_len), name))
		return false;
	/* RFC 5322 section 4.5.2: white space before the colon, once legal */
	while (n < d->name_len && (d->name[n] == ' ' || d->name[n] == '\t'))
		n++;
	return n < d->name_len && d->name[n] == ':';
}

/*
 * Can the line, of which we know the beginning, be a field or go on with one?
 * A name that is longer than what we know gets the benefit of the doubt.
 */
static bool
line_in_header(const struct smtp_data *d)
{
	size_t n = 0;

	if (d->name[0] == ' ' || d->name[0] == '\t')
		return true;
	while (n < d->name_len && d->name[n] > 32 && d->name[n] < 127 &&
	    d->name[n] != ':')
		n++;
	if (n == SMTP_DATA_NAME_MAX)
		return true;
	while (n > 0 && n < d->name_len &&
	    (d->name[n] == ' ' || d->name[n] == '\t'))
		n++;
	return n > 0 && n < d->name_len && d->name[n] == ':';
}

static void
header_field(struct smtp_data *d)
{
	d->fields++;
	if (line_is_field(d, SLICE_LITERAL("Received")))
		d->received++;
	else if (line_is_field(d, SLICE_LITERAL("Date")))
		d->has_date = true;
	else if (line_is_field(d, SLICE_LITERAL("From")))
		d->has_from = true;
	else if (line_is_field(d, SLICE_LITERAL("Message-ID")))
		d->has_message_id = true;
}

static void
header_line(struct smtp_data *d)
{
	if (d->line == 2)
		d->header_done = true;
	else if (!line_in_header(d))
		d->header_done = d->header_cut = true;
	else if (d->name[0] != ' ' && d->name[0] != '\t')
		header_field(d);
}

static void
header_octets(struct smtp_data *d, const char *at, size_t len)
{
	size_t room = SMTP_DATA_NAME_MAX - d->name_len;

	if (len > room)
		len = room;
	memcpy(d->name + d->name_len, at, len);
	d->name_len = (uint8_t)(d->name_len + len);
}

/* ---- runs ---- */

static uint64_t
load(const char *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static bool
any_eight_bit(const char *at, size_t len)
{
	uint64_t high = 0;

	for (; len >= 32; at += 32, len -= 32)
		high |= load(at) | load(at + 8) | load(at + 16) | load(at + 24);
	for (; len > 0; at++, len--)
		high |= (unsigned char)*at;
	return (high & 0x8080808080808080ULL) != 0;
}

static void
line_octets(struct smtp_data *d, const char *at, size_t len)
{
	if (!d->header_done)
		header_octets(d, at, len);
	d->line += len;
}

static void
line_end(struct smtp_data *d)
{
	if (!d->header_done)
		header_line(d);
	if (d->line > d->longest)
		d->longest = d->line;
	d->line = 0;
	d->name_len = 0;
	d->place = SMTP_DATA_LINE_START;
}

static void
is_bare(struct smtp_data *d, bool *which)
{
	*which = true;
	d->bare_header |= !d->header_done;
}

/*
 * Octets in a line, up to its end or the end of what there is.  Returns where
 * it stopped.
 */
static const char *
take_run(struct smtp_data *d, const char *p, const char *end)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));
	const char *stop = lf != NULL ? lf : end;
	const char *cr = memchr(p, '\r', (size_t)(stop - p));

	if (cr == NULL && lf == NULL) {
		line_octets(d, p, (size_t)(end - p));
		return end;
	}
	if (cr == NULL) {
		is_bare(d, &d->bare_lf);
		line_octets(d, p, (size_t)(lf + 1 - p));
		return lf + 1;
	}
	line_octets(d, p, (size_t)(cr + 1 - p));
	d->place = SMTP_DATA_AFTER_CR;
	return cr + 1;
}

/* One octet behind a dot that began a line, or behind its CR. */
static const char *
take_after_dot(struct smtp_data *d, const char *p)
{
	if (d->place == SMTP_DATA_DOT && *p == '\r') {
		d->place = SMTP_DATA_DOT_CR;
		return p + 1;
	}
	if (d->place == SMTP_DATA_DOT_CR && *p == '\n') {
		d->place = SMTP_DATA_END;
		return p + 1;
	}
	/* ".x": the dot was stuffed.  ".CRx": that CR was a bare one. */
	if (d->place == SMTP_DATA_DOT_CR)
		is_bare(d, &d->bare_cr);
	d->place = SMTP_DATA_IN_LINE;
	return p;
}

static const char *
take_after_cr(struct smtp_data *d, const char *p)
{
	if (*p == '\n') {
		line_octets(d, p, 1);
		line_end(d);
		return p + 1;
	}
	is_bare(d, &d->bare_cr);
	d->place = SMTP_DATA_IN_LINE;
	return p;
}

/* The content of a message, gathered at the front of its own octets. */
struct gather {
	char		*to;	/* where the next content goes */
	const char	*from;	/* content begins here that is not moved yet */
};

static void
gather_to(struct gather *g, const char *end)
{
	size_t len = (size_t)(end - g->from);

	if (g->to != g->from)
		memmove(g->to, g->from, len);
	g->to += len;
}

size_t
smtp_data_take(struct smtp_data *d, char *in, size_t len, size_t *content)
{
	const char *p = in, *end = in + len;
	struct gather g = { in, in };

	while (p < end && d->place != SMTP_DATA_END) {
		switch (d->place) {
		case SMTP_DATA_LINE_START:
			d->place = SMTP_DATA_IN_LINE;
			if (*p == '.') {
				gather_to(&g, p);
				g.from = ++p;
				d->place = SMTP_DATA_DOT;
			}
			break;
		case SMTP_DATA_IN_LINE:
			p = take_run(d, p, end);
			break;
		case SMTP_DATA_AFTER_CR:
			p = take_after_cr(d, p);
			break;
		case SMTP_DATA_DOT:
		case SMTP_DATA_DOT_CR:
			p = take_after_dot(d, p);
			if (d->place != SMTP_DATA_IN_LINE)
				g.from = p;
			break;
		case SMTP_DATA_END:
			break;
		}
	}
	gather_to(&g, p);
	*content = (size_t)(g.to - in);
	d->size += *content;
	if (!d->eight_bit)
		d->eight_bit = any_eight_bit(in, *content);
	return (size_t)(p - in);
}

void
smtp_data_chunk(struct smtp_data *d, const char *in, size_t len)
{
	const char *p = in, *end = in + len;

	while (p < end) {
		if (d->place == SMTP_DATA_AFTER_CR) {
			p = take_after_cr(d, p);
		} else {
			d->place = SMTP_DATA_IN_LINE;
			p = take_run(d, p, end);
		}
	}
	d->size += len;
	if (!d->eight_bit)
		d->eight_bit = any_eight_bit(in, len);
}
