/*
 * DELIVER and DELIVERED: one message for one recipient.
 *
 * queue-manager sends DELIVER to local-delivery, with the content's
 * descriptor; local-delivery sends it on to the worker of the mailbox's owner.
 * Each is answered by exactly one DELIVERED, after the message would survive
 * a power cut or with the reason why it was not delivered.
 *
 * The descriptor is read with pread only: a sealed memfd, or a read-only
 * regular file in which the content begins at content_offset.
 */
#ifndef COMMON_IPC_DELIVERY_H
#define COMMON_IPC_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice/slice.h"

enum {
	DELIVERY_ADDRESS_MAX = 1024,	/* octets; RFC 5321 wants at least 256 */
	DELIVERY_ORCPT_MAX = 2048,	/* RFC 3461 section 4.2: xtext grows */
	DELIVERY_DETAIL_MAX = 256,
	DELIVERY_TEXT_MAX = 1024,
	DELIVERY_BODY_MAX = 8192	/* of DELIVER */
};

struct delivery {
	uint64_t	queue_id;
	/* 64 random bits, chosen when the spool was made or restored: with
	 * queue id and recipient number it names this delivery for ever. */
	uint64_t	nonce;
	uint32_t	number;		/* of the recipient in this message */
	/* An earlier attempt's outcome is unknown: look for its file first. */
	bool		maybe_delivered;
	/* Another one for this mailbox follows at once: they go together.
	 * False from queue-manager, set by local-delivery for its worker. */
	bool		more;
	uint64_t	content_size;	/* octets, CRLF line ends */
	uint64_t	content_offset;
	int64_t		arrival;	/* seconds since 1970, when it was queued */
	/* Addresses without angle brackets, no CR, LF or NUL; the null
	 * reverse-path is empty. */
	struct slice	reverse_path;
	struct slice	recipient;	/* final, after aliases */
	struct slice	original;	/* as given in RCPT; may be empty */
	/* What goes on with a message that is forwarded: of the envelope's
	 * flags ENVELOPE_8BITMIME, SMTPUTF8 and BINARYMIME, and what the
	 * sender wants to hear (common/ipc/envelope.h).  And, for this host,
	 * of ENVELOPE_TERMINALS at most one. */
	uint32_t	flags;
	uint8_t		ret;		/* enum envelope_ret */
	uint8_t		notify;		/* enum envelope_notify; 0: not given */
	struct slice	envid;		/* may be empty */
	struct slice	orcpt;		/* "type;address", may be empty */
	/* The +detail, "" for none; empty from queue-manager, set by
	 * local-delivery for its worker. */
	struct slice	detail;
};

enum delivery_result {
	DELIVERY_DELIVERED = 1,
	DELIVERY_DEFERRED,		/* try again; code 4yz */
	DELIVERY_FAILED			/* never; code 5yz */
};

struct delivered {
	enum delivery_result result;
	/* The outcome of a deferred attempt is not known: it may have been
	 * delivered.  The next DELIVER must say maybe_delivered. */
	bool		unknown;
	uint16_t	code;		/* 250, 4yz, 5yz */
	uint8_t		enhanced[3];	/* RFC 3463: class, subject, detail */
	struct slice	text;		/* printable ASCII, one line */
	/* Deferred because the mailbox is full, not for this message's size
	 * alone.  From a worker to local-delivery only. */
	bool full;
};

/*
 * encode: the length in octets, 0 when a field is too long.  decode: 0, or -1
 * for anything malformed or over a limit, results of a class that does not
 * agree with the code among them; the slices point into body.
 */
size_t delivery_encode(const struct delivery *, void *buf, size_t size);
int delivery_decode(struct slice body, struct delivery *);
size_t delivered_encode(const struct delivered *, void *buf, size_t size);
int delivered_decode(struct slice body, struct delivered *);

#endif
