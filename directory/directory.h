/*
 * directory: what is this address, and where does it go?  It holds the
 * address tables and nothing else, answers three kinds of question out of
 * memory, and lets supervisor redeem the vouchers that it gave out.
 */
#ifndef DIRECTORY_DIRECTORY_H
#define DIRECTORY_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/directions/directions.h"
#include "common/idn/idn.h"
#include "common/instance/own_settings.h"
#include "common/ipc/directory.h"
#include "common/ipc/ipc.h"
#include "common/ipc/sender.h"
#include "common/stage/stage.h"
#include "common/tables/tables.h"
#include "common/tickets/tickets.h"
#include "directory/full.h"

struct directory {
	struct stage		 stage;
	struct own_settings	 settings;
	int		 utmp;		/* who is logged in; -1: unknown */
	struct tables		 tables;
	struct directions	 ways;		/* over the tables in use */
	char			 srs_domain[IDN_DOMAIN_MAX];
	struct tickets		*vouchers;
	struct ipc_channel	*queue;		/* queue-manager, or NULL */
	struct full_table full;
	uint8_t			 expanded[DIRECTORY_EXPANDED_MAX];
};

/* Take fd as a channel to one who asks (answers.c).  -1: logged. */
int answers_open(struct directory *, enum ipc_role peer, int fd);
/* Tell queue-manager that other tables are in use. */
void answers_tables_new(struct directory *);

/* senders.c: may this account send as this address? */
enum sender_verdict sender_verdict(const struct directory *,
    const struct account *, struct slice address);

/* VOUCHER_REDEEM, for the channel to supervisor. */
int answer_voucher(void *ctx, struct ipc_channel *, struct ipc_message *);

#endif
