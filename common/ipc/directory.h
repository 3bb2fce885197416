/*
 * Questions to directory: RESOLVE (smtpd), EXPAND (queue-manager),
 * ACCOUNT_OF (local-delivery).  Each carries one address and nothing else,
 * as the client spelled it, without angle brackets: local-part, possibly
 * quoted, and "@domain", which bare postmaster lacks.
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
	DIRECTORY_BODY_MAX = 2048,	/* all but EXPANDED */
	DIRECTORY_EXPANDED_MAX = 32768
};

enum directory_verdict {
	DIRECTORY_LOCAL = 1,	/* somebody here reads it */
	DIRECTORY_UNKNOWN,	/* the domain is ours, the name is nobody's:
				 * 550 5.1.1 */
	DIRECTORY_NO_RELAY,	/* the domain is not ours: 550 5.7.1 */
	DIRECTORY_TEMPFAIL	/* no answer now: 451 4.3.0 */
};

/* RESOLVE, EXPAND and ACCOUNT_OF. */
size_t directory_ask_encode(struct slice address, void *buf);
int directory_ask_decode(struct slice body, struct slice *address);

/* RESOLVED: canonical is empty unless the verdict is DIRECTORY_LOCAL. */
struct directory_resolved {
	enum directory_verdict	verdict;
	struct slice		canonical;
};

size_t directory_resolved_encode(const struct directory_resolved *, void *buf);
int directory_resolved_decode(struct slice body, struct directory_resolved *);

/*
 * EXPANDED: one part of an answer.  With DIRECTORY_LOCAL each part lists
 * final addresses, none of them twice in all parts, and the one with last
 * set ends them; they go to local-delivery as they are and are not to be
 * expanded again.  A target that nobody reads any more is listed too: its
 * delivery fails and is reported.  With another verdict the list is empty
 * and there is one part.
 */
struct directory_expanded {
	enum directory_verdict	verdict;
	bool			last;
	uint16_t		count;		/* addresses in this part */
	struct ipc_reader	addresses;	/* for directory_expanded_next */
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
bool directory_part_add(struct directory_part *, struct slice address);
size_t directory_part_end(struct directory_part *, enum directory_verdict,
    bool last);

/* decode has checked the whole list: next cannot fail, only end. */
int directory_expanded_decode(struct slice body, struct directory_expanded *);
bool directory_expanded_next(struct directory_expanded *,
    struct slice *address);

/*
 * ACCOUNT_IS: whose mailbox.  detail is what stood behind the delimiter (a
 * folder, perhaps), of letters, digits and . _ - + = ' only, never beginning
 * with a dot; empty for none.  voucher is good once, for 30 seconds.  With a
 * verdict other than DIRECTORY_LOCAL the rest is zero.
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

#endif
