/*
 * Where mail for an address goes: the address book, the routes and SRS taken
 * together.  directory answers with it, and `bulkhead explain` says what it
 * would answer, so there is one place where it is decided.
 *
 * Pure: the day is given, nothing is kept between two questions.
 */
#ifndef COMMON_DIRECTIONS_DIRECTIONS_H
#define COMMON_DIRECTIONS_DIRECTIONS_H

#include <stdint.h>

#include "common/accounts/book.h"
#include "common/accounts/routes.h"
#include "common/ipc/directory.h"
#include "common/srs/srs.h"

/* What is met besides the steps of the book, for those who ask why. */
enum directions_step {
	DIRECTIONS_ROUTE,	/* a row of routes, or none */
	DIRECTIONS_SRS_BACK,	/* an address that we had rewritten */
	DIRECTIONS_SRS_BAD,	/* one that we had not, or too long ago */
	DIRECTIONS_SRS		/* the reverse-path is rewritten */
};

struct directions_trace {
	/* route: with DIRECTIONS_ROUTE, NULL for none.  text: the address. */
	void	(*step)(void *ctx, enum directions_step,
		    const struct route *, struct slice text);
	void	*ctx;
};

/* Borrowed; those that may be NULL say so. */
struct directions {
	struct book			 book;
	const struct routes_table	*routes;	/* or NULL: none */
	const struct srs_secrets	*srs;		/* or NULL: off */
	struct slice			 srs_domain;	/* small letters */
	uint32_t			 day;		/* srs_day() */
	const struct directions_trace	*trace;		/* or NULL */
};

/* RESOLVE.  canonical: where out->canonical points to. */
void directions_resolve(const struct directions *,
    const struct directory_ask *, char canonical[BOOK_ADDRESS_SIZE],
    struct directory_resolved *out);

/* One target; -1: stop. */
typedef int directions_target(void *ctx, enum directory_verdict,
    const struct directory_target *);

/*
 * EXPAND.  With DIRECTORY_LOCAL, DIRECTORY_RELAY_DOMAIN and
 * DIRECTORY_NO_RELAY every target has been handed out, in order, before this
 * answers; with DIRECTORY_UNKNOWN and DIRECTORY_TEMPFAIL none has.  What a
 * target points to is gone when the callback answers.
 */
enum directory_verdict directions_expand(const struct directions *,
    const struct directory_ask *, directions_target *, void *ctx);

#endif
