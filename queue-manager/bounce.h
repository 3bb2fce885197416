/*
 * A delivery status notification: multipart/report (RFC 6522) with a text for
 * people, the fields of RFC 3464, and the message that it is about or its
 * header section alone.  Where addresses are not ASCII it has the forms of
 * RFC 6533.  Pure: octets in, octets out.
 */
#ifndef QUEUE_MANAGER_BOUNCE_H
#define QUEUE_MANAGER_BOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/slice/slice.h"

enum {
	BOUNCE_HEADERS_MAX = 64 * 1024,	/* octets of the original's header */
	BOUNCE_RECIPIENTS_MAX = 1000	/* in one report */
};

/* RFC 3464 section 2.3.3. */
enum bounce_action {
	BOUNCE_FAILED,
	BOUNCE_DELAYED,
	BOUNCE_DELIVERED,
	BOUNCE_RELAYED,		/* to a host that tells no success */
	BOUNCE_EXPANDED		/* to the members of an alias */
};

struct bounce_recipient {
	enum bounce_action action;
	struct slice	final;		/* after aliases */
	struct slice	original;	/* ORCPT, type and all; may be empty */
	uint8_t		enhanced[3];	/* RFC 3463 */
	uint16_t	code;
	struct slice	text;		/* why, printable ASCII */
	struct slice	remote_mta;	/* who said so; empty: this host */
	time_t		last_attempt;	/* 0: not to be told */
	time_t		retry_until;	/* BOUNCE_DELAYED */
};

struct bounce {
	struct slice	hostname;	/* of this reporting MTA */
	struct slice	to;		/* who gets it */
	uint64_t	queue_id;	/* of the report itself */
	uint64_t	about;		/* queue id of what failed */
	struct slice	envid;		/* RFC 3461 section 4.4; or empty */
	time_t		now, arrival;
	uint8_t		boundary[16];	/* random */
	struct slice	reverse_path;	/* of what failed; empty: null */
	const struct bounce_recipient *recipients;
	size_t		n;
	/* The message that it is about: all of it, or bounce_headers() of
	 * it. */
	struct slice	content;
	bool		whole;
	bool		smtputf8;	/* it came so (RFC 6531) */
};

/* The header section at the start of content, with its last CRLF; content
 * may be cut off anywhere. */
struct slice bounce_headers(struct slice content);

/* Is there anything in it that needs SMTPUTF8 on the way to its reader? */
bool bounce_is_international(const struct bounce *);

/* The message, CRLF lines: heap, *len octets.  NULL: memory is short. */
char *bounce_write(const struct bounce *, size_t *len);

#endif
