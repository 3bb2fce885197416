/* The words of hide_capabilities (imapd.conf), pure.  For the gate, too. */
#ifndef IMAPD_SESSION_HIDE_H
#define IMAPD_SESSION_HIDE_H

#include "common/settings/settings.h"
#include "imapd/session/capability.h"

struct hide {
	struct slice	 account;	/* "*": everybody */
	enum imap_capability capability;
};

/* "bob:IDLE".  PARSE_BAD: a part is missing, or it is no capability that can be
 * hidden. */
enum parse hide_parse(struct slice word, struct hide *);

/*
 * What is not announced to this user; before there is one, with user empty,
 * what is hidden from everybody.  One of LITERAL+ and LITERAL- is always in it
 * (RFC 7888 section 5): the second, unless the first is hidden.
 */
imap_capability_set hide_from(const struct settings_words *, struct slice user);

#endif
