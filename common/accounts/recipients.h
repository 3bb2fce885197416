/*
 * The table relay-recipients: bulkhead-relay-recipients(5).  Who has a
 * mailbox in a domain of kind relay, one address a line, so that mail for
 * others is refused at RCPT and never has to be returned.
 */
#ifndef COMMON_ACCOUNTS_RECIPIENTS_H
#define COMMON_ACCOUNTS_RECIPIENTS_H

#include <stddef.h>

#include "common/accounts/table.h"
#include "common/slice/slice.h"

struct relay_recipient {
	struct slice	local;		/* small letters */
	struct slice	domain;
	unsigned	line;
};

struct recipients_table;

/*
 * Refused: what is no address with a domain, and an address there twice.
 * NULL with err.  The table keeps its own copy of the text.
 */
struct recipients_table *recipients_compile(struct slice text,
    struct table_error *);
void recipients_free(struct recipients_table *);

/* NULL where there is none.  Both in small letters. */
const struct relay_recipient *recipients_find(const struct recipients_table *,
    struct slice local, struct slice domain);
size_t recipients_count(const struct recipients_table *);
const struct relay_recipient *recipients_at(const struct recipients_table *,
    size_t i);

#endif
