/*
 * SENDER_ASK from smtpd-submit to directory: may the account that has logged
 * in send with this reverse-path (RFC 6409 section 6.1)?  The address is as
 * the client spelled it, without angle brackets and not the null one.
 *
 * encode answers the length of the body, or 0 when a field is over its limit;
 * decode answers 0, or -1 when malformed.
 */
#ifndef COMMON_IPC_SENDER_H
#define COMMON_IPC_SENDER_H

#include <stddef.h>

#include "common/accounts/account.h"
#include "common/slice/slice.h"

enum {
	SENDER_BODY_MAX = 2048,
	SENDER_ADDRESS_MAX = 640	/* as DIRECTORY_ADDRESS_MAX */
};

size_t sender_ask_encode(const struct account *, struct slice address,
    void *buf);
int sender_ask_decode(struct slice body, struct account *,
    struct slice *address);

/* SENDER_IS */
enum sender_verdict {
	SENDER_OWN = 1,		/* its mailbox, or leads there */
	SENDER_FOREIGN,		/* somebody else's, or not ours: 553 5.7.1 */
	SENDER_TEMPFAIL		/* no answer now: 451 4.3.0 */
};

size_t sender_verdict_encode(enum sender_verdict, void *buf);
int sender_verdict_decode(struct slice body, enum sender_verdict *);

#endif
