/*
 * What smtpd.conf and the table of clients say together, for who decides by
 * it: smtpd, and `bulkhead explain`.
 */
#ifndef SMTPD_POLICY_POLICY_H
#define SMTPD_POLICY_POLICY_H

#include "common/settings/settings.h"
#include "smtpd/policy/facts.h"

/* smtpd: settings of smtpd_schema.  All are borrowed; lists is filled. */
void policy_of(const struct settings *smtpd, const struct rules *,
    struct lists *, struct policy *);
/* Is there anything in it that a client could be refused for? */
bool policy_wants(const struct policy *);

/* A client on this host, whom nothing is held against. */
bool policy_this_host(const struct settings *smtpd,
    const struct net_address *client);
/* RFC 5321 section 4.5.1: postmaster is reached by everybody. */
bool policy_is_postmaster(struct slice address);
/* The code of the greeting that a client is refused with (RFC 5321 section
 * 3.1), for the verdict of policy_decide_connection(). */
uint16_t policy_greeting(const struct verdict *);

#endif
