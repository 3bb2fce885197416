/*
 * The envelope of a message (RFC 5321 section 2.3.1) as it crosses from smtpd
 * to queue-manager and as the spool keeps it, octet for octet.
 *
 * A version octet, then fields: tag (8 bits), length (32 bits, little-endian),
 * octets.  A reader refuses an unknown version and an unknown tag below
 * ENVELOPE_OPTIONAL; it passes over an unknown tag above, so that fields which
 * change nothing for delivery can be added.
 */
#ifndef COMMON_IPC_ENVELOPE_H
#define COMMON_IPC_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#include "common/ipc/codec.h"
#include "common/slice/slice.h"

enum {
	ENVELOPE_VERSION = 1,
	ENVELOPE_OPTIONAL = 128,
	ENVELOPE_ADDRESS_MAX = 640,	/* octets; as DIRECTORY_ADDRESS_MAX */
	ENVELOPE_ORIGINAL_MAX = 2048,	/* RFC 3461 section 4.2, decoded */
	ENVELOPE_TEXT_MAX = 512,	/* client, helo, listener, protocol */
	ENVELOPE_MAX = 2 * 1024 * 1024,	/* octets of a whole envelope */
	ENVELOPE_RECIPIENTS_MAX = 20000
};

enum envelope_flag {
	ENVELOPE_8BITMIME = 1u << 0,	/* BODY=8BITMIME, or 8-bit content */
	ENVELOPE_LOCAL = 1u << 1,	/* injected on this host */
	/* Made by queue-manager itself. */
	ENVELOPE_BOUNCE = 1u << 2,	/* a delivery status notification */
	ENVELOPE_DOUBLE_BOUNCE = 1u << 3, /* about one that failed */
	ENVELOPE_FLAGS_KNOWN = (1u << 4) - 1
};

struct envelope {
	struct slice	reverse_path;	/* without brackets; empty: null */
	uint32_t	flags;
	uint64_t	session;	/* smtpd's session id, for the log */
	int64_t		arrival_ms;	/* wall clock, since 1970 */
	struct slice	client;		/* address of the SMTP client */
	struct slice	helo;		/* what it said in HELO or EHLO */
	struct slice	listener;	/* the block it came in by */
	struct slice	protocol;	/* RFC 3848: ESMTP, SMTP, ... */
	/* Set by decode: how many recipients, and where they stand. */
	uint32_t	n_recipients;
	struct ipc_reader recipients;
};

struct envelope_recipient {
	struct slice	given;		/* as in RCPT, without brackets */
	struct slice	original;	/* ORCPT (RFC 3461); may be empty */
	uint32_t	flags;		/* NOTIFY, later; now 0 */
};

/*
 * Build one: begin writes all but the recipients, then one
 * envelope_put_recipient for each; the writer's failed tells at the end
 * whether all fitted, its len how much it is.
 */
void envelope_begin(struct ipc_writer *, const struct envelope *);
void envelope_put_recipient(struct ipc_writer *,
    const struct envelope_recipient *);

/*
 * Check the whole of in as if its writer were hostile: version, tags, each
 * field once, lengths, at least one recipient, no CR, LF, NUL or other
 * control in any text.  Slices point into in.  0 or -1.
 */
int envelope_decode(struct slice in, struct envelope *);
/* The next recipient in order, false after the last.  Cannot fail. */
bool envelope_next(struct envelope *, struct envelope_recipient *);

#endif
