/*
 * A delivery status notification: multipart/report with a text for people,
 * the fields of RFC 3464, and the header section of the message that failed
 * (RFC 3462), never its body.  Pure: octets in, octets out.
 */
#ifndef QUEUE_MANAGER_BOUNCE_H
#define QUEUE_MANAGER_BOUNCE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/slice/slice.h"

enum {
	BOUNCE_HEADERS_MAX = 64 * 1024,	/* octets of the original's header */
	BOUNCE_RECIPIENTS_MAX = 1000	/* in one report */
};

struct bounce_recipient {
	struct slice	final;		/* after aliases */
	struct slice	original;	/* ORCPT, type and all; may be empty */
	uint8_t		enhanced[3];	/* RFC 3463 */
	uint16_t	code;
	struct slice	text;		/* why, printable ASCII */
};

struct bounce {
	struct slice	hostname;	/* of this reporting MTA */
	struct slice	to;		/* who gets it */
	uint64_t	queue_id;	/* of the report itself */
	uint64_t	about;		/* queue id of what failed */
	time_t		now, arrival;
	uint8_t		boundary[16];	/* random */
	struct slice	reverse_path;	/* of what failed; empty: null */
	const struct bounce_recipient *recipients;
	size_t		n;
	struct slice	headers;	/* bounce_headers() of its content */
};

/* The header section at the start of content, with its last CRLF; content
 * may be cut off anywhere. */
struct slice bounce_headers(struct slice content);

/* The message, CRLF lines: heap, *len octets.  NULL: memory is short. */
char *bounce_write(const struct bounce *, size_t *len);

#endif
