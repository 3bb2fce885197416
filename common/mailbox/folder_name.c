#include "common/mailbox/folder_name.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/*
 * Modified UTF-7 (RFC 3501 section 5.1.3): printable ASCII as it is, "&" as
 * "&-", all else as UTF-16 in base64 with "," for "/" between "&" and "-".
 *
 * Canonical form is not defined by rules here but by the encoder: a name is
 * accepted when decoding it to UTF-8 and encoding that again gives the same
 * octets.  So there is one spelling by construction.
 */

static const char base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

struct buffer {
	char	*to;
	size_t	 size, len;
	bool	 failed;
};

static void
put(struct buffer *b, char c)
{
	if (b->len < b->size)
		b->to[b->len++] = c;
	else
		b->failed = true;
}

static bool
is_printable(uint32_t c)
{
	return c >= 0x20 && c <= 0x7e;
}

static bool
is_scalar(uint32_t c)
{
	return c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
}

/* What may not stand in a name: C0 and C1 controls, and the slash. */
static bool
is_allowed(uint32_t c)
{
	return is_scalar(c) && c >= 0x20 && !(c >= 0x7f && c <= 0x9f) &&
	    c != '/';
}

/* The character at the front of *s; false when it is no valid UTF-8. */
static bool
take_utf8(struct slice *s, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	uint8_t lead = (uint8_t)s->at[0];
	size_t more = lead < 0x80 ? 0 : lead < 0xc0 ? 9 : lead < 0xe0 ? 1 :
	    lead < 0xf0 ? 2 : lead < 0xf8 ? 3 : 9;

	if (more > 3 || s->len < more + 1)
		return false;
	*c = more == 0 ? lead : lead & (0x3fu >> more);
	for (size_t i = 1; i <= more; i++) {
		uint8_t next = (uint8_t)s->at[i];

		if ((next & 0xc0) != 0x80)
			return false;
		*c = *c << 6 | (next & 0x3f);
	}
	*s = slice_skip(*s, more + 1);
	return *c >= least[more] && is_scalar(*c);
}

static void
put_utf8(struct buffer *b, uint32_t c)
{
	if (c < 0x80) {
		put(b, (char)c);
		return;
	}
	if (c < 0x800) {
		put(b, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			put(b, (char)(0xe0 | c >> 12));
		} else {
			put(b, (char)(0xf0 | c >> 18));
			put(b, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		put(b, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	put(b, (char)(0x80 | (c & 0x3f)));
}

/* ---- UTF-8 to modified UTF-7 ---- */

struct shift {
	uint32_t	bits;
	unsigned	count;
	bool		on;
};

static void
shift_unit(struct buffer *b, struct shift *sh, uint32_t unit)
{
	sh->bits = sh->bits << 16 | unit;
	sh->count += 16;
	while (sh->count >= 6) {
		sh->count -= 6;
		put(b, base64[sh->bits >> sh->count & 0x3f]);
	}
	sh->bits &= (1u << sh->count) - 1;
}

static void
shift_off(struct buffer *b, struct shift *sh)
{
	if (!sh->on)
		return;
	if (sh->count > 0)
		put(b, base64[sh->bits << (6 - sh->count) & 0x3f]);
	put(b, '-');
	*sh = (struct shift){ 0 };
}

static void
encode_char(struct buffer *b, struct shift *sh, uint32_t c)
{
	if (is_printable(c)) {
		shift_off(b, sh);
		put(b, (char)c);
		if (c == '&')
			put(b, '-');
		return;
	}
	if (!sh->on)
		put(b, '&');
	sh->on = true;
	if (c >= 0x10000) {
		shift_unit(b, sh, 0xd800 | (c - 0x10000) >> 10);
		c = 0xdc00 | ((c - 0x10000) & 0x3ff);
	}
	shift_unit(b, sh, c);
}

/* The one place that says which characters a name may hold. */
static bool
encode(struct slice utf8, struct buffer *b)
{
	struct shift sh = { 0 };

	while (utf8.len > 0) {
		uint32_t c;

		if (!take_utf8(&utf8, &c) || !is_allowed(c))
			return false;
		encode_char(b, &sh, c);
	}
	shift_off(b, &sh);
	return !b->failed;
}

/* ---- modified UTF-7 to UTF-8 ---- */

/* One UTF-16 unit after the other; *high keeps half a surrogate pair. */
static bool
put_unit(struct buffer *b, uint32_t *high, uint32_t unit)
{
	bool is_low = unit >= 0xdc00 && unit <= 0xdfff;

	if ((*high != 0) != is_low)
		return false;
	if (unit >= 0xd800 && unit <= 0xdbff) {
		*high = unit;
		return true;
	}
	if (is_low)
		unit = 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00);
	*high = 0;
	put_utf8(b, unit);
	return true;
}

/* The base64 between "&" and "-"; *s stands behind the "&". */
static bool
decode_shift(struct slice *s, struct buffer *b)
{
	uint32_t bits = 0, high = 0;
	unsigned count = 0;

	while (s->len > 0 && s->at[0] != '-') {
		const char *digit = memchr(base64, s->at[0], 64);

		if (digit == NULL)
			return false;
		bits = (bits << 6 | (uint32_t)(digit - base64)) & 0xffffff;
		count += 6;
		if (count >= 16) {
			count -= 16;
			if (!put_unit(b, &high, bits >> count & 0xffff))
				return false;
		}
		*s = slice_skip(*s, 1);
	}
	if (s->len == 0 || high != 0)
		return false;
	*s = slice_skip(*s, 1);
	return true;
}

static bool
decode(struct slice imap, struct buffer *b)
{
	while (imap.len > 0) {
		char c = imap.at[0];

		imap = slice_skip(imap, 1);
		if (c != '&') {
			put(b, c);
		} else if (imap.len > 0 && imap.at[0] == '-') {
			put(b, '&');
			imap = slice_skip(imap, 1);
		} else if (!decode_shift(&imap, b)) {
			return false;
		}
	}
	return !b->failed;
}

/* ---- whole names ---- */

/* name is what follows the leading dot on disk. */
static bool
has_good_components(struct slice name)
{
	unsigned depth = 1;
	size_t len = 0;

	for (size_t i = 0; i < name.len; i++) {
		if (name.at[i] != FOLDER_SEPARATOR) {
			len++;
			continue;
		}
		if (len == 0)
			return false;
		depth++;
		len = 0;
	}
	return len > 0 && depth <= FOLDER_DEPTH_MAX;
}

static const struct slice inbox = { "INBOX", 5 };

/* From UTF-8 to a name; the first component is never INBOX in another case. */
static enum parse
from_utf8(struct slice utf8, struct folder_name *n)
{
	struct buffer b = { n->disk, FOLDER_NAME_MAX, 0, false };

	put(&b, FOLDER_SEPARATOR);
	if (utf8.len > FOLDER_UTF8_MAX || !encode(utf8, &b) ||
	    !has_good_components(slice_of(n->disk + 1, b.len - 1))) {
		n->disk[0] = '\0';
		return PARSE_BAD;
	}
	n->disk[b.len] = '\0';
	return PARSE_OK;
}

enum parse
folder_name_parse_utf8(struct slice utf8, struct folder_name *n)
{
	n->disk[0] = '\0';
	if (slice_equal_nocase(utf8, inbox))
		return PARSE_OK;
	return from_utf8(utf8, n);
}

enum parse
folder_name_parse(struct slice imap, struct folder_name *n)
{
	char text[FOLDER_UTF8_MAX];
	struct buffer b = { text, sizeof(text), 0, false };

	n->disk[0] = '\0';
	if (slice_equal_nocase(imap, inbox))
		return PARSE_OK;
	if (imap.len >= FOLDER_NAME_MAX || !decode(imap, &b) ||
	    from_utf8(slice_of(text, b.len), n) != PARSE_OK)
		return PARSE_BAD;
	if (!slice_equal(slice_str(n->disk + 1), imap)) {
		n->disk[0] = '\0';
		return PARSE_BAD;
	}
	return PARSE_OK;
}

enum parse
folder_name_parse_disk(struct slice disk, struct folder_name *n)
{
	n->disk[0] = '\0';
	if (disk.len < 2 || disk.at[0] != FOLDER_SEPARATOR ||
	    slice_equal_nocase(slice_skip(disk, 1), inbox))
		return PARSE_BAD;
	return folder_name_parse(slice_skip(disk, 1), n);
}

const char *
folder_name_imap(const struct folder_name *n)
{
	return folder_name_is_inbox(n) ? inbox.at : n->disk + 1;
}

void
folder_name_utf8(const struct folder_name *n, char to[FOLDER_UTF8_MAX + 1])
{
	struct buffer b = { to, FOLDER_UTF8_MAX, 0, false };
	bool ok = decode(slice_str(folder_name_imap(n)), &b);

	assert(ok);	/* only the parsers above make names */
	to[b.len] = '\0';
}

bool
folder_name_is_inbox(const struct folder_name *n)
{
	return n->disk[0] == '\0';
}

bool
folder_name_equal(const struct folder_name *a, const struct folder_name *b)
{
	return strcmp(a->disk, b->disk) == 0;
}

bool
folder_name_is_below(const struct folder_name *inferior,
    const struct folder_name *superior)
{
	size_t len = strlen(superior->disk);

	return len > 0 && strncmp(inferior->disk, superior->disk, len) == 0 &&
	    inferior->disk[len] == FOLDER_SEPARATOR;
}

bool
folder_name_superior(const struct folder_name *n, struct folder_name *superior)
{
	const char *last = strrchr(n->disk, FOLDER_SEPARATOR);

	if (last == NULL || last == n->disk)
		return false;
	*superior = *n;
	superior->disk[last - n->disk] = '\0';
	return true;
}
