/* What the files of `bulkhead explain` share. */
#ifndef BULKHEAD_EXPLAIN_H
#define BULKHEAD_EXPLAIN_H

#include "bulkhead/check.h"
#include "common/net/address.h"
#include "smtpd/policy/policy.h"

/* The beginning of a line that says where something stands; line 0: in the
 * file as a whole.  list: of lists/, or NULL. */
void explain_line(const char *file, unsigned line, const char *list);

/*
 * A client of port 25, and what is decided about it.  What DNS would say is
 * not asked: the operator may give the name that the address has there.
 */
struct explained_client {
	/* Given; name and helo in small letters, or empty. */
	struct net_address	 address;
	struct slice		 name, helo, sender;
	bool			 to_postmaster;
	/* Found. */
	struct settings		*settings;	/* smtpd.conf */
	struct rules		*rules;
	struct lists		 lists;
	struct policy		 policy;
	struct facts		 facts;
	struct verdict		 verdict;
	bool			 at_once;	/* by its address alone */
};

/* False: smtpd.conf or clients cannot be used, which was said.  Clear it in
 * either case. */
bool explain_client_decide(struct explained_client *, struct check_report *);
void explain_client_clear(struct explained_client *);

/* Is it let in? */
bool explain_client_passes(const struct explained_client *);
/* The reply that it is refused with. */
void explain_client_refusal(const struct explained_client *);
/* Which line decides that; and what else may still refuse it. */
void explain_client_because(const struct explained_client *);
void explain_client_unless(const struct explained_client *);

#endif
