/*
 * Tickets and vouchers given out: 128 random bits each, good once, for a
 * short time, and only for whom they were made.  A table of fixed size: when
 * it is full, giving out another takes the place of an older one.
 */
#ifndef COMMON_TICKETS_TICKETS_H
#define COMMON_TICKETS_TICKETS_H

#include <stddef.h>
#include <stdint.h>

#include "common/accounts/account.h"
#include "common/ipc/start.h"

/* How long one is good, in milliseconds. */
#define TICKETS_LIFETIME_MS	30000

struct tickets;

/* Room for so many at once, a power of two.  NULL when memory is short. */
struct tickets *tickets_new(size_t room);
/* Wipes them all. */
void tickets_free(struct tickets *);

/*
 * Give one out for an account, to be presented by role.  now_ms is any
 * monotonic clock, the same one always.
 */
void tickets_issue(struct tickets *, uint64_t now_ms, struct account,
    uint8_t role, struct ticket *out);

/*
 * Whose is it?  0 and *account the first time, within TICKETS_LIFETIME_MS and
 * presented by the role it was made for; otherwise -1.  Whatever the answer,
 * a ticket that was presented is used up.  Compared in constant time.
 */
int tickets_redeem(struct tickets *, uint64_t now_ms, const struct ticket *,
    uint8_t role, struct account *account);

#endif
