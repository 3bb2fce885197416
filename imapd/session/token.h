/*
 * Tokens of the formal syntax (RFC 3501 section 9), taken from the front of a
 * complete command, whose literals stand where they were sent.  Pure.  Each
 * answers true and steps over what it took, or false, and then *in may stand
 * anywhere.
 */
#ifndef IMAPD_SESSION_TOKEN_H
#define IMAPD_SESSION_TOKEN_H

#include <stdint.h>

#include "imapd/session/arena.h"

bool take_char(struct slice *in, char c);
bool take_space(struct slice *in);
/* The word, in any case, and nothing of a longer one behind it. */
bool take_word(struct slice *in, const char *word);
bool take_atom(struct slice *in, struct slice *atom);
/* Also ] ends it: an atom inside a section. */
bool take_tag(struct slice *in, struct slice *tag);
/* quoted or literal; NULs are refused. */
bool take_string(struct slice *in, struct arena *, struct slice *);
bool take_astring(struct slice *in, struct arena *, struct slice *);
/* Also wildcards: what LIST matches with. */
bool take_list_mailbox(struct slice *in, struct arena *, struct slice *);
bool take_number(struct slice *in, uint64_t max, uint64_t *n);
/* "1-Feb-1994", quoted or not: days since 1970 (date_days). */
bool take_date(struct slice *in, int64_t *days);
/* "\" 1-Feb-1994 10:11:12 +0100\"": seconds since 1970. */
bool take_date_time(struct slice *in, int64_t *utc);

/* What an announced literal says of itself: "{12}" or "{12+}" ends a line, or
 * "~{12}" where it may hold NULs (RFC 3516). */
struct literal {
	uint64_t	len;
	bool		waits;	/* for "+ " before it is sent */
	bool		binary;
	size_t		at;	/* where it begins in the line */
};
/* line is without its line end.  PARSE_MORE: it ends in none. */
enum parse literal_at_end(struct slice line, struct literal *);
/* Is all of a command UTF-8 but what stands in its literals? */
bool command_is_utf8(struct slice in);

#endif
