/*
 * FORWARD and FORWARDED: what the owner of a mailbox wants done with a
 * message, done by a process that runs as that owner outside of any jail.
 *
 * local-delivery sends FORWARD to the runner, with a descriptor of the
 * content (read with pread only).  The runner reads ~/.forward, runs the
 * programs and writes the files that it names, and answers once with
 * FORWARDED: the rest of the work, that is the owner's own mailbox and other
 * addresses, is local-delivery's.
 *
 * encode answers the length, 0 when something does not fit; decode 0, or -1
 * when malformed.  Slices point into the body.
 */
#ifndef COMMON_IPC_FORWARD_H
#define COMMON_IPC_FORWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ipc/codec.h"
#include "common/ipc/delivery.h"

enum {
	FORWARD_ADDRESSES_MAX = 100,	/* in one answer */
	FORWARD_DONE_MAX = 32,		/* programs and files of one message */
	FORWARD_COMMAND_MAX = 4096,
	FORWARD_ASK_MAX = 16384,	/* octets of FORWARD */
	FORWARD_ANSWER_MAX = 32768	/* octets of FORWARDED */
};

/* Programs and files that are done with already, by a hash of their text. */
struct forward_done {
	uint16_t	n;
	uint64_t	at[FORWARD_DONE_MAX];
};

struct forward_ask {
	/* Empty: what ~/.forward says.  Otherwise this target, "|program" or
	 * "/file", alone. */
	struct slice	target;
	/* From an earlier attempt at this delivery: not to be done again. */
	struct forward_done done;
	struct delivery	delivery;
};

size_t forward_ask_encode(const struct forward_ask *, void *buf, size_t size);
int forward_ask_decode(struct slice body, struct forward_ask *);

struct forward_answer {
	/* There is no ~/.forward: into the mailbox, and nothing else here
	 * says anything. */
	bool		nothing;
	bool		keep;		/* into the owner's own mailbox, too */
	/* The worst of the programs and files; delivered if there were none.
	 * What is deferred or failed counts for the recipient as a whole. */
	struct delivered result;
	struct forward_done done;	/* all that is done by now */
	uint16_t	n_addresses;
	struct ipc_reader addresses;	/* decode: for forward_next_address */
};

/* addresses: n_addresses of them, each at most DELIVERY_ADDRESS_MAX octets. */
size_t forward_answer_encode(const struct forward_answer *,
    const struct slice *addresses, void *buf, size_t size);
int forward_answer_decode(struct slice body, struct forward_answer *);
/* The next one, false behind the last.  Cannot fail. */
bool forward_next_address(struct forward_answer *, struct slice *address);

#endif
