#include "imapd/session/pattern.h"

#include <string.h>

static bool
is_wild(char c)
{
	return c == '*' || c == '%';
}

static void
set_bit(uint64_t *set, size_t k)
{
	set[k / 64] |= UINT64_C(1) << k % 64;
}

/* "**" and "*%" say no more than "*". */
static enum parse
squeeze(struct slice s, char *at, size_t *len)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (*len > 0 && is_wild(c) && is_wild(at[*len - 1])) {
			if (c == '*')
				at[*len - 1] = '*';
			continue;
		}
		if (*len == PATTERN_MAX)
			return PARSE_BAD;
		at[(*len)++] = c;
	}
	return PARSE_OK;
}

enum parse
pattern_make(struct slice reference, struct slice mailbox, struct pattern *p)
{
	char at[PATTERN_MAX];

	memset(p, 0, sizeof(*p));
	if (squeeze(reference, at, &p->len) != PARSE_OK ||
	    squeeze(mailbox, at, &p->len) != PARSE_OK)
		return PARSE_BAD;
	p->words = p->len / 64 + 1;
	for (size_t k = 0; k < p->len; k++) {
		/* NOLINTNEXTLINE: squeeze() has written len of them */
		if (!is_wild(at[k])) {
			set_bit(p->octet[(unsigned char)at[k]], k);
			continue;
		}
		set_bit(p->wild, k);
		if (at[k] == '*')
			set_bit(p->star, k);
	}
	return PARSE_OK;
}

/* Bit k of at: the pattern's first k octets can match what was read. */
struct places {
	uint64_t	at[PATTERN_WORDS];
};

/* A wildcard can match nothing; there are no two in a row. */
static void
step_over_wildcards(const struct pattern *p, struct places *s)
{
	uint64_t carry = 0;

	for (size_t w = 0; w < p->words; w++) {
		uint64_t over = s->at[w] & p->wild[w];

		s->at[w] |= over << 1 | carry;
		carry = over >> 63;
	}
}

static const uint64_t *
places_of(const struct pattern *p, char c)
{
	return p->octet[(unsigned char)c];
}

/* One octet of the name, which may stand for two in the pattern (INBOX). */
static bool
read_octet(const struct pattern *p, struct places *s, char c, char other,
    bool separator)
{
	const uint64_t *a = places_of(p, c), *b = places_of(p, other);
	uint64_t carry = 0, any = 0;

	for (size_t w = 0; w < p->words; w++) {
		uint64_t go = s->at[w] & (a[w] | b[w]);
		uint64_t stay = s->at[w] & (separator ? p->star[w] : p->wild[w]);

		s->at[w] = stay | go << 1 | carry;
		carry = go >> 63;
		any |= s->at[w];
	}
	step_over_wildcards(p, s);
	return any != 0;
}

bool
pattern_matches(const struct pattern *p, struct slice name, char separator,
    uint64_t *steps)
{
	bool inbox = slice_equal(name, SLICE_LITERAL("INBOX"));
	struct places s = { { 1 } };
	bool any = true;

	step_over_wildcards(p, &s);
	for (size_t i = 0; i < name.len && any; i++) {
		char c = name.at[i];
		char other = inbox ? (char)(c - 'A' + 'a') : c;

		any = read_octet(p, &s, c, other, c == separator);
		if (steps != NULL)
			*steps += p->words;
	}
	return any && (s.at[p->len / 64] >> p->len % 64 & 1) != 0;
}
