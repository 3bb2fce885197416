#include "authd/authd.h"

#include <bsd/stdlib.h>

#include "common/idn/idn.h"

/* Tickets given out and not yet redeemed, and places for who failed. */
#define TICKETS		8192
#define DELAYS		16384
/* More are not handed out at once; see verifiers.c and helpers.c. */
#define REQUESTS	64
/* Conversations in which it is the client's turn, some 8 KiB each. */
#define CONVERSATIONS	4096

int
authd_init(struct authd *a)
{
	*a = (struct authd){ 0 };
	tables_init(&a->tables, STAGE_TABLE_BIT(STAGE_TABLE_DOMAINS) |
	    STAGE_TABLE_BIT(STAGE_TABLE_USERS) |
	    STAGE_TABLE_BIT(STAGE_TABLE_PASSWORDS) |
	    STAGE_TABLE_BIT(STAGE_TABLE_SYSTEM_USERS) |
	    STAGE_TABLE_BIT(STAGE_TABLE_SCRAM_SECRET));
	arc4random_buf(a->secret, sizeof(a->secret));
	a->tables.to_ascii = idn_text;
	TAILQ_INIT(&a->gates);
	TAILQ_INIT(&a->logins);
	TAILQ_INIT(&a->verifiers);
	TAILQ_INIT(&a->verify_queue);
	TAILQ_INIT(&a->pam_queue);
	a->delays = delays_new(DELAYS);
	a->tickets = tickets_new(TICKETS);
	a->verifying = ipc_pending_new(REQUESTS);
	a->starting = ipc_pending_new(REQUESTS);
	a->talking = ipc_pending_new(CONVERSATIONS);
	return a->delays == NULL || a->tickets == NULL ||
	    a->verifying == NULL || a->starting == NULL ||
	    a->talking == NULL ? -1 : 0;
}

void
authd_clear(struct authd *a)
{
	tables_clear(&a->tables);
	explicit_bzero(a->secret, sizeof(a->secret));
	delays_free(a->delays);
	tickets_free(a->tickets);
	ipc_pending_free(a->verifying);
	ipc_pending_free(a->starting);
	ipc_pending_free(a->talking);
	settings_free(a->shared);
	settings_free(a->own);
	settings_free(a->next_shared);
	settings_free(a->next_own);
}

const struct authd_settings *
authd_settings(const struct authd *a)
{
	return settings_values(a->own);
}
