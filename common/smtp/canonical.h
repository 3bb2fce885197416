/*
 * Is content what it must be to be sent: lines that end in CRLF, and no CR or
 * LF anywhere else (RFC 5321 section 2.3.8)?  Only then can no peer, however
 * forgiving, take a part of it for the end of the data and the rest for
 * commands.  Content was checked when it came in; this is the border where it
 * leaves.
 */
#ifndef COMMON_SMTP_CANONICAL_H
#define COMMON_SMTP_CANONICAL_H

#include <stdbool.h>

#include "common/slice/slice.h"

/* Begin with { 0 }. */
struct smtp_canonical {
	bool	after_cr;	/* the octets so far end in CR */
};

/* The next octets; false when they, or they behind the last ones, are not. */
bool smtp_canonical_take(struct smtp_canonical *, struct slice);

/* No more comes: does it not end in the middle of a CRLF? */
static inline bool
smtp_canonical_end(const struct smtp_canonical *c)
{
	return !c->after_cr;
}

#endif
