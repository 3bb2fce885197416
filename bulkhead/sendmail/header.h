/* The header section of a message on its way in. */
#ifndef BULKHEAD_SENDMAIL_HEADER_H
#define BULKHEAD_SENDMAIL_HEADER_H

#include "bulkhead/sendmail/input.h"
#include "bulkhead/sendmail/sendmail.h"

/* Text that grows, up to SENDMAIL_HEADER_MAX. */
struct text {
	char	*at;
	size_t	 len, room;
};

/* -1 with errno when it would grow over the limit or memory is short. */
int text_add(struct text *, struct slice);
void text_clear(struct text *);

struct header {
	struct text	kept;		/* fields to be sent, lines with CRLF */
	struct text	first_body;	/* a line read too far, without end */
	bool		body_follows;	/* more input is there to be sent */
	bool		first_body_open;/* that line goes on in the input */
	bool		has_from;
	bool		has_resent;	/* any Resent- field */
	struct address_list to;		/* of To, Cc, Bcc */
	struct address_list resent_to;	/* of Resent-To, -Cc, -Bcc */
};

/*
 * Read the header section: up to the empty line, or to the first line that
 * is no field and no continuation of one, which then begins the body.
 *
 * Left out: a first line "From " of an mbox, Bcc and Resent-Bcc, and
 * Return-Path (RFC 5321 section 4.4).  With addresses, the mailboxes of the
 * recipient fields are collected.
 *
 * Returns 0, or an exit status of <sysexits.h> with its sentence printed.
 */
int header_read(struct header *, struct input *, bool addresses);
void header_clear(struct header *);

#endif
