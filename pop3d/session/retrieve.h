/*
 * A message on its way to the client: read in pieces, line ends made CRLF,
 * dots doubled, for TOP cut behind so many lines of the body.
 */
#ifndef POP3D_SESSION_RETRIEVE_H
#define POP3D_SESSION_RETRIEVE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/net/stream.h"
#include "common/smtp/stuff.h"

struct retrieve_piece;

struct retrieve {
	int fd; /* while active and not read to its end */
	bool		 active;
	bool ended; /* the file is read, and closed */
	struct smtp_stuff stuff;
	bool		 top;		/* count lines */
	bool		 mask;		/* 8-bit octets of the header */
	unsigned long	 lines;		/* of the body still to be sent */
	bool		 in_body;
	size_t		 line_len;	/* of the line so far, CR not counted */
	struct retrieve_piece *piece;   /* the next one; kept for the others */
};

/* Take over fd.  lines: for TOP; -1: the whole message (RETR).  mask: octets
 * beyond ASCII in the header become question marks (RFC 6856 section 2.1). */
void retrieve_begin(struct retrieve *, int fd, long lines, bool mask);
/*
 * Have the next piece ready, so that retrieve_send() finds it.  -1: the file
 * could not be read.
 */
int retrieve_prepare(struct retrieve *);
/*
 * Write the next piece.  1: more is to come.  0: the end was written.  -1:
 * the file could not be read; what the client has is not whole, and the
 * connection must break rather than look complete.
 */
int retrieve_send(struct retrieve *, struct stream *);
/* Close the file; fine at any time. */
void retrieve_end(struct retrieve *);
/* And give back what it kept. */
void retrieve_clear(struct retrieve *);

#endif
