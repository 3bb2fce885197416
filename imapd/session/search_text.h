/*
 * Looking for strings in text that comes in pieces (pure): without regard to
 * case of ASCII letters, all strings in one pass, linear in the text for each.
 */
#ifndef IMAPD_SESSION_SEARCH_TEXT_H
#define IMAPD_SESSION_SEARCH_TEXT_H

#include <stdint.h>

#include "imapd/session/arena.h"

struct needle {
	struct slice	 text;		/* lower case */
	uint32_t	*fail;		/* Knuth, Morris, Pratt */
	size_t		 at;		/* matched so far */
	bool		 found;
};

/* -1: no memory.  An empty string is found everywhere. */
int needle_init(struct needle *, struct slice text, struct arena *);
/* Begin another text; found is kept. */
void needle_restart(struct needle *);
void needle_feed(struct needle *, struct slice text);

#endif
