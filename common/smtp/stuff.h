/*
 * Writing data for DATA, and POP3's multi-line responses: dots doubled at the
 * beginning of lines, and the end behind it (RFC 5321 section 4.5.2, RFC 1939
 * section 3).  The only such writer in the tree.
 */
#ifndef COMMON_SMTP_STUFF_H
#define COMMON_SMTP_STUFF_H

#include <stdbool.h>
#include <stddef.h>

#include "common/slice/slice.h"

/* How the output so far ends.  Begin with { 0 }. */
struct smtp_stuff {
	bool	in_line;	/* not at the beginning of a line */
	bool	after_cr;
};

enum { SMTP_STUFF_END_MAX = 5 };

/*
 * Take content from the front of *in and write it, stuffed, to out.  Returns
 * the octets written; *in is what is left because out was full (it always
 * gets on when size is at least 2).  Content has CRLF line ends and no bare CR
 * or LF: that was made sure of where it came in.
 */
size_t smtp_stuff(struct smtp_stuff *, struct slice *in, char *out,
    size_t size);

/*
 * The same for content as a Maildir has it: a line end may be LF alone, and is
 * made CRLF on the way.  Takes all of in; out holds at least 2 * in.len
 * octets.  Returns the octets written.
 */
size_t smtp_stuff_stored(struct smtp_stuff *, struct slice in, char *out);

/*
 * The end of the data: CRLF if the last line lacks it, ".", CRLF.  out has
 * SMTP_STUFF_END_MAX octets.
 */
size_t smtp_stuff_end(struct smtp_stuff *, char *out);

#endif
