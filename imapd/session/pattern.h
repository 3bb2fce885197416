/*
 * LIST's wildcards (RFC 3501 section 6.3.8), pure: "*" is anything, "%" is
 * anything without a separator.  No backtracking: all the places in the pattern
 * that could match what was read so far are one set of bits, so an octet of the
 * name costs one operation for each 64 octets of the pattern, whatever both are.
 */
#ifndef IMAPD_SESSION_PATTERN_H
#define IMAPD_SESSION_PATTERN_H

#include <stdint.h>

#include "common/slice/slice.h"

enum {
	PATTERN_MAX = 511,	/* octets, wildcards that follow each other
				 * counted as one */
	PATTERN_WORDS = (PATTERN_MAX + 1) / 64
};

struct pattern {
	size_t		words;		/* that are in use */
	size_t		len;
	/* bit k: the pattern's octet k is this octet; is a wildcard; is "*" */
	uint64_t	octet[256][PATTERN_WORDS];
	uint64_t	wild[PATTERN_WORDS], star[PATTERN_WORDS];
};

/* Reference and mailbox name joined; PARSE_BAD: over PATTERN_MAX. */
enum parse pattern_make(struct slice reference, struct slice mailbox,
    struct pattern *);
/*
 * Does it match?  INBOX in the pattern is INBOX in any case (section 5.1), so of
 * that name letters are compared without it.  steps, if not NULL, counts the
 * operations, for tests.
 */
bool pattern_matches(const struct pattern *, struct slice name,
    char separator, uint64_t *steps);

#endif
