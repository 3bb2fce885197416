/*
 * The routes table: bulkhead-routes(5).  Which way mail goes that is not for
 * a mailbox here: one line for each pattern,
 *
 *	pattern route
 *	pattern error CODE [X.Y.Z] TEXT
 *
 * where route is a block of remote-relay.conf, or "direct": to the hosts that
 * DNS names.  Patterns, the most specific first whatever their order here:
 *
 *	user@domain	this recipient, with any detail
 *	domain		recipients in this domain
 *	.domain		recipients in any domain below it; the nearest counts
 *	from:user@domain, from:domain, from:.domain, from:<>
 *			the same of the reverse-path
 *	*		everything else
 */
#ifndef COMMON_ACCOUNTS_ROUTES_H
#define COMMON_ACCOUNTS_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/accounts/table.h"
#include "common/slice/slice.h"

#define ROUTE_NAME_MAX	64
#define ROUTE_TEXT_MAX	256

struct route {
	struct slice	pattern;	/* without "from:", small letters */
	bool		from;
	struct slice	name;		/* empty: direct */
	/* An error instead: 450 to 599, a status of its class, its words. */
	uint16_t	code;		/* 0: no error */
	uint8_t		enhanced[3];
	struct slice	text;
	unsigned	line;
};

struct routes_table;

/*
 * Refused: what is no pattern, one there twice, a name that is none, an error
 * without a code of 4yz or 5yz or without words.  Whether remote-relay has
 * such a block is not looked at here.  NULL with err.  The table keeps its own
 * copy of the text.
 */
struct routes_table *routes_compile(struct slice text, struct table_error *);
void routes_free(struct routes_table *);

/* An address as the patterns want it, unquoted, in small letters. */
struct route_address {
	struct slice	local;		/* empty, as the domain: null */
	struct slice	domain;
};

/*
 * The row for a recipient and a reverse-path; NULL: no row, so direct.
 * delimiter is that of a detail, NUL for none.
 */
const struct route *routes_find(const struct routes_table *,
    const struct route_address *to, const struct route_address *from,
    char delimiter);

size_t routes_count(const struct routes_table *);
const struct route *routes_at(const struct routes_table *, size_t i);

#endif
