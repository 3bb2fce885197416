/*
 * RELAY and RELAYED: one message for some recipients at another host.
 *
 * queue-manager sends RELAY to remote-relay, with the content's descriptor
 * (read with pread only, as in delivery.h).  All its recipients have the same
 * route and domain.  Each is answered by exactly one RELAYED under the id of
 * the RELAY, in any order; the one that leaves none to answer says last.
 */
#ifndef COMMON_IPC_RELAY_H
#define COMMON_IPC_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ipc/codec.h"
#include "common/ipc/envelope.h"
#include "common/slice/slice.h"

enum {
	RELAY_RECIPIENTS_MAX = 100,
	RELAY_ROUTE_MAX = 64,
	RELAY_DOMAIN_MAX = 255,
	RELAY_MTA_MAX = 300,
	RELAY_TEXT_MAX = 1024,
	RELAY_BODY_MAX = 32768,		/* of RELAY */
	RELAYED_BODY_MAX = 2048
};

enum relay_flag {
	RELAY_8BIT = 1u << 0,		/* content has octets above 127 */
	RELAY_BINARY = 1u << 1,		/* BODY=BINARYMIME (RFC 3030) */
	RELAY_SMTPUTF8 = 1u << 2,	/* RFC 6531 */
	RELAY_FLAGS_KNOWN = (1u << 3) - 1
};

struct relay {
	uint64_t	queue_id;
	uint64_t	nonce;		/* of the spool, as in delivery.h */
	uint64_t	content_size;	/* octets, CRLF line ends */
	uint64_t	content_offset;
	int64_t		arrival;	/* seconds since 1970 */
	uint32_t	flags;		/* enum relay_flag */
	enum envelope_ret ret;		/* RFC 3461 section 4.3 */
	struct slice	reverse_path;	/* without brackets; empty: null */
	struct slice	envid;		/* decoded; may be empty */
	struct slice	auth;		/* who submitted it, as in envelope.h */
	struct slice	route;		/* "": direct, by MX */
	struct slice	domain;		/* lower case, A-labels; or [literal] */
	/* Set by decode. */
	uint32_t	n_recipients;	/* 1..RELAY_RECIPIENTS_MAX */
	struct ipc_reader recipients;
};

struct relay_recipient {
	uint32_t	number;		/* in this message */
	struct slice	address;
	struct slice	original;	/* ORCPT: "type;decoded"; or empty */
	uint32_t	notify;		/* enum envelope_notify; 0: not given */
};

/*
 * Build one: begin, then add for each recipient until it answers false, when
 * there is no room for this one any more; then end, which answers the length,
 * or 0 when a field is over its limit, nobody was added, or two have one
 * number.  The first recipient always fits.
 */
struct relay_part {
	struct ipc_writer w;
	size_t		 count_at;
	uint32_t	 count;
};

void relay_begin(struct relay_part *, const struct relay *,
    uint8_t buf[RELAY_BODY_MAX]);
bool relay_add(struct relay_part *, const struct relay_recipient *);
size_t relay_end(struct relay_part *);

/*
 * 0, or -1 for anything malformed or over a limit; slices point into body.
 * Then next gives each recipient in order, false after the last.  Numbers
 * ascend, so that none comes twice.
 */
int relay_decode(struct slice body, struct relay *);
bool relay_next(struct relay *, struct relay_recipient *);

enum relay_result {
	RELAY_DELIVERED = 1,	/* the peer has taken it */
	RELAY_DEFERRED,		/* try again; code 4yz */
	RELAY_FAILED		/* never; code 5yz */
};

/* What became of one recipient. */
struct relayed {
	uint64_t	queue_id;
	uint32_t	number;
	enum relay_result result;
	/* The outcome of a deferred one is not known: the peer may have taken
	 * it (RFC 5321 section 4.5.3.2.6: its last reply was lost). */
	bool		unknown;
	/* The peer offers DSN and took over NOTIFY (RFC 3461 section 5.2.2). */
	bool		dsn_passed;
	/* A deferral that says something about the destination, not about
	 * this message: nobody could be reached, or it wants no mail now. */
	bool		host_down;
	bool		last;		/* nobody is left in this RELAY */
	/* The peer's reply, or one of our own making that stands for what
	 * went wrong; then remote_mta is empty or names who could not be
	 * reached. */
	uint16_t	code;		/* 250, 4yz, 5yz */
	uint8_t		enhanced[3];	/* RFC 3463 */
	struct slice	text;		/* printable ASCII, one line */
	struct slice	remote_mta;	/* name or address; printable ASCII */
};

size_t relayed_encode(const struct relayed *, void *buf, size_t size);
int relayed_decode(struct slice body, struct relayed *);

#endif
