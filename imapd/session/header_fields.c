#include "imapd/session/header_fields.h"

#include <string.h>

#include "common/message/header.h"
#include "imapd/session/render.h"

enum { VERSION = 1 };

/* The blob begins with this; names and lines follow. */
struct head {
	uint32_t version;
	uint32_t names; /* octets */
};

/* ---- lines ---- */

void
header_lines_add(struct buffer *out, struct slice lines)
{
	size_t from = out->len;

	while (lines.len > 0) {
		const char *lf = memchr(lines.at, '\n', lines.len);
		size_t len = lf == NULL ? lines.len : (size_t)(lf - lines.at);
		size_t used = lf == NULL ? len : len + 1;

		if (len > 0 && lines.at[len - 1] == '\r')
			len--;
		buffer_add_slice(out, slice_of(lines.at, len));
		buffer_add_slice(out, SLICE_LITERAL("\r\n"));
		lines = slice_skip(lines, used);
	}
	if (!out->failed && out->len > from)
		render_hide_nuls(out->at + from, out->len - from);
}

static bool
is_among(struct header_names names, struct slice name)
{
	for (size_t i = 0; i < names.n; i++)
		if (slice_equal_nocase(names.at[i], name))
			return true;
	return false;
}

void
header_fields_add(struct buffer *out, struct slice section,
    struct header_names names, bool others)
{
	struct header_field f;

	while (header_next(&section, &f))
		if (is_among(names, f.name) != others)
			header_lines_add(out, f.whole);
}

/* ---- names ---- */

/* RFC 5322 section 2.2: printable US-ASCII but for the colon. */
static bool
is_name(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] <= ' ' || name.at[i] > '~' || name.at[i] == ':')
			return false;
	return name.len > 0 && name.len <= HEADER_NAME_MAX;
}

bool
header_names_fit(struct header_names names)
{
	for (size_t i = 0; i < names.n; i++)
		if (!is_name(names.at[i]))
			return false;
	return names.n > 0 && names.n <= HEADER_NAMES_MAX;
}

static bool
take_name(struct slice *names, struct slice *name)
{
	const char *lf =
	    names->len == 0 ? NULL : memchr(names->at, '\n', names->len);

	if (lf == NULL)
		return false;
	*name = slice_of(names->at, (size_t)(lf - names->at));
	*names = slice_skip(*names, name->len + 1);
	return true;
}

static bool
is_known(struct slice names, struct slice name)
{
	struct slice one;

	while (take_name(&names, &one))
		if (slice_equal_nocase(one, name))
			return true;
	return false;
}

static size_t
count(struct slice names)
{
	struct slice one;
	size_t n = 0;

	while (take_name(&names, &one))
		n++;
	return n;
}

static struct slice
since(const struct buffer *b, size_t from)
{
	return b->failed || b->len == from
		   ? slice_of("", 0)
		   : slice_of(b->at + from, b->len - from);
}

static void
add_names(struct buffer *b, size_t from, struct header_names names)
{
	char small[HEADER_NAME_MAX + 1];

	for (size_t i = 0; i < names.n; i++) {
		struct slice name = names.at[i];

		if (is_known(since(b, from), name))
			continue;
		for (size_t k = 0; k < name.len; k++)
			small[k] = (char)(name.at[k] >= 'A' && name.at[k] <= 'Z'
					      ? name.at[k] | 0x20
					      : name.at[k]);
		small[name.len] = '\n';
		buffer_add_slice(b, slice_of(small, name.len + 1));
	}
}

/* ---- what is kept ---- */

void
header_kept_make(struct buffer *b, struct slice section,
    struct header_names names, struct slice known)
{
	struct head h = { .version = VERSION };
	size_t begin = b->len, from = begin + sizeof(h);
	struct header_field f;

	buffer_add_slice(b, slice_of(&h, sizeof(h)));
	if (count(known) + names.n <= HEADER_NAMES_MAX)
		buffer_add_slice(b, known);
	add_names(b, from, names);
	h.names = (uint32_t)since(b, from).len;
	while (!b->failed && header_next(&section, &f))
		if (is_known(slice_of(since(b, from).at, h.names), f.name))
			header_lines_add(b, f.whole);
	if (!b->failed)
		memcpy(b->at + begin, &h, sizeof(h));
}

enum parse
header_kept_parse(struct slice blob, struct header_kept *kept)
{
	struct slice names, one;
	struct head h;
	size_t n = 0;

	if (blob.len < sizeof(h))
		return PARSE_BAD;
	memcpy(&h, blob.at, sizeof(h));
	if (h.version != VERSION || h.names > blob.len - sizeof(h))
		return PARSE_BAD;
	kept->names = names = slice_of(blob.at + sizeof(h), h.names);
	kept->lines = slice_skip(blob, sizeof(h) + h.names);
	while (take_name(&names, &one))
		if (!is_name(one) || ++n > HEADER_NAMES_MAX)
			return PARSE_BAD;
	return names.len == 0 ? PARSE_OK : PARSE_BAD;
}

bool
header_kept_has(const struct header_kept *kept, struct header_names names)
{
	for (size_t i = 0; i < names.n; i++)
		if (!is_known(kept->names, names.at[i]))
			return false;
	return true;
}
