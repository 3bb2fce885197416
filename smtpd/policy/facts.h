/*
 * What is known about a client, and what follows from it.  A pure function:
 * facts in, verdict out.  Who collects the facts: collect.h.
 */
#ifndef SMTPD_POLICY_FACTS_H
#define SMTPD_POLICY_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc/dns.h"
#include "common/net/address.h"
#include "common/slice/slice.h"
#include "smtpd/policy/lists.h"
#include "smtpd/policy/rules.h"

enum fact {
	FACT_UNKNOWN,		/* not asked for */
	FACT_GOOD,
	FACT_MISSING,		/* there is none */
	FACT_UNCONFIRMED,	/* a reverse name that leads elsewhere */
	FACT_NULL_MX,		/* RFC 7505 */
	FACT_TROUBLE		/* DNS did not say */
};

struct facts {
	struct net_address client;
	bool		 this_host;	/* and not to be treated as others */
	bool		 login;		/* RFC 4954 */
	enum fact	 reverse, helo_name, sender_domain;
	bool		 helo_ours;	/* calls itself by our name */
	char		 name[DNS_NAME_MAX + 1];  /* with FACT_GOOD, else "" */
	struct slice	 helo;		/* borrowed */
	struct slice	 sender;	/* borrowed; empty: null */
	uint32_t	 listed;	/* bit i: in list i */
	uint32_t	 unlisted_trouble; /* bit i: list i did not say */
};

/* What the settings say, as far as it is decided here. */
struct policy {
	bool		 names_wanted;	/* by milters */
	const struct rules *rules;	/* NULL: none */
	const struct lists *lists;
	unsigned	 list_threshold;
	int		 reverse;	/* enum policy_reverse */
	bool		 helo_resolvable, helo_ours_refused;
	bool		 sender_resolvable;
	bool		 trouble_defers;
};

enum policy_reverse {
	REVERSE_OFF, REVERSE_LOOKUP, REVERSE_REQUIRE, REVERSE_CONFIRM
};

enum verdict_action {
	VERDICT_ACCEPT,
	VERDICT_PERMIT,		/* by a rule: no greylisting, no limits */
	VERDICT_DEFER,
	VERDICT_REFUSE
};

enum { VERDICT_RULE_MAX = 96, VERDICT_TEXT_MAX = 300 };

struct verdict {
	enum verdict_action action;
	/* Some allow list knows the client: no greylisting. */
	bool		 known;
	uint16_t	 code;		/* with DEFER and REFUSE */
	uint8_t		 enhanced[3];
	/* The setting's name, "list NAME", "clients:LINE"; empty: none. */
	char		 rule[VERDICT_RULE_MAX];
	char		 text[VERDICT_TEXT_MAX];
};

/* By the address alone, when a connection has come. */
void policy_decide_connection(const struct policy *, const struct facts *,
    struct verdict *);
/* By everything, for one transaction. */
void policy_decide(const struct policy *, const struct facts *,
    struct verdict *);

#endif
