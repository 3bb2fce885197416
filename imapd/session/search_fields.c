#include "imapd/session/search_fields.h"

#include <stdlib.h>

#include "common/message/header.h"
#include "common/message/text.h"
#include "imapd/session/search_message.h"

enum { VERSION = 1, NO_FIELD = -1 };

static const char names[][8] = { "From", "To", "Cc", "Bcc", "Subject" };
enum { NAMES = sizeof(names) / sizeof(names[0]) };

/* The blob: this, then for each field its head and its text. */
struct head {
	uint32_t version;
	uint32_t has_date;
	int64_t days;
};
struct field_head {
	uint32_t name;
	uint32_t len;
};

static int
name_number(struct slice name)
{
	for (int i = 0; i < NAMES; i++)
		if (slice_equal_nocase(name, slice_str(names[i])))
			return i;
	return NO_FIELD;
}

bool
search_fields_enough(const struct search *search)
{
	for (size_t i = 0; i < search->len; i++)
		if (search->step[i].op == SEARCH_HEADER &&
		    name_number(search->step[i].name) == NO_FIELD)
			return false;
	return true;
}

/* ---- making ---- */

static void
add_mapped(void *ctx, struct slice mapped)
{
	struct text *out = ctx;
	size_t from = out->len;

	text_add(out, mapped);
	search_capitals(out->at + from, out->len - from);
}

static int
add_field(struct text *out, int name, struct slice body)
{
	struct field_head h = { .name = (uint32_t)name };
	struct mapping mapping = { .held_len = 0 };
	size_t head_at = out->len, from;
	struct text decoded;
	char *at = search_field_decode(body, &decoded);

	if (at == NULL)
		return -1;
	text_add(out, slice_of(&h, sizeof(h)));
	from = out->len;
	mapping_feed(&mapping, text_since(&decoded, 0), add_mapped, out);
	mapping_end(&mapping, add_mapped, out);
	free(at);
	if (out->cut)
		return -1;
	h.len = (uint32_t)(out->len - from);
	memcpy(out->at + head_at, &h, sizeof(h));
	return 0;
}

size_t
search_fields_make(struct slice section, char to[SEARCH_FIELDS_BLOB_MAX])
{
	struct text out = text_in(to, SEARCH_FIELDS_BLOB_MAX);
	struct head h = { .version = VERSION };
	struct header_field f;
	int name;

	h.has_date = search_sent_days(section, &h.days);
	text_add(&out, slice_of(&h, sizeof(h)));
	while (header_next(&section, &f))
		if ((name = name_number(f.name)) != NO_FIELD &&
		    add_field(&out, name, f.body) == -1)
			return 0;
	return out.len;
}

/* ---- asking ---- */

/* PARSE_MORE: there are no more. */
static enum parse
take_field(struct slice *in, struct field_head *h, struct slice *text)
{
	if (in->len == 0)
		return PARSE_MORE;
	if (in->len < sizeof(*h))
		return PARSE_BAD;
	memcpy(h, in->at, sizeof(*h));
	*in = slice_skip(*in, sizeof(*h));
	if (h->len > in->len || h->name >= NAMES)
		return PARSE_BAD;
	*text = slice_of(in->at, h->len);
	*in = slice_skip(*in, h->len);
	return PARSE_OK;
}

/* An empty string asks for the field alone. */
static bool
is_in(struct slice text, struct slice needle)
{
	return needle.len == 0 ||
	       (text.len >= needle.len &&
		   memmem(text.at, text.len, needle.at, needle.len) != NULL);
}

/* All fields are looked at, so that a blob is known to be whole. */
static int
find(struct slice fields, int name, struct slice needle, enum truth *found)
{
	struct field_head h;
	struct slice text;
	enum parse p;

	*found = TRUTH_NO;
	while ((p = take_field(&fields, &h, &text)) == PARSE_OK)
		if ((int)h.name == name && is_in(text, needle))
			*found = TRUTH_YES;
	return p == PARSE_MORE ? 0 : -1;
}

int
search_fields_answer(struct slice blob, const struct search *search,
    const struct needle *needles, enum truth *values)
{
	struct slice fields;
	struct head h;

	if (blob.len < sizeof(h))
		return -1;
	memcpy(&h, blob.at, sizeof(h));
	if (h.version != VERSION)
		return -1;
	fields = slice_skip(blob, sizeof(h));
	for (size_t i = 0; i < search->len; i++) {
		const struct search_step *step = &search->step[i];

		if (search_level(step->op) != LEVEL_HEADER)
			continue;
		if (step->op != SEARCH_HEADER)
			values[i] = h.has_date
					? search_compare_sent(step, h.days)
					: TRUTH_NO;
		else if (find(fields, name_number(step->name), needles[i].text,
			     &values[i]) == -1)
			return -1;
	}
	return 0;
}
