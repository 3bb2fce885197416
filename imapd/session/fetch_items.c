#include "imapd/session/fetch_items.h"

#include <assert.h>
#include <string.h>

#include "imapd/session/header_fields.h"
#include "imapd/session/token.h"

static const struct simple {
	const char	*name;
	enum fetch_kind	 kind;
} simple[] = {
	{ "UID", FETCH_UID },
	{ "FLAGS", FETCH_FLAGS },
	{ "MODSEQ", FETCH_MODSEQ },
	{ "INTERNALDATE", FETCH_INTERNALDATE },
	{ "RFC822.SIZE", FETCH_SIZE },
	{ "ENVELOPE", FETCH_ENVELOPE },
	{ "BODYSTRUCTURE", FETCH_BODYSTRUCTURE },
	{ "BODY", FETCH_BODY },
	{ "EMAILID", FETCH_EMAILID },
	{ "THREADID", FETCH_THREADID },
	{ "SAVEDATE", FETCH_SAVEDATE },
	{ "PREVIEW", FETCH_PREVIEW },
};

static const struct {
	const char		*name;
	enum section_text	 text;
	bool			 peek;
} rfc822[] = {
	{ "RFC822.HEADER", SECTION_HEADER, true },
	{ "RFC822.TEXT", SECTION_TEXT, false },
	{ "RFC822", SECTION_ALL, false },
};

static const struct {
	const char	*name;
	enum fetch_kind	 kinds[5];
	size_t		 len;
} macros[] = {
	{ "ALL", { FETCH_FLAGS, FETCH_INTERNALDATE, FETCH_SIZE,
	    FETCH_ENVELOPE }, 4 },
	{ "FAST", { FETCH_FLAGS, FETCH_INTERNALDATE, FETCH_SIZE }, 3 },
	{ "FULL", { FETCH_FLAGS, FETCH_INTERNALDATE, FETCH_SIZE,
	    FETCH_ENVELOPE, FETCH_BODY }, 5 },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool
is_asked(const struct fetch_items *items, enum fetch_kind kind)
{
	for (size_t i = 0; i < items->len; i++)
		if (items->item[i].kind == kind)
			return true;
	return false;
}

static struct fetch_item
simple_item(enum fetch_kind kind)
{
	struct fetch_item item = { .kind = kind };

	for (size_t i = 0; i < COUNT(simple); i++)
		if (simple[i].kind == kind)
			item.label = slice_str(simple[i].name);
	return item;
}

static void
add(struct fetch_items *items, enum fetch_kind kind)
{
	if (!is_asked(items, kind) && items->len < FETCH_ITEMS_MAX)
		items->item[items->len++] = simple_item(kind);
}

void
fetch_items_imply(struct fetch_items *items, enum fetch_kind kind)
{
	if (is_asked(items, kind))
		return;
	assert(items->len < FETCH_ITEMS_MAX + FETCH_ITEMS_IMPLIED);
	memmove(items->item + 1, items->item,
	    items->len * sizeof(*items->item));
	items->item[0] = simple_item(kind);
	items->len++;
}

/* "1.2.3"; what follows a last dot is a name. */
static bool
take_part(struct slice *in, struct arena *arena, struct fetch_item *item)
{
	uint64_t n;

	if (in->len == 0 || in->at[0] < '0' || in->at[0] > '9')
		return true;
	item->part = arena_alloc(arena, SECTION_DEPTH_MAX,
	    sizeof(*item->part));
	if (item->part == NULL)
		return false;
	do {
		if (item->part_len == SECTION_DEPTH_MAX ||
		    !take_number(in, UINT32_MAX, &n) || n == 0)
			return false;
		item->part[item->part_len++] = (uint32_t)n;
		if (!take_char(in, '.'))
			return in->len > 0 && in->at[0] == ']';
	} while (in->len > 0 && in->at[0] >= '0' && in->at[0] <= '9');
	return in->len > 0 && in->at[0] != ']';
}

static bool
take_names(struct slice *in, struct arena *arena, struct fetch_item *item)
{
	item->names = arena_alloc(arena, SECTION_NAMES_MAX,
	    sizeof(*item->names));
	if (item->names == NULL || !take_space(in) || !take_char(in, '('))
		return false;
	do {
		if (item->names_len == SECTION_NAMES_MAX ||
		    !take_astring(in, arena, &item->names[item->names_len]))
			return false;
		item->names_len++;
	} while (take_space(in));
	return take_char(in, ')');
}

static bool
take_section_text(struct slice *in, struct arena *arena,
    struct fetch_item *item)
{
	if (in->len > 0 && in->at[0] == ']')
		return true;
	if (slice_starts_nocase(*in, SLICE_LITERAL("HEADER.FIELDS.NOT"))) {
		*in = slice_skip(*in, 17);
		item->text = SECTION_FIELDS_NOT;
		return take_names(in, arena, item);
	}
	if (slice_starts_nocase(*in, SLICE_LITERAL("HEADER.FIELDS"))) {
		*in = slice_skip(*in, 13);
		item->text = SECTION_FIELDS;
		return take_names(in, arena, item);
	}
	if (take_word(in, "HEADER"))
		item->text = SECTION_HEADER;
	else if (take_word(in, "TEXT"))
		item->text = SECTION_TEXT;
	else if (item->part_len > 0 && take_word(in, "MIME"))
		item->text = SECTION_MIME;
	else
		return false;
	return true;
}

static bool
take_partial(struct slice *in, struct fetch_item *item)
{
	if (!take_char(in, '<'))
		return true;
	item->partial = true;
	/* 63 bits: RFC 9051 section 9 */
	return take_number(in, INT64_MAX, &item->start) &&
	    take_char(in, '.') && take_number(in, INT64_MAX, &item->len) &&
	    item->len > 0 && take_char(in, '>');
}

/* A literal among the field names cannot go back as it came. */
static void
put_name(char **to, struct slice name)
{
	struct slice rest = name, atom;
	bool plain = take_atom(&rest, &atom) && rest.len == 0;

	if (!plain)
		*(*to)++ = '"';
	for (size_t i = 0; i < name.len; i++) {
		if (name.at[i] == '"' || name.at[i] == '\\')
			*(*to)++ = '\\';
		*(*to)++ = name.at[i] == '\r' || name.at[i] == '\n' ||
		    (signed char)name.at[i] < 0 ? '?' : name.at[i];
	}
	if (!plain)
		*(*to)++ = '"';
}

static void
put(char **to, const char *s)
{
	size_t n = strlen(s);

	memcpy(*to, s, n);
	*to += n;
}

static void
put_number(char **to, uint64_t n)
{
	char digits[20];
	size_t len = 0;

	do
		digits[len++] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	while (len > 0)
		*(*to)++ = digits[--len];
}

/* BODY[1.2.HEADER.FIELDS (DATE FROM)]<0>, BINARY[1.2]<0> */
static bool
make_label(struct fetch_item *item, struct arena *arena)
{
	static const char *const texts[] = { "", "HEADER", "HEADER.FIELDS",
		"HEADER.FIELDS.NOT", "TEXT", "MIME" };
	size_t size = 64 + item->part_len * 11;
	char *at, *to;

	for (size_t i = 0; i < item->names_len; i++)
		size += 2 * item->names[i].len + 3;
	if ((at = to = arena_alloc(arena, size, 1)) == NULL)
		return false;
	put(&to, item->kind == FETCH_BINARY ? "BINARY[" :
	    item->kind == FETCH_BINARY_SIZE ? "BINARY.SIZE[" : "BODY[");
	for (size_t i = 0; i < item->part_len; i++) {
		put(&to, i > 0 ? "." : "");
		put_number(&to, item->part[i]);
	}
	put(&to, item->part_len > 0 && item->text != SECTION_ALL ? "." : "");
	put(&to, texts[item->text]);
	for (size_t i = 0; i < item->names_len; i++) {
		put(&to, i == 0 ? " (" : " ");
		put_name(&to, item->names[i]);
	}
	put(&to, item->names_len > 0 ? ")]" : "]");
	if (item->partial) {
		put(&to, "<");
		put_number(&to, item->start);
		put(&to, ">");
	}
	item->label = slice_of(at, (size_t)(to - at));
	return true;
}

static const struct section {
	const char	*name;
	enum fetch_kind	 kind;
	bool		 peek;
} sections[] = {
	{ "BODY[", FETCH_SECTION, false },
	{ "BODY.PEEK[", FETCH_SECTION, true },
	{ "BINARY[", FETCH_BINARY, false },
	{ "BINARY.PEEK[", FETCH_BINARY, true },
	{ "BINARY.SIZE[", FETCH_BINARY_SIZE, true },
};

/* After "BODY[" and its kin. */
static bool
take_section(struct slice *in, struct arena *arena, struct fetch_item *item)
{
	if (!take_part(in, arena, item) || (item->kind == FETCH_SECTION &&
	    !take_section_text(in, arena, item)) || !take_char(in, ']'))
		return false;
	return (item->kind == FETCH_BINARY_SIZE || take_partial(in, item)) &&
	    make_label(item, arena);
}

static bool
is_kept(const struct fetch_item *item)
{
	return item->kind == FETCH_SECTION && item->part_len == 0 &&
	       item->text == SECTION_FIELDS &&
	       header_names_fit(
		   (struct header_names){ item->names, item->names_len });
}

/* PARSE_MORE: none of them. */
static enum parse
take_section_item(struct slice *in, struct arena *arena,
    struct fetch_items *items)
{
	for (size_t i = 0; i < COUNT(sections); i++) {
		struct fetch_item item = { .kind = sections[i].kind,
			.peek = sections[i].peek };
		struct slice name = slice_str(sections[i].name);

		if (!slice_starts_nocase(*in, name))
			continue;
		*in = slice_skip(*in, name.len);
		if (items->len == FETCH_ITEMS_MAX ||
		    !take_section(in, arena, &item))
			return PARSE_BAD;
		if (is_kept(&item) && !is_asked(items, FETCH_FIELDS))
			item.kind = FETCH_FIELDS;
		items->item[items->len++] = item;
		return PARSE_OK;
	}
	return PARSE_MORE;
}

/* "PREVIEW (LAZY)"; what else may follow is none of it. */
static void
take_lazy(struct slice *in, struct fetch_items *items)
{
	struct slice rest = *in;
	bool lazy = take_space(&rest) && take_char(&rest, '(') &&
	    take_word(&rest, "LAZY") && take_char(&rest, ')');

	for (size_t i = 0; lazy && i < items->len; i++)
		if (items->item[i].kind == FETCH_PREVIEW)
			items->item[i].lazy = true;
	if (lazy)
		*in = rest;
}

static bool
take_item(struct slice *in, struct arena *arena, struct fetch_items *items)
{
	struct fetch_item item = { .kind = FETCH_SECTION };

	enum parse section = take_section_item(in, arena, items);

	if (section != PARSE_MORE)
		return section == PARSE_OK;
	for (size_t i = 0; i < COUNT(simple); i++)
		if (take_word(in, simple[i].name)) {
			add(items, simple[i].kind);
			if (simple[i].kind == FETCH_PREVIEW)
				take_lazy(in, items);
			return true;
		}
	for (size_t i = 0; i < COUNT(rfc822); i++)
		if (take_word(in, rfc822[i].name)) {
			item.label = slice_str(rfc822[i].name);
			item.text = rfc822[i].text;
			item.peek = rfc822[i].peek;
			if (items->len == FETCH_ITEMS_MAX)
				return false;
			items->item[items->len++] = item;
			return true;
		}
	return false;
}

bool
take_fetch_items(struct slice *in, struct arena *arena,
    struct fetch_items *items)
{
	items->len = 0;
	items->item = arena_alloc(arena, FETCH_ITEMS_MAX + FETCH_ITEMS_IMPLIED,
	    sizeof(*items->item));
	if (items->item == NULL)
		return false;
	for (size_t i = 0; i < COUNT(macros); i++)
		if (take_word(in, macros[i].name)) {
			for (size_t k = 0; k < macros[i].len; k++)
				add(items, macros[i].kinds[k]);
			return true;
		}
	if (!take_char(in, '('))
		return take_item(in, arena, items);
	do {
		if (!take_item(in, arena, items))
			return false;
	} while (take_space(in));
	return take_char(in, ')');
}
