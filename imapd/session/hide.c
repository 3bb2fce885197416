#include "imapd/session/hide.h"

enum parse
hide_parse(struct slice word, struct hide *h)
{
	const char *colon = word.len > 0 ? memchr(word.at, ':', word.len) :
					   NULL;

	if (colon == NULL || colon == word.at)
		return PARSE_BAD;
	h->account = slice_of(word.at, (size_t)(colon - word.at));
	h->capability = imap_capability_of(
	    slice_skip(word, h->account.len + 1));
	return h->capability == IMAP_CAPABILITIES_LEN ||
	    h->capability == CAPABILITY_IMAP4REV1 ? PARSE_BAD : PARSE_OK;
}

imap_capability_set
hide_from(const struct settings_words *words, struct slice user)
{
	imap_capability_set hidden = 0;
	struct hide h;

	for (size_t i = 0; i < words->n; i++)
		if (hide_parse(slice_str(words->at[i]), &h) == PARSE_OK &&
		    (slice_equal(h.account, SLICE_LITERAL("*")) ||
			slice_equal_nocase(h.account, user)))
			hidden |= UINT64_C(1) << h.capability;
	if ((hidden & CAPABILITY_BIT(LITERAL_PLUS)) == 0)
		hidden |= CAPABILITY_BIT(LITERAL_MINUS);
	return hidden;
}
