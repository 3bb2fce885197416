/*
 * Looking for strings in text that comes in pieces (pure): without regard to case
 * and composition of characters (RFC 5051), all strings in one pass, linear in
 * the text for each.
 */
#ifndef IMAPD_SESSION_SEARCH_TEXT_H
#define IMAPD_SESSION_SEARCH_TEXT_H

#include <stdint.h>

#include "imapd/session/arena.h"

struct needle {
	struct slice	 text;		/* mapped (common/unicode/casemap.h) */
	uint32_t	*fail;		/* Knuth, Morris, Pratt */
	size_t		 at;		/* matched so far */
	bool		 found;
};

/* -1: no memory.  An empty string is found everywhere. */
int needle_init(struct needle *, struct slice text, struct arena *);
/* Begin another text; found is kept. */
void needle_restart(struct needle *);
/* Letters of ASCII become capitals, as needle_feed compares them. */
void search_capitals(char *, size_t len);
/* Mapped text, or ASCII in any case. */
void needle_feed(struct needle *, struct slice text);

/* Text on its way to needles: whole characters, mapped where they need it. */
struct mapping {
	char	held[4];		/* a character that is not whole */
	size_t	held_len;
};
typedef void mapping_to(void *ctx, struct slice mapped);
void mapping_feed(struct mapping *, struct slice utf8, mapping_to *, void *ctx);
/* The text has ended. */
void mapping_end(struct mapping *, mapping_to *, void *ctx);

#endif
