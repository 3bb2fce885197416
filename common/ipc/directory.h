/*
 * Questions to directory: RESOLVE (smtpd), EXPAND (queue-manager), ACCOUNT_OF
 * (local-delivery).  Addresses are as the client spelled them, without angle
 * brackets: local-part, possibly quoted, and "@domain", which bare postmaster
 * lacks.
 *
 * encode answers the length of the body, or 0 when a field is over its limit
 * (buf has room for the row's greatest size in messages.h); decode answers 0,
 * or -1 when malformed.  Slices point into the body.
 */
#ifndef COMMON_IPC_DIRECTORY_H
#define COMMON_IPC_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/accounts/account.h"
#include "common/ipc/codec.h"
#include "common/ipc/start.h"
#include "common/slice/slice.h"

enum {
	/* RFC 5321 section 4.5.3.1.3: a path is at most 256 octets with its
	 * brackets; quoting and a generous setting may make more of it. */
	DIRECTORY_ADDRESS_MAX = 640,
	DIRECTORY_DETAIL_MAX = 64,
	DIRECTORY_ROUTE_MAX = 64,
	DIRECTORY_DOMAIN_MAX = 255,
	DIRECTORY_TEXT_MAX = 256,	/* of a refusal */
	DIRECTORY_MEMBERS_MAX = 100,	/* told to a client (EXPN) */
	DIRECTORY_BODY_MAX = 2048,	/* all but EXPANDED */
	DIRECTORY_EXPANDED_MAX = 32768
};

enum directory_verdict {
	DIRECTORY_LOCAL = 1,	/* ours, and somebody reads it */
	DIRECTORY_UNKNOWN,	/* the domain is ours, the name is nobody's:
				 * 550 5.1.1 */
	DIRECTORY_NO_RELAY,	/* the domain is not ours: 550 5.7.1 for who
				 * may not relay */
	DIRECTORY_TEMPFAIL,	/* no answer now: 451 4.3.0 */
	DIRECTORY_RELAY_DOMAIN,	/* ours, though its mailboxes are elsewhere;
				 * the recipient is known or not checked */
	DIRECTORY_REFUSED	/* ours, and to be refused with these words */
};

/* What an operator wants said of an address: a code of 450 to 599, a status
 * code (RFC 3463) of the same class, printable ASCII. */
struct directory_refusal {
	uint16_t	code;		/* 0: none */
	uint8_t		enhanced[3];
	struct slice	text;
};

/*
 * RESOLVE and EXPAND: a recipient, and the reverse-path of its message
 * (empty: null), by which a route may be chosen.
 */
struct directory_ask {
	struct slice	address;
	struct slice	reverse_path;
	/* EXPAND: a user of ours sends it on, so that SRS applies to the
	 * address itself, as it does to what an alias stands for. */
	bool		forwarded;
};

size_t directory_ask_encode(const struct directory_ask *, void *buf);
int directory_ask_decode(struct slice body, struct directory_ask *);

/* ACCOUNT_OF and MEMBERS_OF: an address alone. */
size_t directory_account_ask_encode(struct slice address, void *buf);
int directory_account_ask_decode(struct slice body, struct slice *address);

/*
 * RESOLVED.  canonical is empty unless the verdict is DIRECTORY_LOCAL or
 * DIRECTORY_RELAY_DOMAIN.  refusal is set with DIRECTORY_REFUSED, and may be
 * with DIRECTORY_NO_RELAY: it is for those who may relay.
 */
struct directory_resolved {
	enum directory_verdict	 verdict;
	struct slice		 canonical;
	struct directory_refusal refusal;
};

size_t directory_resolved_encode(const struct directory_resolved *, void *buf);
int directory_resolved_decode(struct slice body, struct directory_resolved *);

/* MAILBOX_FULL. */
struct directory_full {
	struct account account;
	bool full;      /* or no longer so */
	bool permanent; /* refuse with 5.2.2, not 4.2.2 */
};

size_t directory_full_encode(const struct directory_full *, void *buf);
int directory_full_decode(struct slice body, struct directory_full *);

/*
 * EXPANDED: one part of an answer; the one with last set ends it.
 *
 * The verdict says whose the address is.  DIRECTORY_LOCAL and
 * DIRECTORY_RELAY_DOMAIN: ours; anybody may write to it, wherever its targets
 * are.  DIRECTORY_NO_RELAY: not ours, and the one target says where it would
 * go, if the message came from one who may relay.  These three list at least
 * one target; the other verdicts (DIRECTORY_REFUSED is none of them: it is a
 * kind of target here) list none, in one part.
 *
 * MEMBERS is one such part and all there is; with last not set it is not all
 * of the members (more than DIRECTORY_MEMBERS_MAX).
 *
 * No target comes twice in all parts, and none is to be expanded again.
 */
enum directory_target_kind {
	/* To local-delivery as it is.  One whom nobody reads any more is
	 * listed too: its delivery fails and is reported. */
	DIRECTORY_TARGET_LOCAL = 1,
	DIRECTORY_TARGET_RELAY,		/* to another host */
	DIRECTORY_TARGET_REFUSED	/* fails with these words */
};

struct directory_target {
	enum directory_target_kind kind;
	struct slice	address;
	/* DIRECTORY_TARGET_RELAY: a block of remote-relay.conf, empty for
	 * the default one, letters, digits and . _ -; and the domain whose
	 * hosts are looked for, in small letters and A-labels, or an address
	 * literal in brackets. */
	struct slice	route;
	struct slice	domain;
	/* DIRECTORY_TARGET_REFUSED */
	struct directory_refusal refusal;
	/* Failures of this target are told to this address and not to the
	 * message's reverse-path (a list's owner; a rewritten path, so that
	 * another host takes what we forward).  Empty: as it was.  Never set
	 * for a message whose reverse-path is null. */
	struct slice	reverse_path;
};

struct directory_expanded {
	enum directory_verdict	verdict;
	bool			last;
	uint16_t		count;		/* targets in this part */
	struct ipc_reader	targets;	/* for directory_expanded_next */
};

/*
 * Build a part: begin, add until it answers false (this part is full; send
 * it with last false and begin the next), end.
 */
struct directory_part {
	struct ipc_writer	w;
	uint16_t		count;
};

void directory_part_begin(struct directory_part *,
    uint8_t buf[DIRECTORY_EXPANDED_MAX]);
bool directory_part_add(struct directory_part *,
    const struct directory_target *);
size_t directory_part_end(struct directory_part *, enum directory_verdict,
    bool last);

/* decode has checked the whole list: next cannot fail, only end. */
int directory_expanded_decode(struct slice body, struct directory_expanded *);
bool directory_expanded_next(struct directory_expanded *,
    struct directory_target *);

/*
 * ACCOUNT_IS: whose mailbox.  detail is what stood behind the delimiter (a
 * folder, perhaps), of letters, digits and . _ - + = ' only, never beginning
 * with a dot; empty for none.  voucher is good once, for 30 seconds.  With
 * DIRECTORY_UNKNOWN, DIRECTORY_NO_RELAY and DIRECTORY_TEMPFAIL the rest is
 * zero; there are no other verdicts here.
 */
struct directory_account {
	enum directory_verdict	verdict;
	struct account		account;
	struct slice		canonical;	/* without the detail */
	struct slice		detail;
	struct ticket		voucher;
};

size_t directory_account_encode(const struct directory_account *, void *buf);
int directory_account_decode(struct slice body, struct directory_account *);

/* TERMINAL_IS */
enum directory_terminal {
	DIRECTORY_TERMINAL_YES = 1,
	DIRECTORY_TERMINAL_NO,
	DIRECTORY_TERMINAL_LATER
};

size_t directory_terminal_encode(enum directory_terminal, void *buf);
int directory_terminal_decode(struct slice body, enum directory_terminal *);

#endif
