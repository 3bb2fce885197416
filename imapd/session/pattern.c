#include "imapd/session/pattern.h"

static bool
is_wild(char c)
{
	return c == '*' || c == '%';
}

/* "**" and "*%" say no more than "*". */
static enum parse
add(struct pattern *p, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (p->len > 0 && is_wild(c) && is_wild(p->at[p->len - 1])) {
			if (c == '*')
				p->at[p->len - 1] = '*';
			continue;
		}
		if (p->len == PATTERN_MAX)
			return PARSE_BAD;
		p->at[p->len++] = c;
	}
	return PARSE_OK;
}

static char
upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* INBOX is INBOX in any case (section 5.1). */
static void
make_upper(struct pattern *p)
{
	for (size_t i = 0; i < p->len; i++)
		p->at[i] = upper(p->at[i]);
}

enum parse
pattern_make(struct slice reference, struct slice mailbox, struct pattern *p)
{
	p->len = 0;
	if (add(p, reference) != PARSE_OK || add(p, mailbox) != PARSE_OK)
		return PARSE_BAD;
	return PARSE_OK;
}

/*
 * at[k] of the set says: the pattern's first k characters can match what was
 * read of the name.
 */
static void
skip_wildcards(const struct pattern *p, bool *at)
{
	for (size_t k = 0; k < p->len; k++)
		if (at[k] && is_wild(p->at[k]))
			at[k + 1] = true;
}

static bool
matches(const struct pattern *p, struct slice name, char separator)
{
	bool at[PATTERN_MAX + 1] = { true }, any = true;

	skip_wildcards(p, at);
	for (size_t i = 0; i < name.len && any; i++) {
		char c = name.at[i];

		any = false;
		for (size_t k = p->len + 1; k-- > 0;) {
			char w = k < p->len ? p->at[k] : '\0';
			bool stays = k < p->len && at[k] &&
			    (w == '*' || (w == '%' && c != separator));
			bool comes = k > 0 && at[k - 1] &&
			    !is_wild(p->at[k - 1]) && p->at[k - 1] == c;

			at[k] = stays || comes;
			any |= at[k];
		}
		skip_wildcards(p, at);
	}
	return any && at[p->len];
}

bool
pattern_matches(const struct pattern *p, struct slice name, char separator)
{
	struct pattern inbox;

	if (!slice_equal(name, SLICE_LITERAL("INBOX")))
		return matches(p, name, separator);
	inbox = *p;
	make_upper(&inbox);
	return matches(&inbox, name, separator);
}
