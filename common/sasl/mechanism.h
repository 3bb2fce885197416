/*
 * The SASL mechanisms (RFC 4422) that we know, and which of them are offered
 * to whom.  Pure.
 *
 *	PLAIN			RFC 4616
 *	LOGIN			never standardized; what Outlook speaks
 *	SCRAM-SHA-256		RFC 5802, 7677
 *	SCRAM-SHA-256-PLUS	the same, bound to the TLS channel
 */
#ifndef COMMON_SASL_MECHANISM_H
#define COMMON_SASL_MECHANISM_H

#include <stdbool.h>
#include <stddef.h>

#include "common/slice/slice.h"

enum sasl_mechanism {
	SASL_NONE,
	SASL_PLAIN,
	SASL_LOGIN,
	SASL_SCRAM_SHA_256,
	SASL_SCRAM_SHA_256_PLUS,
	SASL_MECHANISM_COUNT
};

#define SASL_BIT(m) (1u << (m))
#define SASL_ALL_SCRAM (SASL_BIT(SASL_SCRAM_SHA_256) | \
    SASL_BIT(SASL_SCRAM_SHA_256_PLUS))

/* The registered name; "" for SASL_NONE. */
const char *sasl_mechanism_name(enum sasl_mechanism);
/* By name, in letters of either case; SASL_NONE for one that is unknown. */
enum sasl_mechanism sasl_mechanism_by_name(struct slice);
static inline bool
sasl_is_scram(enum sasl_mechanism m)
{
	return (SASL_BIT(m) & SASL_ALL_SCRAM) != 0;
}

/* What an offer depends on. */
struct sasl_situation {
	bool	allowed;	/* TLS, or the operator's word for clear text */
	bool	verifiers;	/* each account that may log in here has one */
	bool	binding;	/* TLS that has a channel binding */
};

/* A set of SASL_BITs. */
unsigned sasl_offered(const struct sasl_situation *);

enum { SASL_NAMES_SIZE = 64 };	/* all names, a space between, and a NUL */

/*
 * The names of a set, the strongest first, with prefix before each and a
 * space between; out of SASL_MECHANISM_COUNT * prefix + SASL_NAMES_SIZE
 * octets.  Returns out.
 */
const char *sasl_names(unsigned set, const char *prefix, char *out,
    size_t size);
/* The set of those in a list, spaces between, that we know. */
unsigned sasl_set_of(struct slice list);

#endif
