#include "resolver/host_files.h"

#include <stdbool.h>

static struct slice
take_line(struct slice *rest)
{
	const char *lf = memchr(rest->at, '\n', rest->len);
	struct slice line = *rest;

	if (lf != NULL)
		line.len = (size_t)(lf - rest->at);
	*rest = slice_skip(*rest, line.len + (lf != NULL));
	return line;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line; empty at its end. */
static struct slice
take_word(struct slice *line)
{
	struct slice word;

	while (line->len > 0 && blank(line->at[0]))
		*line = slice_skip(*line, 1);
	word = slice_of(line->at, 0);
	while (word.len < line->len && !blank(line->at[word.len]))
		word.len++;
	*line = slice_skip(*line, word.len);
	return word;
}

size_t
nameservers_read(struct slice text, struct net_address *out)
{
	size_t n = 0;

	while (text.len > 0 && n < NAMESERVERS_MAX) {
		struct slice line = take_line(&text);

		if (!slice_equal(take_word(&line),
		    SLICE_LITERAL("nameserver")))
			continue;
		if (net_address_parse(take_word(&line), &out[n]) == PARSE_OK)
			n++;
	}
	return n;
}

static struct slice
without_comment(struct slice line)
{
	const char *semicolon = memchr(line.at, ';', line.len);

	if (semicolon != NULL)
		line.len = (size_t)(semicolon - line.at);
	return line;
}

/* Printable, and nothing that a zone file gives a meaning: a backslash, a
 * quote, a parenthesis, a dollar. */
static bool
plain(struct slice word)
{
	for (size_t i = 0; i < word.len; i++)
		if (word.at[i] <= ' ' || word.at[i] > '~' ||
		    strchr("\\\"()$@", word.at[i]) != NULL)
			return false;
	return true;
}

static bool
is_type(struct slice word)
{
	return slice_equal_nocase(word, SLICE_LITERAL("DS")) ||
	    slice_equal_nocase(word, SLICE_LITERAL("DNSKEY"));
}

/* owner, perhaps TTL and class in either order, then the type. */
static bool
begins_well(struct slice words[4], size_t n)
{
	unsigned long long ttl;

	for (size_t i = 1; i < n && i < 4; i++) {
		if (is_type(words[i]))
			return true;
		if (!slice_equal_nocase(words[i], SLICE_LITERAL("IN")) &&
		    slice_number(words[i], UINT32_MAX, &ttl) == -1)
			return false;
	}
	return false;
}

/* The words of the line with one space between them. */
static enum parse
anchor_line(struct slice line, char out[ANCHOR_MAX])
{
	struct slice first[4], word;
	size_t words = 0, len = 0;

	while ((word = take_word(&line)).len > 0) {
		if (!plain(word) || word.len >= ANCHOR_MAX - len - 1)
			return PARSE_BAD;
		if (words < 4)
			first[words] = word;
		if (words++ > 0)
			out[len++] = ' ';
		memcpy(out + len, word.at, word.len);
		len += word.len;
	}
	out[len] = '\0';
	if (words == 0)
		return PARSE_MORE;
	return words >= 6 && begins_well(first, words) ? PARSE_OK : PARSE_BAD;
}

enum parse
anchor_next(struct slice *rest, unsigned *line, char out[ANCHOR_MAX])
{
	enum parse p = PARSE_MORE;

	while (p == PARSE_MORE && rest->len > 0) {
		++*line;
		p = anchor_line(without_comment(take_line(rest)), out);
	}
	return p;
}
