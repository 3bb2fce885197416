/*
 * Line ends: LF as stored, CRLF as sent (pure).  A CR that stands before its LF
 * already (files of other programs) is not doubled.  Works over any division
 * into pieces.
 */
#ifndef COMMON_MAILBOX_CRLF_H
#define COMMON_MAILBOX_CRLF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crlf {
	bool	after_cr;	/* the piece before ended in CR */
};

/* How many octets len octets of in become in CRLF form. */
size_t crlf_expanded_len(struct crlf *, const char *in, size_t len);
/* Write that form; out holds at least 2 * len octets.  Returns its length. */
size_t crlf_expand(struct crlf *, const char *in, size_t len, char *out);
/*
 * The way back: each CRLF becomes LF, other CRs stay.  out holds at least len + 1
 * octets (a CR kept from the piece before).  At the end crlf_reduce_end says
 * whether one CR is still owed.
 */
size_t crlf_reduce(struct crlf *, const char *in, size_t len, char *out);
bool crlf_reduce_end(struct crlf *);

#endif
