/*
 * How many recipients an account has sent to within the last hour.  Pure: it
 * is told the time.
 *
 * Kept in the memory of the one process that takes submissions, and so
 * forgotten with it: whoever can make that process end can count anew, but
 * needs an hour's quota for each time, and every end is in the log.  A number
 * on disk for each recipient would cost a sync where the mail itself shares
 * one with hundreds.
 */
#ifndef SMTPD_QUOTA_H
#define SMTPD_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/accounts/account.h"

struct quotas;

enum {
	QUOTA_HOUR_MS = 60 * 60 * 1000,
	/* Counted in pieces of the hour: the last one to have gone is up to
	 * so much too early forgotten. */
	QUOTA_PIECES = 12,
	/* Accounts that are remembered; only who may log in takes a place. */
	QUOTA_ACCOUNTS_MAX = 65536
};

/* NULL when memory is short. */
struct quotas *quotas_new(void);
void quotas_free(struct quotas *);

/*
 * One recipient more of this account, at most limit within an hour.  False:
 * no, and *first says whether it is the first refusal of this account since
 * it was last let through.  With no memory left it is let through.
 */
bool quota_take(struct quotas *, struct account, uint64_t limit,
    uint64_t now_ms, bool *first);
/* So many of what was taken were not sent to, after all. */
void quota_give_back(struct quotas *, struct account, uint32_t n,
    uint64_t now_ms);

#endif
