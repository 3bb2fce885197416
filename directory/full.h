/*
 * Which mailboxes are full, as local-delivery found: refused at RCPT already,
 * for a while.  In memory, of fixed size; what is forgotten is found out again
 * by the next delivery.  A captured local-delivery could lie here as it could
 * with each delivery, and reaches no further.
 */
#ifndef DIRECTORY_FULL_H
#define DIRECTORY_FULL_H

#include <stdint.h>

#include "common/ipc/directory.h"

enum {
	FULL_MAX = 1024, /* a power of 2 */
	/* Whoever makes room is believed after so long at the latest; a
	 * permanent refusal cannot be taken back. */
	FULL_TEMPORARY_MS = 5 * 60 * 1000,
	FULL_PERMANENT_MS = 60 * 1000
};

struct full_table {
	struct full_row {
		struct account account; /* kind 0: none */
		uint64_t until_ms;
		bool permanent;
	} rows[FULL_MAX];
};

void full_set(
    struct full_table *, const struct directory_full *, uint64_t now_ms);
/* What is to be said of the account, or NULL. */
const struct directory_refusal *full_find(
    const struct full_table *, struct account, uint64_t now_ms);

#endif
