/*
 * A message on its way to the client: read in pieces, line ends made CRLF,
 * dots doubled, for TOP cut behind so many lines of the body.
 */
#ifndef POP3D_SESSION_RETRIEVE_H
#define POP3D_SESSION_RETRIEVE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/mailbox/crlf.h"
#include "common/net/stream.h"
#include "common/smtp/stuff.h"

struct retrieve {
	int		 fd;		/* while active */
	bool		 active;
	struct crlf	 crlf;
	struct smtp_stuff stuff;
	bool		 top;		/* count lines */
	bool		 mask;		/* 8-bit octets of the header */
	unsigned long	 lines;		/* of the body still to be sent */
	bool		 in_body;
	size_t		 line_len;	/* of the line so far, CR not counted */
};

/* Take over fd.  lines: for TOP; -1: the whole message (RETR).  mask: octets
 * beyond ASCII in the header become question marks (RFC 6856 section 2.1). */
void retrieve_begin(struct retrieve *, int fd, long lines, bool mask);
/*
 * Write the next piece.  1: more is to come.  0: the end was written.  -1:
 * the file could not be read; what the client has is not whole, and the
 * connection must break rather than look complete.
 */
int retrieve_piece(struct retrieve *, struct stream *);
/* Close the file; fine at any time. */
void retrieve_end(struct retrieve *);

#endif
