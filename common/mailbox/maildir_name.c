#include "common/mailbox/maildir_name.h"

#include <stdio.h>
#include <string.h>

static const struct {
	char	letter;
	uint8_t	flag;
} letters[] = {
	/* in ASCII order, as the specification wants them written */
	{ 'D', FLAG_DRAFT }, { 'F', FLAG_FLAGGED }, { 'P', FLAG_PASSED },
	{ 'R', FLAG_ANSWERED }, { 'S', FLAG_SEEN }, { 'T', FLAG_DELETED },
};

static uint8_t
letter_flag(char c)
{
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (letters[i].letter == c)
			return letters[i].flag;
	return 0;
}

static bool
is_keyword_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

/* The last ":2," of the name; a name without one has no info part. */
static size_t
info_at(struct slice name)
{
	for (size_t i = name.len; i >= 3; i--)
		if (memcmp(name.at + i - 3, ":2,", 3) == 0)
			return i - 3;
	return name.len;
}

static void
parse_info(struct slice info, struct maildir_name *n)
{
	n->unknown = info;
	for (size_t i = 0; i < info.len; i++) {
		char c = info.at[i];

		if (is_keyword_letter(c))
			n->keywords |= UINT32_C(1) << (c - 'a');
		else
			n->flags |= letter_flag(c);
	}
}

/* The field that starts with the comma at the front of *rest. */
static struct slice
take_field(struct slice *rest)
{
	struct slice s = *rest;
	const char *next = s.len > 1 ? memchr(s.at + 1, ',', s.len - 1) : NULL;

	if (next != NULL)
		s.len = (size_t)(next - s.at);
	*rest = slice_skip(*rest, s.len);
	return s;
}

static bool
has_key(struct slice field, char key)
{
	return field.len >= 3 && field.at[1] == key && field.at[2] == '=';
}

static bool
parse_identity(struct slice value, uint32_t *uidvalidity, uint32_t *uid)
{
	const char *dash = value.len > 0 ? memchr(value.at, '-', value.len) : NULL;
	unsigned long long v, u;
	size_t n;

	if (dash == NULL)
		return false;
	n = (size_t)(dash - value.at);
	if (slice_number(slice_of(value.at, n), UINT32_MAX, &v) == -1 ||
	    slice_number(slice_skip(value, n + 1), UINT32_MAX, &u) == -1 ||
	    v == 0 || u == 0)
		return false;
	*uidvalidity = (uint32_t)v;
	*uid = (uint32_t)u;
	return true;
}

static void
parse_fields(struct maildir_name *n)
{
	struct slice rest = n->fields;
	unsigned identities = 0;

	while (rest.len > 0) {
		struct slice f = take_field(&rest);
		unsigned long long v;

		if (has_key(f, 'B')) {
			n->has_identity = parse_identity(slice_skip(f, 3),
			    &n->uidvalidity, &n->uid) && identities == 0;
			identities++;
		} else if (has_key(f, 'S') &&
		    slice_number(slice_skip(f, 3), INT64_MAX, &v) == 0) {
			n->size = v;
			n->has_size = true;
		} else if (has_key(f, 'W') &&
		    slice_number(slice_skip(f, 3), INT64_MAX, &v) == 0) {
			n->crlf_size = v;
			n->has_crlf_size = true;
		} else if (has_key(f, 'T') &&
			   slice_number(slice_skip(f, 3), INT64_MAX, &v) == 0) {
			n->saved = v;
			n->has_saved = true;
		}
	}
}

enum parse
maildir_name_parse(struct slice name, struct maildir_name *n)
{
	size_t info, base = 0;

	memset(n, 0, sizeof(*n));
	if (name.len == 0 || name.len > MAILDIR_NAME_MAX || name.at[0] == '.' ||
	    memchr(name.at, '/', name.len) != NULL ||
	    memchr(name.at, '\0', name.len) != NULL)
		return PARSE_BAD;
	info = info_at(name);
	while (base < info && name.at[base] != ',')
		base++;
	n->base = slice_of(name.at, base);
	n->fields = slice_of(name.at + base, info - base);
	n->has_info = info < name.len;
	n->unknown = slice_of(name.at + info, 0);
	if (n->has_info)
		parse_info(slice_skip(name, info + 3), n);
	parse_fields(n);
	return PARSE_OK;
}

/* A name as it grows; once it is too long it stays so. */
struct out {
	char	*to;
	size_t	 len;
	bool	 failed;
};

static void
add(struct out *o, struct slice s)
{
	if (o->failed || s.len > MAILDIR_NAME_MAX - o->len) {
		o->failed = true;
		return;
	}
	if (s.len > 0)
		memcpy(o->to + o->len, s.at, s.len);
	o->len += s.len;
}

static void
add_char(struct out *o, char c)
{
	add(o, slice_of(&c, 1));
}

static void
add_number(struct out *o, char key, uint64_t v)
{
	char text[32];

	snprintf(text, sizeof(text), ",%c=%llu", key, (unsigned long long)v);
	add(o, slice_str(text));
}

/* What others put there, without the fields that we write ourselves. */
static void
add_other_fields(struct out *o, const struct maildir_name *n)
{
	struct slice rest = n->fields;

	while (rest.len > 0) {
		struct slice f = take_field(&rest);

		if (has_key(f, 'B') || (has_key(f, 'S') && n->has_size) ||
		    (has_key(f, 'W') && n->has_crlf_size) ||
		    (has_key(f, 'T') && n->has_saved))
			continue;
		add(o, f);
	}
}

static void
add_info(struct out *o, const struct maildir_name *n)
{
	add(o, slice_str(":2,"));
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (n->flags & letters[i].flag)
			add_char(o, letters[i].letter);
	for (unsigned i = 0; i < 26; i++)
		if (n->keywords & (UINT32_C(1) << i))
			add_char(o, (char)('a' + i));
	for (size_t i = 0; i < n->unknown.len; i++) {
		char c = n->unknown.at[i];

		/* a colon could make a second ":2," here */
		if (!is_keyword_letter(c) && letter_flag(c) == 0 && c != ':')
			add_char(o, c);
	}
}

static bool
has_colon(struct slice s)
{
	return s.len > 0 && memchr(s.at, ':', s.len) != NULL;
}

int
maildir_name_print(const struct maildir_name *n, bool info,
    char to[MAILDIR_NAME_MAX + 1])
{
	struct out o = { .to = to };

	add(&o, n->base);
	if (n->has_size)
		add_number(&o, 'S', n->size);
	if (n->has_crlf_size)
		add_number(&o, 'W', n->crlf_size);
	if (n->has_saved)
		add_number(&o, 'T', n->saved);
	add_other_fields(&o, n);
	if (n->has_identity) {
		char text[32];

		snprintf(text, sizeof(text), ",B=%lu-%lu",
		    (unsigned long)n->uidvalidity, (unsigned long)n->uid);
		add(&o, slice_str(text));
	}
	/* What looks like the start of an info part must not become one. */
	if (info || has_colon(n->base) || has_colon(n->fields))
		add_info(&o, n);
	if (o.len == 0)
		o.failed = true;
	to[o.failed ? 0 : o.len] = '\0';
	return o.failed ? -1 : 0;
}
