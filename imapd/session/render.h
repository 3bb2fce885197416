/*
 * Envelope and body structure as responses have them (RFC 3501 section 7.4.2),
 * from a parsed message.  Pure and without recursion.
 */
#ifndef IMAPD_SESSION_RENDER_H
#define IMAPD_SESSION_RENDER_H

#include "common/message/structure.h"

/* Grows; at is the caller's to free.  failed: memory ran out. */
struct buffer {
	char	*at;
	size_t	 len, size;
	bool	 failed;
};

void buffer_add_slice(struct buffer *, struct slice);
/* A string, or NIL where at is NULL. */
void buffer_add_nstring(struct buffer *, struct slice);

/* A literal has octets of CHAR8, and so no NUL (RFC 9051 section 9). */
void render_hide_nuls(char *at, size_t len);

/* The envelope of the message itself. */
void render_envelope(const struct mime *, struct buffer *);
/* BODY, and with extended BODYSTRUCTURE. */
void render_structure(const struct mime *, bool extended, struct buffer *);

#endif
