#include "imapd/session/sort_keys.h"

#include <stdlib.h>

#include "common/hash/siphash.h"
#include "common/message/address.h"
#include "common/message/date.h"
#include "common/message/encoded_word.h"
#include "common/message/header.h"
#include "common/unicode/casemap.h"
#include "imapd/session/base_subject.h"

enum { VERSION = 1, FLAG_REPLY = 1, FLAG_DATE = 2, FIELD_MAX = 16 * 1024 };

/* The blob: this, the references, the strings. */
struct head {
	uint32_t	version, flags;
	int64_t		date;
	uint64_t	id;
	uint16_t	string[SORT_STRINGS];
	uint16_t	references;
	uint16_t	unused[3];
};

struct maker {
	struct slice	 section;
	struct head	 head;
	uint64_t	 references[SORT_REFERENCES_MAX];
	size_t		 seen;		/* of them */
	struct text	 strings;
	char		*scratch;	/* FIELD_MAX, three times */
};

/* ---- message IDs ---- */

/* Stable, for it is kept; that somebody could make two IDs collide would only
 * put his own message into another thread. */
static const struct siphash_key id_key = { { 0x62756c6b68656164, 1 } };

/* Quotes and quoting backslashes say nothing (RFC 5256, REFERENCES). */
static bool
take_id(struct slice in, uint64_t *id)
{
	char plain[1000];
	size_t n = 0;
	bool at = false;

	for (size_t i = 0; i < in.len; i++) {
		char c = in.at[i];

		if (c == '"' || c == ' ' || c == '\t' || c == '\r' || c == '\n')
			continue;
		if (c == '\\' && i + 1 < in.len)
			c = in.at[++i];
		else if (c == '@')
			at = n > 0;
		if (n == sizeof(plain))
			return false;
		plain[n++] = c;
	}
	if (!at || plain[n - 1] == '@')
		return false;
	*id = siphash(&id_key, slice_of(plain, n));
	*id += *id == 0;
	return true;
}

bool
message_id_next(struct slice *in, uint64_t *id)
{
	while (in->len > 0) {
		const char *open = memchr(in->at, '<', in->len), *close;

		if (open == NULL)
			break;
		*in = slice_skip(*in, (size_t)(open + 1 - in->at));
		close = in->len > 0 ? memchr(in->at, '>', in->len) : NULL;
		if (close == NULL)
			break;
		open = in->at;
		*in = slice_skip(*in, (size_t)(close + 1 - in->at));
		if (take_id(slice_of(open, (size_t)(close - open)), id))
			return true;
	}
	in->len = 0;
	return false;
}

/* A ring: of too many the last ones stay. */
static void
add_reference(struct maker *m, uint64_t id)
{
	m->references[m->seen++ % SORT_REFERENCES_MAX] = id;
}

/* Those that are left, in their order. */
static size_t
copy_references(struct maker *m, char *to)
{
	size_t size = sizeof(m->references[0]), n = m->seen, first = 0;

	if (n > SORT_REFERENCES_MAX) {
		first = n % SORT_REFERENCES_MAX;
		n = SORT_REFERENCES_MAX;
	}
	m->head.references = (uint16_t)n;
	memcpy(to, m->references + first, (n - first) * size);
	memcpy(to + (n - first) * size, m->references, first * size);
	return n * size;
}

static void
make_references(struct maker *m)
{
	struct header_field f;
	uint64_t id;

	if (header_find(m->section, SLICE_LITERAL("Message-ID"), &f) &&
	    message_id_next(&f.body, &id))
		m->head.id = id;
	if (header_find(m->section, SLICE_LITERAL("References"), &f))
		while (message_id_next(&f.body, &id))
			add_reference(m, id);
	if (m->seen == 0 &&
	    header_find(m->section, SLICE_LITERAL("In-Reply-To"), &f) &&
	    message_id_next(&f.body, &id))
		add_reference(m, id);
}

/* ---- strings ---- */

/* Mapped, cut to max, as string number i. */
static void
add_string(struct maker *m, enum sort_string i, struct slice s, size_t max)
{
	struct text cut = text_in(m->strings.at + m->strings.len, max);

	/* not in the middle of a character */
	if (s.len > max)
		for (s.len = max; s.len > 0 && (s.at[s.len] & 0xc0) == 0x80;)
			s.len--;
	casemap(s, &cut);
	m->strings.len += cut.len;
	m->head.string[i] = (uint16_t)cut.len;
}

/* Unfolded into the first part of the scratch. */
static struct slice
unfold(struct maker *m, struct slice body)
{
	struct text flat = text_in(m->scratch, FIELD_MAX);

	if (body.len > FIELD_MAX)
		body.len = FIELD_MAX;
	header_unfold(body, &flat);
	return text_since(&flat, 0);
}

static void
make_subject(struct maker *m)
{
	struct text decoded = text_in(m->scratch + FIELD_MAX, 2 * FIELD_MAX);
	struct header_field f;
	bool reply;

	if (!header_find(m->section, SLICE_LITERAL("Subject"), &f))
		return;
	encoded_words_decode(unfold(m, f.body), &decoded, NULL);
	add_string(m, SORT_STRING_SUBJECT,
	    base_subject(decoded.at, decoded.len, &reply, NULL),
	    SORT_SUBJECT_MAX);
	if (reply)
		m->head.flags |= FLAG_REPLY;
}

/* addr-mailbox of the first address; of a group, its name. */
static void
make_address(struct maker *m, const char *field, enum sort_string i)
{
	struct address_list list;
	struct header_field f;
	struct address a;

	if (!header_find(m->section, slice_str(field), &f))
		return;
	if (f.body.len > FIELD_MAX)
		f.body.len = FIELD_MAX;
	address_list_init(&list, f.body, m->scratch, FIELD_MAX);
	switch (address_next(&list, &a)) {
	case ADDRESS_MAILBOX:
		add_string(m, i, a.mailbox, SORT_ADDRESS_MAX);
		break;
	case ADDRESS_GROUP:
		add_string(m, i, a.name, SORT_ADDRESS_MAX);
		break;
	default:
		break;
	}
}

static void
make_date(struct maker *m)
{
	struct header_field f;
	struct message_date d;

	if (!header_find(m->section, SLICE_LITERAL("Date"), &f) ||
	    message_date_parse(f.body, &d) != PARSE_OK)
		return;
	m->head.date = d.utc;
	m->head.flags |= FLAG_DATE;
}

int64_t
sort_keys_make(struct slice section, char to[SORT_BLOB_MAX])
{
	struct maker *m = calloc(1, sizeof(*m));
	char strings[SORT_SUBJECT_MAX + 3 * SORT_ADDRESS_MAX];
	size_t len = sizeof(m->head);

	if (m == NULL || (m->scratch = malloc(3 * FIELD_MAX)) == NULL) {
		free(m);
		return -1;
	}
	m->section = section;
	m->strings = text_in(strings, sizeof(strings));
	m->head.version = VERSION;
	make_references(m);
	make_subject(m);
	make_address(m, "From", SORT_STRING_FROM);
	make_address(m, "To", SORT_STRING_TO);
	make_address(m, "Cc", SORT_STRING_CC);
	make_date(m);
	len += copy_references(m, to + len);
	memcpy(to, &m->head, sizeof(m->head));
	memcpy(to + len, strings, m->strings.len);
	len += m->strings.len;
	free(m->scratch);
	free(m);
	return (int64_t)len;
}

int
sort_keys_read(struct slice blob, struct sort_keys *k)
{
	struct head h;

	*k = (struct sort_keys){ 0 };
	if (blob.len < sizeof(h))
		return -1;
	memcpy(&h, blob.at, sizeof(h));
	blob = slice_skip(blob, sizeof(h));
	if (h.version != VERSION || h.references > SORT_REFERENCES_MAX ||
	    blob.len < h.references * sizeof(*k->references))
		return -1;
	k->has_date = (h.flags & FLAG_DATE) != 0;
	k->reply = (h.flags & FLAG_REPLY) != 0;
	k->date = h.date;
	k->id = h.id;
	k->references = (const void *)blob.at;
	k->references_len = h.references;
	blob = slice_skip(blob, h.references * sizeof(*k->references));
	for (size_t i = 0; i < SORT_STRINGS; i++) {
		if (h.string[i] > blob.len)
			return -1;
		k->string[i] = slice_of(blob.at, h.string[i]);
		blob = slice_skip(blob, h.string[i]);
	}
	return blob.len == 0 ? 0 : -1;
}
