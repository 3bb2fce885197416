/* The types of settings: from text to value. */
#include "common/settings/internal.h"

#include <arpa/inet.h>
#include <assert.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>

struct unit {
	char letter;
	uint64_t factor;
};

static const struct unit seconds_units[] = {
	{ 's', 1 },
	{ 'm', 60 },
	{ 'h', 3600 },
	{ 'd', 86400 },
	{ 'w', 604800 },
	{ 0, 0 },
};
static const struct unit size_units[] = {
	{ 'K', 1ULL << 10 },
	{ 'M', 1ULL << 20 },
	{ 'G', 1ULL << 30 },
	{ 'T', 1ULL << 40 },
	{ 'k', 1ULL << 10 },
	{ 0, 0 },
};
static const struct unit no_units[] = { { 0, 0 } };

/* One value being parsed. */
struct work {
	struct settings *s;
	const struct setting *row;
	char *why;
	size_t size;
};

typedef int value_parser(struct work *, struct slice, void *);

struct value_type {
	const char *wants;
	value_parser *parse;
};

__attribute__((format(printf, 2, 3))) static int
wrong(struct work *w, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(w->why, w->size, format, ap);
	va_end(ap);
	return -1;
}

static int
no_memory(struct work *w)
{
	return wrong(w, "no memory for it: free some and try again");
}

static int
not_wanted(struct work *w)
{
	return wrong(w, "not understood: write %s", setting_wants(w->row));
}

static const struct unit *
units_of(enum setting_type type)
{
	return type == SETTING_SECONDS ? seconds_units
	       : type == SETTING_SIZE  ? size_units
				       : no_units;
}

/* Digits and perhaps a unit's letter. */
static int
number_parse(struct slice text, const struct unit *units, uint64_t *n)
{
	unsigned long long v;
	uint64_t factor = 1;

	for (; text.len > 0 && units->letter != 0; units++)
		if (text.at[text.len - 1] == units->letter) {
			factor = units->factor;
			text.len--;
			break;
		}
	if (slice_number(text, UINT64_MAX, &v) == -1)
		return -1;
	return __builtin_mul_overflow((uint64_t)v, factor, n) ? -1 : 0;
}

/* A limit from the table: a fault there is ours. */
static uint64_t
limit(const struct setting *row, const char *text)
{
	uint64_t n = 0;
	int r = number_parse(slice_str(text), units_of(row->type), &n);

	assert(r == 0);
	(void)r;
	return n;
}

static int
in_range(struct work *w, uint64_t n, const char *less, const char *more)
{
	if (n < limit(w->row, w->row->min))
		return wrong(w, "too %s: the least is %s", less, w->row->min);
	if (n > limit(w->row, w->row->max))
		return wrong(
		    w, "too %s: the greatest is %s", more, w->row->max);
	return 0;
}

static int
parse_number(struct work *w, struct slice text, void *to)
{
	uint64_t n;

	if (number_parse(text, units_of(w->row->type), &n) == -1)
		return not_wanted(w);
	if (in_range(w, n, "small", "great") == -1)
		return -1;
	*(uint64_t *)to = n;
	return 0;
}

static int
parse_bool(struct work *w, struct slice text, void *to)
{
	static const char *const words[] = { "no", "yes", "off", "on", "false",
		"true" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_equal(text, slice_str(words[i]))) {
			*(bool *)to = i % 2 == 1;
			return 0;
		}
	return not_wanted(w);
}

static int
parse_enum(struct work *w, struct slice text, void *to)
{
	const char *at = w->row->min;

	for (int i = 0;; i++) {
		size_t len = strcspn(at, "|");

		if (slice_equal(text, slice_of(at, len))) {
			*(int *)to = i;
			return 0;
		}
		if (at[len] == '\0')
			return wrong(
			    w, "not one of the choices: write %s", w->row->min);
		at += len + 1;
	}
}

/*
 * Take one word, bare or quoted, from the front of *in: blanks and commas
 * separate.  PARSE_MORE: there is none left.  The word is a copy without its
 * quotes and backslashes.
 */
static enum parse
take_word(struct work *w, struct slice *in, const char **word)
{
	char buffer[SETTINGS_LINE_MAX];
	size_t n = 0, i = 0;
	bool quoted;

	while (i < in->len && strchr(" \t,", in->at[i]) != NULL)
		i++;
	if (i == in->len)
		return PARSE_MORE;
	quoted = in->at[i] == '"';
	i += quoted;
	for (; i < in->len; i++) {
		char c = in->at[i];

		if (quoted ? c == '"' : strchr(" \t,", c) != NULL)
			break;
		if (c == '"' || (!quoted && c == '\\'))
			return PARSE_BAD;
		if (c == '\\' && ++i == in->len)
			return PARSE_BAD;
		if (n == sizeof(buffer))
			return PARSE_BAD;
		buffer[n++] = in->at[i];
	}
	if (quoted && i++ == in->len)
		return PARSE_BAD;
	*in = slice_skip(*in, i);
	*word = settings_copy(w->s, slice_of(buffer, n));
	return *word == NULL ? PARSE_BAD : PARSE_OK;
}

/* Bare text stands for itself, blanks within included. */
static int
parse_string(struct work *w, struct slice text, void *to)
{
	const char *s, *more;

	if (text.len > 0 && text.at[0] == '"') {
		if (take_word(w, &text, &s) != PARSE_OK)
			return wrong(w, "the closing quote is missing: "
					"write \"text\", with \\\" for a "
					"quote within");
		if (take_word(w, &text, &more) != PARSE_MORE)
			return wrong(w, "text behind the closing quote: put "
					"all of it between the quotes");
	} else if ((s = settings_copy(w->s, text)) == NULL) {
		return no_memory(w);
	}
	if (w->row->type == SETTING_PATH) {
		if (s[0] != '/')
			return wrong(w, "not an absolute path: begin it "
					"with /");
	} else if (in_range(w, strlen(s), "short", "long") == -1) {
		return -1;
	}
	*(const char **)to = s;
	return 0;
}

static int
parse_words(struct work *w, struct slice text, void *to)
{
	struct settings_words list = { 0 };
	const char *words[SETTINGS_LIST_MAX];
	enum parse r;

	while ((r = take_word(w, &text, &words[list.n])) == PARSE_OK)
		if (++list.n == SETTINGS_LIST_MAX)
			return wrong(w, "too many words: the greatest is %d",
			    SETTINGS_LIST_MAX - 1);
	if (r == PARSE_BAD)
		return wrong(w, "a quote or backslash out of place: write "
				"words, or \"text\" with \\\" for a quote "
				"within");
	if (in_range(w, list.n, "few", "many") == -1)
		return -1;
	list.at = settings_alloc(w->s, list.n + 1, sizeof(list.at[0]));
	if (list.at == NULL)
		return no_memory(w);
	memcpy(list.at, words, list.n * sizeof(words[0]));
	*(struct settings_words *)to = list;
	return 0;
}

static void
address4(struct settings_address *a, struct in_addr ip, uint16_t port)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)&a->sa;

	sin->sin_family = AF_INET;
	sin->sin_port = htons(port);
	sin->sin_addr = ip;
	a->len = sizeof(*sin);
}

static void
address6(struct settings_address *a, struct in6_addr ip, uint16_t port)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&a->sa;

	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(port);
	sin6->sin6_addr = ip;
	a->len = sizeof(*sin6);
}

/* Returns how many entries word gives: 2 for *:25, 0 when it is wrong. */
static size_t
address_parse(const char *word, struct settings_address *a)
{
	const char *colon = strrchr(word, ':');
	char host[INET6_ADDRSTRLEN];
	unsigned long long port;
	struct in6_addr ip6;
	struct in_addr ip4;
	size_t len;

	if (colon == NULL ||
	    slice_number(slice_str(colon + 1), 65535, &port) == -1 || port == 0)
		return 0;
	len = (size_t)(colon - word);
	if (len == 1 && word[0] == '*') {
		address4(&a[0], (struct in_addr){ INADDR_ANY }, (uint16_t)port);
		address6(&a[1], in6addr_any, (uint16_t)port);
		return 2;
	}
	if (len > 2 && word[0] == '[' && word[len - 1] == ']') {
		if (slice_copy_str(slice_of(word + 1, len - 2), host,
			sizeof(host)) == -1 ||
		    inet_pton(AF_INET6, host, &ip6) != 1)
			return 0;
		address6(a, ip6, (uint16_t)port);
		return 1;
	}
	if (slice_copy_str(slice_of(word, len), host, sizeof(host)) == -1 ||
	    inet_pton(AF_INET, host, &ip4) != 1)
		return 0;
	address4(a, ip4, (uint16_t)port);
	return 1;
}

static int
parse_addresses(struct work *w, struct slice text, void *to)
{
	struct settings_addresses list = { 0 };
	struct settings_words words = { 0 };

	if (parse_words(w, text, &words) == -1)
		return -1;
	/* NOLINTNEXTLINE: parse_words has set words.n when it answers 0 */
	list.at = settings_alloc(w->s, words.n * 2 + 1, sizeof(list.at[0]));
	if (list.at == NULL)
		return no_memory(w);
	for (size_t i = 0; i < words.n; i++) {
		size_t n = address_parse(words.at[i], &list.at[list.n]);

		if (n == 0)
			return wrong(w, "\"%.64s\" is not an address: write %s",
			    words.at[i], setting_wants(w->row));
		list.n += n;
	}
	*(struct settings_addresses *)to = list;
	return 0;
}

static const struct value_type types[] = {
	[SETTING_BOOL] = { "yes or no", parse_bool },
	[SETTING_SECONDS] = { "a time such as 90, 10s, 5m, 2h, 5d or 1w",
	    parse_number },
	[SETTING_SIZE] = { "a size such as 512, 64K, 35M or 2G", parse_number },
	[SETTING_COUNT] = { "a number", parse_number },
	[SETTING_STRING] = { "text", parse_string },
	[SETTING_PATH] = { "an absolute path", parse_string },
	[SETTING_ENUM] = { "one of the choices", parse_enum },
	[SETTING_WORDS] = { "words with blanks between", parse_words },
	[SETTING_ADDRESSES] = { "addresses such as 192.0.2.1:25, "
				"[2001:db8::1]:25 or *:25",
	    parse_addresses },
};

int
setting_parse(struct settings *s, const struct setting *row, struct slice text,
    void *to, char *why, size_t size)
{
	struct work w = { .s = s, .row = row, .why = why, .size = size };

	return types[row->type].parse(&w, text, to);
}

const char *
setting_wants(const struct setting *row)
{
	return types[row->type].wants;
}
