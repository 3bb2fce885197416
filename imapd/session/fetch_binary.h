/*
 * BINARY[...] and BINARY.SIZE[...] (RFC 3516): a part of a message with its
 * transfer encoding undone, on its way to the client.  It is decoded twice: to
 * know its length before it is announced, and to send it.
 */
#ifndef IMAPD_SESSION_FETCH_BINARY_H
#define IMAPD_SESSION_FETCH_BINARY_H

#include "common/mailbox/crlf.h"
#include "common/message/transfer.h"
#include "imapd/session/fetch_items.h"
#include "imapd/session/message.h"

struct imap;

struct binary {
	int		 fd;		/* borrowed */
	uint64_t	 from, at, end;	/* of the part, in the file */
	enum transfer_encoding encoding;
	struct transfer_state state;
	struct crlf	 crlf;
	bool		 finished;	/* all was decoded */
	uint64_t	 size;		/* measured, decoded */
	bool		 has_nul;
	uint64_t	 skip, left;	/* to be sent */
};

/* PARSE_OK; PARSE_MORE: no such part; PARSE_BAD: unknown encoding. */
enum parse binary_begin(struct binary *, const struct message_info *, int fd,
    const struct fetch_item *);
/* Measure the next piece.  1: more to come; 0: size is known; -1: errno. */
int binary_measure(struct binary *);
/* It is measured: left is what will be sent of it. */
void binary_rewind(struct binary *, const struct fetch_item *);
/* Send the next piece.  1: more to come; 0: all sent; -1: cannot be read. */
int binary_piece(struct imap *, struct binary *);

#endif
