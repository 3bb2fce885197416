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
