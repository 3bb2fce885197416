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

#include "common/accounts/book.h"
#include "common/ipc/directory.h"
#include "common/ipc/ipc.h"
#include "common/settings/settings.h"
#include "common/stage/stage.h"
#include "common/tickets/tickets.h"

/*
 * The tables, in use and on their way.  Each stands for itself: one that is
 * broken leaves the old one in use, and does not hold the others back.
 */
struct tables {
	/* In use; NULL before the first commit. */
	struct domains_table	*domains;
	struct aliases_table	*aliases;
	struct users_table	*users;
	struct system_users	*system;
	struct book		 book;
	/* Texts that came since the last commit. */
	struct table_text {
		char		*at;	/* NULL: this table did not come */
		size_t		 len;
	} fresh[STAGE_TABLE_COUNT];
	bool			 failed;	/* one could not be read */
};

/* What tables_commit needs from the settings. */
struct tables_rules {
	const char	*hostname;
	char		 delimiter;	/* NUL: none */
	uint32_t	 system_min;	/* 0: no system users */
	uint32_t	 system_max;
};

/* Read a table's text, to be compiled at commit. */
void tables_take(struct tables *, enum stage_table, int fd);

/*
 * Compile what came, and use it.  0, or -1 when a table was refused (logged
 * with file and line) and its old one stays.  What is merely doubtful is
 * logged as a warning.
 */
int tables_commit(struct tables *, const struct tables_rules *);
void tables_clear(struct tables *);
/* Has every table been compiled at least once? */
bool tables_complete(const struct tables *);

struct directory {
	struct stage		 stage;
	struct settings		*shared, *own;		/* in use */
	struct settings		*next_shared, *next_own; /* of this batch */
	struct tables		 tables;
	struct tickets		*vouchers;
	uint8_t			 expanded[DIRECTORY_EXPANDED_MAX];
};

/* Take fd as a channel to one who asks (answers.c).  -1: logged. */
int answers_open(struct directory *, enum ipc_role peer, int fd);

/* VOUCHER_REDEEM, for the channel to supervisor. */
int answer_voucher(void *ctx, struct ipc_channel *, struct ipc_message *);

#endif
