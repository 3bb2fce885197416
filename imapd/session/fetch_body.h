/*
 * A section of a message on its way to the client: read in pieces, line ends
 * made CRLF, a part of it when FETCH asks for <start.length>.
 */
#ifndef IMAPD_SESSION_FETCH_BODY_H
#define IMAPD_SESSION_FETCH_BODY_H

#include "common/mailbox/crlf.h"
#include "imapd/session/fetch_items.h"
#include "imapd/session/message.h"

struct buffer;
struct imap;

/*
 * Where in a section the piece before ended, so that fetching it slice by
 * slice does not read it again from its start each time.
 */
struct body_place {
	uint32_t	uid;		/* 0: nowhere */
	uint64_t	from;		/* of the section, in the file */
	uint64_t	raw;		/* in the file */
	uint64_t	octets;		/* of the section before raw */
	struct crlf	crlf;
};

struct body {
	int		 fd;		/* borrowed */
	uint32_t	 uid;
	uint64_t	 from;		/* where the section begins in it */
	uint64_t	 raw, end;	/* in the file: next octet, and the end */
	struct crlf	 crlf;
	uint64_t	 octets;	/* of the section before raw */
	uint64_t	 skip;		/* of what comes, not wanted */
	uint64_t	 left;		/* still to be sent */
	struct slice	 text;		/* instead of the file: header fields */
	char		*text_owned;
};

/* The part that numbers name (RFC 3501 section 6.4.5); NULL: there is none. */
const struct part_place *body_find_part(const struct message_info *,
    const uint32_t *number, size_t n);

/*
 * Find the section.  1: found, b is ready and b->left is what it will send.  0:
 * there is no such part.  -1: errno.
 */
int body_begin(struct body *, const struct message_info *, int fd,
    const struct fetch_item *, uint32_t uid, const struct body_place *);
/* Instead of a section of the file, these octets, which are b's from now on;
 * of them what the item wants.  -1: no memory, and none is kept. */
int body_of_text(struct body *, const struct fetch_item *, struct buffer *);
/* Send the next piece.  1: more to come; 0: all sent; -1: cannot be read. */
int body_piece(struct imap *, struct body *);
void body_end(struct body *);

#endif
