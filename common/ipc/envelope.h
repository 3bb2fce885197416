/*
 * The envelope of a message (RFC 5321 section 2.3.1) as it crosses from smtpd
 * to queue-manager and as the spool keeps it, octet for octet.
 *
 * A version octet, then fields: tag (8 bits), length (32 bits, little-endian),
 * octets.  A reader refuses an unknown version and an unknown tag below
 * ENVELOPE_OPTIONAL; it passes over an unknown tag above, so that fields which
 * change nothing for delivery can be added.  Fields and flags that were not
 * there from the beginning are written only where they say something, so that
 * what an older version wrote is read as it was meant.
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
	ENVELOPE_ENVID_MAX = 256,	/* RFC 3461 section 5.4: at least 100 */
	ENVELOPE_AUTH_MAX = 640,	/* an account's name, or an address */
	ENVELOPE_HOLD_MAX = 320,	/* why it is held */
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
	ENVELOPE_SMTPUTF8 = 1u << 4,	/* RFC 6531 */
	ENVELOPE_BINARYMIME = 1u << 5,	/* BODY=BINARYMIME (RFC 3030) */
	/* By a user's ~/.forward; local-delivery says it, nobody else may. */
	ENVELOPE_FORWARDED = 1u << 6,
	/* RFC 821 section 3.4: one of these where it was not MAIL. */
	ENVELOPE_SEND = 1u << 7,
	ENVELOPE_SOML = 1u << 8,
	ENVELOPE_SAML = 1u << 9,
	ENVELOPE_TERMINALS = ENVELOPE_SEND | ENVELOPE_SOML | ENVELOPE_SAML,
	ENVELOPE_FLAGS_KNOWN = (1u << 10) - 1
};

/* What a report about a failure brings back (RFC 3461 section 4.3). */
enum envelope_ret {
	ENVELOPE_RET_UNSAID,
	ENVELOPE_RET_FULL,
	ENVELOPE_RET_HDRS
};

/* Of what the sender wants to hear (RFC 3461 section 4.1); none: not said,
 * which is FAILURE and DELAY. */
enum envelope_notify {
	ENVELOPE_NOTIFY_NEVER = 1u << 0,	/* alone */
	ENVELOPE_NOTIFY_SUCCESS = 1u << 1,
	ENVELOPE_NOTIFY_FAILURE = 1u << 2,
	ENVELOPE_NOTIFY_DELAY = 1u << 3
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
	struct slice	envid;		/* RFC 3461 section 4.4, decoded; or
					 * empty; printable ASCII */
	enum envelope_ret ret;
	/* Who submitted it: the account that logged in (RFC 4954 section 5);
	 * empty: nobody did. */
	struct slice	auth;
	/* Why it is to be held in the queue until somebody releases it: a
	 * milter's quarantine; or empty. */
	struct slice	hold;
	/* Set by decode: how many recipients, and where they stand. */
	uint32_t	n_recipients;
	struct ipc_reader recipients;
};

struct envelope_recipient {
	struct slice	given;		/* as in RCPT, without brackets */
	/* ORCPT (RFC 3461 section 4.2): "type;address", decoded from xtext
	 * but not from what its type wants; may be empty. */
	struct slice	original;
	uint32_t	notify;		/* enum envelope_notify */
};

/* Is this a value that NOTIFY can have? */
bool envelope_notify_ok(uint32_t notify);

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
