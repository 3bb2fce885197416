/*
 * Starting a process as the owner of a mailbox: tickets and vouchers.
 *
 * A ticket (from authd, for a gate) and a voucher (from directory, for
 * local-delivery) are the same thing: 128 random bits, good once and for a
 * short time, that supervisor redeems where they came from.  What it gets is
 * an account number; who may be started for it, supervisor finds itself.
 */
#ifndef COMMON_IPC_START_H
#define COMMON_IPC_START_H

#include <stdint.h>

#include "common/slice/slice.h"

enum { TICKET_LEN = 16 };

struct ticket {
	uint8_t	octets[TICKET_LEN];
};

/* Why a session or worker was not started. */
enum start_refusal {
	START_BAD_TICKET = 1,	/* unknown, used or too old */
	START_NO_ACCOUNT,	/* the number has no usable uid or home */
	START_BUSY,		/* too many processes, for all or this owner */
	START_FAILED		/* resources; try again later */
};

/* What the holder of a ticket is, as the one who issued it answers. */
struct start_account {
	uint8_t		kind;	/* enum account_kind */
	uint32_t	number;
};

/* OWNER_QUOTA: what an account may have; 0: no limit. */
struct start_quota {
	uint64_t octets;
	uint64_t messages;
};

/*
 * SESSION_START, WORKER_START: the ticket.  TICKET_REDEEM, VOUCHER_REDEEM:
 * ticket and the role that presented it.  TICKET_ACCOUNT, VOUCHER_ACCOUNT:
 * whether it was good, and the account.  WORKER_STARTED: the account.
 * *_REFUSED: why.  encode answers the length; decode 0 or -1.
 */
enum { START_BODY_MAX = 32 };

size_t start_ticket_encode(const struct ticket *, void *buf);
int start_ticket_decode(struct slice, struct ticket *);
size_t start_redeem_encode(const struct ticket *, uint8_t role, void *buf);
int start_redeem_decode(struct slice, struct ticket *, uint8_t *role);
size_t start_account_encode(int good, const struct start_account *, void *buf);
int start_account_decode(struct slice, int *good, struct start_account *);
size_t start_refusal_encode(enum start_refusal, void *buf);
int start_refusal_decode(struct slice, enum start_refusal *);
size_t start_quota_encode(const struct start_quota *, void *buf);
int start_quota_decode(struct slice, struct start_quota *);

#endif
