#include "imapd/session/search_message.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/message/date.h"
#include "common/message/encoded_word.h"
#include "common/message/header.h"
#include "imapd/session/message.h"
#include "imapd/session/text_part.h"

/* len octets from at, or fewer where the file ends; NULL with errno. */
static char *
read_range(int fd, uint64_t at, size_t *len)
{
	char *buf = malloc(*len + 1);
	ssize_t n;

	if (buf == NULL || (n = pread(fd, buf, *len, (off_t)at)) == -1) {
		free(buf);
		return NULL;
	}
	*len = (size_t)n;
	return buf;
}

char *
search_field_decode(struct slice body, struct text *out)
{
	char *flat = malloc(body.len + 1), *at = malloc(body.len * 3 + 1);
	struct text unfolded = text_in(flat, body.len);

	if (flat != NULL && at != NULL) {
		header_unfold(body, &unfolded);
		*out = text_in(at, body.len * 3);
		encoded_words_decode(text_since(&unfolded, 0), out, NULL);
	} else {
		free(at);
		at = NULL;
	}
	free(flat);
	return at;
}

static void
to_needle(void *ctx, struct slice mapped)
{
	needle_feed(ctx, mapped);
}

/* RFC 3501 section 6.4.4: an empty string asks for the field alone. */
static enum truth
find_in_fields(struct slice section, const struct search_step *step,
    struct needle *needle)
{
	struct mapping mapping = { .held_len = 0 };
	struct header_field f;
	struct text text;
	char *at;

	needle->found = false;
	while (!needle->found && header_next(&section, &f)) {
		if (!slice_equal_nocase(f.name, step->name))
			continue;
		if (needle->text.len == 0)
			return TRUTH_YES;
		if ((at = search_field_decode(f.body, &text)) == NULL)
			continue;
		needle_restart(needle);
		mapping_feed(&mapping, text_since(&text, 0), to_needle,
		    needle);
		mapping_end(&mapping, to_needle, needle);
		free(at);
	}
	return needle->found ? TRUTH_YES : TRUTH_NO;
}

bool
search_sent_days(struct slice section, int64_t *days)
{
	struct header_field f;
	struct message_date d;

	if (!header_find(section, SLICE_LITERAL("Date"), &f) ||
	    message_date_parse(f.body, &d) != PARSE_OK)
		return false;
	*days = date_days(d.year, d.month, d.day);
	return true;
}

enum truth
search_compare_sent(const struct search_step *step, int64_t days)
{
	bool yes = step->op == SEARCH_SENTBEFORE ? days < step->days :
	    step->op == SEARCH_SENTON		 ? days == step->days :
						   days >= step->days;

	return yes ? TRUTH_YES : TRUTH_NO;
}

static enum truth
compare_sent(struct slice section, const struct search_step *step)
{
	int64_t days;

	return search_sent_days(section, &days) ?
	    search_compare_sent(step, days) : TRUTH_NO;
}

int
search_header(int fd, const struct search *search, struct needle *needles,
    enum truth *values)
{
	size_t len = SEARCH_HEADER_MAX;
	char *at = read_range(fd, 0, &len);
	struct slice section;

	if (at == NULL)
		return -1;
	section = slice_of(at, len);
	section.len = header_section_len(section);
	for (size_t i = 0; i < search->len; i++) {
		const struct search_step *step = &search->step[i];

		if (search_level(step->op) != LEVEL_HEADER)
			continue;
		values[i] = step->op == SEARCH_HEADER ?
		    find_in_fields(section, step, &needles[i]) :
		    compare_sent(section, step);
	}
	free(at);
	return 0;
}

/* ---- the body ---- */

struct run {
	int			 fd;
	const struct search	*search;
	struct needle		*needles;
	bool			 outer_header;	/* which only TEXT looks at */
	struct mapping		 mapping;
};

static bool
is_looking(const struct run *r, size_t i)
{
	enum search_op op = r->search->step[i].op;

	return op == SEARCH_TEXT || (op == SEARCH_BODY && !r->outer_header);
}

static void
to_needles(void *ctx, struct slice mapped)
{
	struct run *r = ctx;

	for (size_t i = 0; i < r->search->len; i++)
		if (is_looking(r, i))
			needle_feed(&r->needles[i], mapped);
}

/* Another text begins. */
static void
restart(struct run *r)
{
	for (size_t i = 0; i < r->search->len; i++)
		if (is_looking(r, i))
			needle_restart(&r->needles[i]);
}

static void
feed(struct run *r, struct slice text)
{
	mapping_feed(&r->mapping, text, to_needles, r);
}

static void
feed_end(struct run *r)
{
	mapping_end(&r->mapping, to_needles, r);
}

static int
look_at_header(struct run *r, const struct mime_part *p)
{
	uint64_t size = p->body.raw - p->header.raw;
	size_t len = size < SEARCH_HEADER_MAX ? (size_t)size : SEARCH_HEADER_MAX;
	char *at = read_range(r->fd, p->header.raw, &len), *decoded;
	struct header_field f;
	struct slice section;
	struct text text;

	if (at == NULL)
		return -1;
	section = slice_of(at, len);
	while (header_next(&section, &f)) {
		if ((decoded = search_field_decode(f.body, &text)) == NULL)
			continue;
		restart(r);
		feed(r, f.name);
		feed(r, SLICE_LITERAL(": "));
		feed(r, text_since(&text, 0));
		feed_end(r);
		free(decoded);
	}
	free(at);
	return 0;
}

static bool
feed_text(void *ctx, struct slice utf8)
{
	feed(ctx, utf8);
	return true;
}

static int
look_at_text(struct run *r, const struct mime *m, const struct mime_part *p)
{
	int ret;

	restart(r);
	ret = text_part_decode(r->fd, m, p, feed_text, r);
	feed_end(r);
	return ret;
}

static int
look_at_parts(struct run *r, const struct mime *m)
{
	for (uint32_t i = 0; i < m->parts_len; i++) {
		const struct mime_part *p = &m->parts[i];

		r->outer_header = i == 0;
		if (look_at_header(r, p) == -1)
			return -1;
		r->outer_header = false;
		if (p->kind == MIME_TEXT && look_at_text(r, m, p) == -1)
			return -1;
	}
	return 0;
}

int
search_body(int fd, const struct search *search, struct needle *needles,
    enum truth *values)
{
	struct run r = { .fd = fd, .search = search, .needles = needles };
	struct mime *m = message_parse(fd);
	int ret;

	if (m == NULL)
		return -1;
	for (size_t i = 0; i < search->len; i++)
		needles[i].found = search_level(search->step[i].op) ==
		    LEVEL_BODY && needles[i].text.len == 0;
	ret = look_at_parts(&r, m);
	mime_free(m);
	for (size_t i = 0; i < search->len; i++)
		if (search_level(search->step[i].op) == LEVEL_BODY)
			values[i] = needles[i].found ? TRUTH_YES : TRUTH_NO;
	return ret;
}
