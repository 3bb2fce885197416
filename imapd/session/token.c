#include "imapd/session/token.h"

#include "common/message/date.h"
#include "common/utf8/utf8.h"

bool
take_char(struct slice *in, char c)
{
	if (in->len == 0 || in->at[0] != c)
		return false;
	*in = slice_skip(*in, 1);
	return true;
}

/* One space is the grammar; more of them do no harm. */
bool
take_space(struct slice *in)
{
	bool any = false;

	while (take_char(in, ' '))
		any = true;
	return any;
}

static bool
is_atom_char(char c)
{
	return c > ' ' && c < 127 && strchr("(){%*\"\\]", c) == NULL;
}

static size_t
run_of(struct slice in, const char *more, const char *less)
{
	size_t n = 0;

	while (n < in.len && in.at[n] != '\0' &&
	    (is_atom_char(in.at[n]) || strchr(more, in.at[n]) != NULL) &&
	    strchr(less, in.at[n]) == NULL)
		n++;
	return n;
}

static bool
take_run(struct slice *in, const char *more, const char *less,
    struct slice *out)
{
	*out = slice_of(in->at, run_of(*in, more, less));
	*in = slice_skip(*in, out->len);
	return out->len > 0;
}

bool
take_atom(struct slice *in, struct slice *atom)
{
	return take_run(in, "", "", atom);
}

bool
take_tag(struct slice *in, struct slice *tag)
{
	return take_run(in, "]", "+", tag);
}

bool
take_word(struct slice *in, const char *word)
{
	struct slice w = slice_str(word);

	if (!slice_starts_nocase(*in, w) ||
	    (in->len > w.len && is_atom_char(in->at[w.len]) &&
		in->at[w.len] != '[' && in->at[w.len] != '.' &&
		in->at[w.len] != '<'))
		return false;
	*in = slice_skip(*in, w.len);
	return true;
}

static bool
take_quoted(struct slice *in, struct arena *arena, struct slice *out)
{
	size_t n = 0, to = 0;
	bool escapes = false;
	char *at;

	for (; n < in->len && in->at[n] != '"'; n++) {
		if (in->at[n] == '\\') {
			escapes = true;
			n++;
		}
		if (n >= in->len || in->at[n] == '\r' || in->at[n] == '\n' ||
		    in->at[n] == '\0')
			return false;
	}
	if (n >= in->len)
		return false;
	*out = slice_of(in->at, n);
	*in = slice_skip(*in, n + 1);
	if (!escapes)
		return true;
	if ((at = arena_alloc(arena, n, 1)) == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (out->at[i] == '\\')
			i++;
		at[to++] = out->at[i];
	}
	*out = slice_of(at, to);
	return true;
}

static bool
take_literal(struct slice *in, struct slice *out)
{
	uint64_t len;

	if (!take_number(in, SIZE_MAX / 2, &len))
		return false;
	(void)take_char(in, '+');
	if (!take_char(in, '}'))
		return false;
	(void)take_char(in, '\r');
	if (!take_char(in, '\n') || in->len < len)
		return false;
	*out = slice_of(in->at, len);
	*in = slice_skip(*in, len);
	return len == 0 || memchr(out->at, '\0', len) == NULL;
}

bool
take_string(struct slice *in, struct arena *arena, struct slice *out)
{
	if (take_char(in, '"'))
		return take_quoted(in, arena, out);
	return take_char(in, '{') && take_literal(in, out);
}

static bool
take_string_or_run(struct slice *in, struct arena *arena, const char *more,
    struct slice *out)
{
	if (in->len > 0 && (in->at[0] == '"' || in->at[0] == '{'))
		return take_string(in, arena, out);
	return take_run(in, more, "", out);
}

bool
take_astring(struct slice *in, struct arena *arena, struct slice *out)
{
	return take_string_or_run(in, arena, "]", out);
}

bool
take_list_mailbox(struct slice *in, struct arena *arena, struct slice *out)
{
	return take_string_or_run(in, arena, "]%*", out);
}

bool
take_number(struct slice *in, uint64_t max, uint64_t *out)
{
	unsigned long long n;
	size_t len = 0;

	while (len < in->len && in->at[len] >= '0' && in->at[len] <= '9')
		len++;
	if (slice_number(slice_of(in->at, len), max, &n) == -1)
		return false;
	*in = slice_skip(*in, len);
	*out = n;
	return true;
}

static bool
take_civil(struct slice *in, int64_t *days)
{
	uint64_t day, year;
	int month;

	if (!take_number(in, 31, &day) || !take_char(in, '-') || in->len < 4)
		return false;
	month = date_month(slice_of(in->at, 3));
	*in = slice_skip(*in, 3);
	if (month == 0 || !take_char(in, '-') || !take_number(in, 9999, &year))
		return false;
	if (day < 1 || (int)day > date_month_days((int)year, month))
		return false;
	*days = date_days((int)year, month, (int)day);
	return true;
}

bool
take_date(struct slice *in, int64_t *days)
{
	bool quoted = take_char(in, '"');

	return take_civil(in, days) && (!quoted || take_char(in, '"'));
}

bool
take_date_time(struct slice *in, int64_t *utc)
{
	uint64_t hour, minute, second, zone;
	int64_t days;
	bool west;

	if (!take_char(in, '"'))
		return false;
	(void)take_space(in);	/* " 1-Feb-1994" */
	if (!take_civil(in, &days) || !take_char(in, ' ') ||
	    !take_number(in, 23, &hour) || !take_char(in, ':') ||
	    !take_number(in, 59, &minute) || !take_char(in, ':') ||
	    !take_number(in, 60, &second) || !take_char(in, ' '))
		return false;
	west = take_char(in, '-');
	if ((!west && !take_char(in, '+')) || !take_number(in, 9959, &zone) ||
	    zone % 100 > 59 || !take_char(in, '"'))
		return false;
	*utc = days * 86400 + (int64_t)(hour * 3600 + minute * 60 + second);
	zone = (zone / 100 * 60 + zone % 100) * 60;
	*utc += west ? (int64_t)zone : -(int64_t)zone;
	return true;
}

enum parse
literal_at_end(struct slice line, struct literal *l)
{
	unsigned long long n;
	size_t end = line.len, from;

	if (end == 0 || line.at[end - 1] != '}')
		return PARSE_MORE;
	end--;
	l->waits = !(end > 0 && line.at[end - 1] == '+');
	end -= l->waits ? 0 : 1;
	for (from = end; from > 0 && line.at[from - 1] >= '0' &&
	    line.at[from - 1] <= '9';)
		from--;
	if (from == 0 || line.at[from - 1] != '{' || from == end)
		return PARSE_MORE;
	if (slice_number(slice_of(line.at + from, end - from), INT64_MAX,
	    &n) == -1)
		return PARSE_BAD;
	l->len = n;
	l->binary = from > 1 && line.at[from - 2] == '~';
	l->at = from - (l->binary ? 2 : 1);
	return PARSE_OK;
}

bool
command_is_utf8(struct slice in)
{
	while (in.len > 0) {
		const char *lf = memchr(in.at, '\n', in.len);
		struct slice line =
		    lf == NULL ? in : slice_of(in.at, (size_t)(lf - in.at));
		struct literal l = { .len = 0 };

		if (!utf8_is_valid(line))
			return false;
		in = slice_skip(in, lf == NULL ? in.len : line.len + 1);
		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		if (literal_at_end(line, &l) == PARSE_OK)
			in = slice_skip(in, l.len < in.len ? l.len : in.len);
	}
	return true;
}
