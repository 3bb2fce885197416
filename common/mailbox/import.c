#include "common/mailbox/import.h"

#include <stdio.h>
#include <string.h>

/* The front of *rest up to c, which is taken too; false: there is no c. */
static bool
take_until(struct slice *rest, char c, struct slice *word)
{
	const char *at = rest->len > 0 ? memchr(rest->at, c, rest->len) : NULL;

	if (at == NULL)
		return false;
	*word = slice_of(rest->at, (size_t)(at - rest->at));
	*rest = slice_skip(*rest, word->len + 1);
	return true;
}

static struct slice
take_word(struct slice *rest)
{
	struct slice word = *rest;

	if (!take_until(rest, ' ', &word))
		*rest = slice_skip(*rest, rest->len);
	return word;
}

static bool
number(struct slice s, uint32_t max, uint32_t *n)
{
	unsigned long long v;

	if (slice_number(s, max, &v) == -1)
		return false;
	*n = (uint32_t)v;
	return true;
}

/* Without the flags; what is left must be able to be a file's name. */
static bool
file_name(struct slice s, struct slice *name)
{
	const char *info = s.len > 0 ? memchr(s.at, ':', s.len) : NULL;

	*name = slice_of(s.at, info != NULL ? (size_t)(info - s.at) : s.len);
	return name->len > 0 && name->len <= 255 && name->at[0] != '.' &&
	       memchr(name->at, '/', name->len) == NULL &&
	       memchr(name->at, '\0', name->len) == NULL;
}

bool
uidl_is_good(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~')
			return false;
	return s.len > 0 && s.len <= UIDL_LEN_MAX;
}

/* ---- dovecot-uidlist, courierimapuiddb ---- */

static void
take_guid(struct slice v, char to[33])
{
	if (v.len != 32 || slice_copy_str(v, to, 33) == -1 ||
	    strspn(to, "0123456789abcdef") != 32)
		to[0] = '\0';
}

static enum parse
header_v3(struct slice rest, struct uidlist_header *h)
{
	while (rest.len > 0) {
		struct slice w = take_word(&rest), v = slice_skip(w, w.len > 0);

		switch (w.len > 0 ? w.at[0] : '\0') {
		case 'V':
			if (!number(v, UINT32_MAX, &h->uidvalidity))
				return PARSE_BAD;
			break;
		case 'N':
			if (!number(v, UINT32_MAX, &h->next))
				return PARSE_BAD;
			break;
		case 'G':
			take_guid(v, h->guid);
			break;
		}
	}
	return h->uidvalidity != 0 ? PARSE_OK : PARSE_BAD;
}

enum parse
uidlist_header_parse(struct slice line, struct uidlist_header *h)
{
	struct slice rest = line, version = take_word(&rest);

	*h = (struct uidlist_header){ 0 };
	if (!number(version, 3, &h->version))
		return PARSE_BAD;
	if (h->version == 3)
		return header_v3(rest, h);
	if (h->version != 1 ||
	    !number(take_word(&rest), UINT32_MAX, &h->uidvalidity) ||
	    !number(take_word(&rest), UINT32_MAX, &h->next) || rest.len > 0 ||
	    h->uidvalidity == 0)
		return PARSE_BAD;
	return PARSE_OK;
}

/* Fields up to the one that begins with a colon: that is the name. */
static bool
line_v3(struct slice rest, struct uidlist_line *l)
{
	while (rest.len > 0 && rest.at[0] != ':') {
		struct slice w = take_word(&rest);

		if (w.len > 1 && w.at[0] == 'P' &&
		    uidl_is_good(slice_skip(w, 1)))
			l->uidl = slice_skip(w, 1);
	}
	return rest.len > 0 && file_name(slice_skip(rest, 1), &l->name);
}

enum parse
uidlist_line_parse(struct slice line, unsigned version, struct uidlist_line *l)
{
	struct slice rest = line;

	*l = (struct uidlist_line){ 0 };
	if (!number(take_word(&rest), UINT32_MAX - 1, &l->uid) || l->uid == 0)
		return PARSE_BAD;
	return (version == 3 ? line_v3(rest, l) : file_name(rest, &l->name))
		   ? PARSE_OK
		   : PARSE_BAD;
}

enum parse
dovecot_keyword_parse(struct slice line, unsigned *n, struct slice *name)
{
	struct slice rest = line;
	uint32_t v;

	if (!number(take_word(&rest), 25, &v) || rest.len == 0)
		return PARSE_BAD;
	*n = v;
	*name = rest;
	return PARSE_OK;
}

/* ---- courierpop3dsizelist ---- */

enum parse
sizelist_header_parse(struct slice line)
{
	struct slice rest = line, version = take_word(&rest);

	return slice_equal(version, slice_str("/2")) ||
		       slice_equal(version, slice_str("/3"))
		   ? PARSE_OK
		   : PARSE_BAD;
}

/* The last word, and the space before it, off the end of *rest. */
static bool
take_last(struct slice *rest, struct slice *word)
{
	const char *at =
	    rest->len > 0 ? memrchr(rest->at, ' ', rest->len) : NULL;

	if (at == NULL)
		return false;
	*word = slice_skip(*rest, (size_t)(at - rest->at) + 1);
	rest->len = (size_t)(at - rest->at);
	return true;
}

enum parse
sizelist_line_parse(struct slice line, struct sizelist_line *l)
{
	struct slice rest = line, ids, size, uid, uidv;
	unsigned long long n, m;

	if (!take_last(&rest, &ids) || !take_last(&rest, &size) ||
	    !file_name(rest, &l->name) || !take_until(&ids, ':', &uid))
		return PARSE_BAD;
	if (!take_until(&ids, ':', &uidv)) /* version 3 has one more */
		uidv = ids;
	if (slice_number(uid, UINT64_MAX / 2, &n) == -1 ||
	    slice_number(uidv, UINT64_MAX / 2, &m) == -1)
		return PARSE_BAD;
	l->uid = (unsigned long)n;
	l->uidv = (unsigned long)m;
	return PARSE_OK;
}

enum parse
sizelist_uidl(const struct sizelist_line *l, char to[UIDL_LEN_MAX + 1])
{
	size_t len = 0;

	if (l->uid != 0) {
		snprintf(to, UIDL_LEN_MAX + 1,
		    l->uidv != 0 ? "UID%lu-%lu" : "UID%lu", l->uid, l->uidv);
		return PARSE_OK;
	}
	for (size_t i = 0; i < l->name.len; i++) {
		char c = l->name.at[i];
		bool plain = c > ' ' && c <= '~' && strchr("'\"+", c) == NULL;

		if (len + (plain ? 1 : 3) > UIDL_LEN_MAX)
			return PARSE_BAD;
		len += (size_t)snprintf(to + len, UIDL_LEN_MAX + 1 - len,
		    plain ? "%c" : "+%02X", plain ? c : (unsigned char)c);
	}
	return PARSE_OK;
}

/* ---- courierimapkeywords/:list ---- */

enum parse
courier_keywords_parse(
    struct slice line, struct slice *name, uint64_t *keywords)
{
	struct slice rest = line, file;

	*keywords = 0;
	if (!take_until(&rest, ':', &file) || !file_name(file, name))
		return PARSE_BAD;
	while (rest.len > 0) {
		struct slice w = take_word(&rest);
		uint32_t n;

		if (w.len == 0)
			continue;
		if (!number(w, UINT32_MAX, &n))
			return PARSE_BAD;
		if (n < 64)
			*keywords |= UINT64_C(1) << n;
	}
	return PARSE_OK;
}

/* ---- subscriptions ---- */

size_t
subscription_parse(
    struct slice line, bool v2, bool courier, char to[SUBSCRIPTION_MAX])
{
	/* A name with an escape in it is none that we could have. */
	if (line.len == 0 || line.len > SUBSCRIPTION_MAX ||
	    memchr(line.at, '\1', line.len) != NULL)
		return 0;
	if (courier && line.len > 6 &&
	    slice_starts_nocase(line, slice_str("INBOX.")))
		line = slice_skip(line, 6);
	memcpy(to, line.at, line.len);
	for (size_t i = 0; v2 && i < line.len; i++)
		if (to[i] == '\t')
			to[i] = '.';
	return line.len;
}
