/* The words of hide_capabilities (imapd.conf), pure. */
#ifndef IMAPD_SESSION_HIDE_H
#define IMAPD_SESSION_HIDE_H

#include "imapd/session/capability.h"

struct hide {
	struct slice	 account;	/* "*": everybody */
	enum imap_capability capability;
};

/* "bob:IDLE".  PARSE_BAD: a part is missing, or it is no capability that can be
 * hidden. */
enum parse hide_parse(struct slice word, struct hide *);

#endif
