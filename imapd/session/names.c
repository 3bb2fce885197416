/*
 * Mailbox names between client and folders: in modified UTF-7 (RFC 3501 section
 * 5.1.3), and in UTF-8 for a client that has enabled UTF8=ACCEPT (RFC 6855
 * section 3) or IMAP4rev2 (RFC 9051 section 5.1).
 */
#include <errno.h>

#include "common/unicode/normal.h"
#include "common/utf8/utf8.h"
#include "imapd/session/session.h"

bool
imap_is_rev2(const struct imap *s)
{
	return (s->enabled & ENABLE_BIT(REV2)) != 0;
}

bool
imap_is_utf8(const struct imap *s)
{
	return (s->enabled & (ENABLE_BIT(UTF8) | ENABLE_BIT(REV2))) != 0;
}

struct slice
imap_normal(struct imap *s, struct slice text)
{
	size_t room = 3 * text.len;
	char *at;
	int n;

	if (!imap_is_utf8(s) || slice_is_ascii(text) ||
	    (at = arena_alloc(&s->arena, room, 1)) == NULL)
		return text;
	n = unicode_normal(text, false, at, room);
	return n < 0 ? text : slice_of(at, (size_t)n);
}

/* The rules for what clients send (RFC 6855 section 3). */
static bool
is_net_unicode(struct slice name)
{
	while (name.len > 0) {
		size_t n =
		    (unsigned char)name.at[0] < 0x80 ? 1 : utf8_non_ascii(name);

		if (n == 0)
			return false;
		name = slice_skip(name, n);
	}
	return true;
}

/*
 * Names that clients make are in Normalization Form C.  Other programs, and
 * clients by modified UTF-7, make others, and what is there can be reached.
 */
static enum parse
parse_utf8(struct imap *s, struct slice name, struct folder_name *out)
{
	struct slice normal = imap_normal(s, name);

	if (!is_net_unicode(name))
		return PARSE_BAD;
	if (folder_name_parse_utf8(name, out) == PARSE_OK &&
	    (slice_equal(name, normal) || mailbox_exists(s->mailbox, out) == 1))
		return PARSE_OK;
	return folder_name_parse_utf8(normal, out);
}

/* RFC 3501 section 6.3.3: "a/" means a, with more to come below it. */
static struct slice
without_separator(const struct imap *s, struct slice name)
{
	if (s->command.verb == IMAP_CREATE && name.len > 1 &&
	    name.at[name.len - 1] == FOLDER_SEPARATOR)
		name.len--;
	return name;
}

int
imap_folder_name(struct imap *s, struct slice name, struct folder_name *out)
{
	name = without_separator(s, name);
	if ((imap_is_utf8(s) ? parse_utf8(s, name, out)
			     : folder_name_parse(name, out)) == PARSE_OK)
		return 0;
	imap_no(s, "[CANNOT] that cannot be the name of a mailbox");
	return -1;
}

struct slice
imap_name(const struct imap *s, const struct folder_name *name,
    char to[FOLDER_UTF8_MAX + 1])
{
	if (!imap_is_utf8(s))
		return slice_str(folder_name_imap(name));
	folder_name_utf8(name, to);
	return slice_str(to);
}

enum parse
imap_name_back(const struct imap *s, struct slice name, struct folder_name *out)
{
	return imap_is_utf8(s) ? folder_name_parse_utf8(name, out)
			       : folder_name_parse(name, out);
}

void
imap_write_name(struct imap *s, const struct folder_name *name)
{
	char text[FOLDER_UTF8_MAX + 1];

	imap_write_string(s, imap_name(s, name, text));
}

/* ---- LIST responses that nobody asked for (RFC 9051) ---- */

/* And what the folder was given. */
static void
write_attributes(struct imap *s, const struct folder_name *name)
{
	unsigned uses;

	imap_print(s, mailbox_has_inferiors(s->mailbox, name) == 1
			  ? "\\HasChildren"
			  : "\\HasNoChildren");
	if (mailbox_special_use(s->mailbox, name, &uses) == -1)
		return;
	for (unsigned use = 1; use < 1U << SPECIAL_USES; use <<= 1)
		if ((uses & use) != 0)
			imap_print(s, " %s", special_use_name(use));
}

bool
imap_name_differs(
    const struct imap *s, struct slice given, const struct folder_name *name)
{
	char text[FOLDER_UTF8_MAX + 1];

	return imap_is_rev2(s) && !slice_equal(without_separator(s, given),
				      imap_name(s, name, text));
}

void
imap_write_list(struct imap *s, const struct folder_name *name, bool exists,
    struct slice oldname)
{
	imap_print(s, "* LIST (");
	if (exists)
		write_attributes(s, name);
	else
		imap_print(s, "\\NonExistent");
	imap_print(s, ") \"%c\" ", FOLDER_SEPARATOR);
	imap_write_name(s, name);
	if (oldname.len > 0) {
		imap_print(s, " (\"OLDNAME\" (");
		imap_write_string(s, oldname);
		imap_print(s, "))");
	}
	imap_print(s, "\r\n");
}
