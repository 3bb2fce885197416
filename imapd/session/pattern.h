/*
 * LIST's wildcards (RFC 3501 section 6.3.8), pure: "*" is anything, "%" is
 * anything without a separator.  No backtracking: each octet of the name is
 * looked at once for each place of the pattern.
 */
#ifndef IMAPD_SESSION_PATTERN_H
#define IMAPD_SESSION_PATTERN_H

#include "common/slice/slice.h"

#define PATTERN_MAX 512

struct pattern {
	char	at[PATTERN_MAX];	/* no two wildcards in a row */
	size_t	len;
};

/* Reference and mailbox name joined; PARSE_BAD: over PATTERN_MAX. */
enum parse pattern_make(struct slice reference, struct slice mailbox,
    struct pattern *);
bool pattern_matches(const struct pattern *, struct slice name,
    char separator);

#endif
