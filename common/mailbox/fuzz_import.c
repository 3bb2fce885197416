/*
 * The first octet chooses the format; each line of the rest is parsed as one of
 * its.  What comes out lies inside the line and can be a file's name.
 */
#include <stdlib.h>
#include <string.h>

#include "common/mailbox/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_inside(struct slice line, struct slice part)
{
	if (part.len > 0 &&
	    (part.at < line.at || part.at + part.len > line.at + line.len))
		abort();
}

static void
check_name(struct slice line, struct slice name)
{
	check_inside(line, name);
	if (name.len == 0 || name.len > 255 || name.at[0] == '.' ||
	    memchr(name.at, '/', name.len) != NULL ||
	    memchr(name.at, '\0', name.len) != NULL)
		abort();
}

static void
try_uidlist(struct slice line)
{
	struct uidlist_header h;
	struct uidlist_line l;

	if (uidlist_header_parse(line, &h) == PARSE_OK &&
	    (h.uidvalidity == 0 || (h.guid[0] != '\0' && strlen(h.guid) != 32)))
		abort();
	for (unsigned version = 1; version <= 3; version += 2) {
		if (uidlist_line_parse(line, version, &l) != PARSE_OK)
			continue;
		check_name(line, l.name);
		check_inside(line, l.uidl);
		if (l.uid == 0 || l.uid == UINT32_MAX ||
		    (l.uidl.len > 0 && !uidl_is_good(l.uidl)))
			abort();
	}
}

static void
try_keywords(struct slice line)
{
	struct slice name;
	uint64_t bits;
	unsigned n;

	if (dovecot_keyword_parse(line, &n, &name) == PARSE_OK) {
		check_inside(line, name);
		if (n > 25)
			abort();
	}
	if (courier_keywords_parse(line, &name, &bits) == PARSE_OK)
		check_name(line, name);
}

static void
try_sizelist(struct slice line)
{
	char uidl[UIDL_LEN_MAX + 1];
	struct sizelist_line l;

	sizelist_header_parse(line);
	if (sizelist_line_parse(line, &l) != PARSE_OK)
		return;
	check_name(line, l.name);
	if (sizelist_uidl(&l, uidl) == PARSE_OK &&
	    !uidl_is_good(slice_str(uidl)))
		abort();
}

static void
try_subscriptions(struct slice line)
{
	char to[SUBSCRIPTION_MAX];

	for (int how = 0; how < 4; how++)
		if (subscription_parse(line, how & 1, how & 2, to) > line.len)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const formats[])(struct slice) = {
		try_uidlist,
		try_keywords,
		try_sizelist,
		try_subscriptions,
	};
	struct slice rest;

	if (size < 1)
		return 0;
	rest = slice_of(data + 1, size - 1);
	while (rest.len > 0) {
		const char *end = memchr(rest.at, '\n', rest.len);
		size_t n = end != NULL ? (size_t)(end - rest.at) : rest.len;

		formats[data[0] % 4](slice_of(rest.at, n));
		rest = slice_skip(rest, end != NULL ? n + 1 : n);
	}
	return 0;
}
