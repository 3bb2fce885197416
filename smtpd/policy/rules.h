/*
 * The table `clients`: who may send, by address, network and name.  One rule a
 * line, PATTERN VERDICT [TEXT]; of those that match, the first in the file
 * decides.
 *
 *	192.0.2.0/24		permit
 *	2001:db8::/32		refuse	We have had enough of you.
 *	.dynamic.example	defer
 *	helo:localhost		refuse
 *	from:.spam.example	refuse
 *	from:bob@example.net	permit
 */
#ifndef SMTPD_POLICY_RULES_H
#define SMTPD_POLICY_RULES_H

#include <stdbool.h>

#include "common/accounts/table.h"
#include "common/net/network.h"
#include "common/slice/slice.h"

enum rule_verdict {
	RULE_PERMIT,	/* none of the checks, and no limit, is for him */
	RULE_PASS,	/* no further rule, but all the checks */
	RULE_DEFER,	/* 450 4.7.1 */
	RULE_REFUSE	/* 550 5.7.1 */
};

enum { RULE_TEXT_MAX = 200 };

struct rule {
	enum rule_verdict verdict;
	unsigned	 line;
	struct slice	 pattern;	/* as the table has it */
	struct slice	 text;	/* for the reply; empty: ours */
};

struct rules;

/* What is known; what is not known (yet) is NULL or empty. */
struct rules_subject {
	const struct net_address *client;
	struct slice	 name;		/* confirmed: reverse and forward */
	struct slice	 helo;
	struct slice	 sender;	/* reverse-path; empty: null */
	bool		 has_sender;
};

/* Compile a table, which is copied.  NULL with err. */
struct rules *rules_compile(struct slice text, struct table_error *err);
void rules_free(struct rules *);

/* The first rule that matches, or NULL. */
const struct rule *rules_match(const struct rules *,
    const struct rules_subject *);
/*
 * The line of the first rule about a name that lets in: whoever a rule about
 * an address refuses further down may still be meant by it.  UINT_MAX: none.
 */
unsigned rules_first_open(const struct rules *);
/* Is there one that asks for the client's name? */
bool rules_want_names(const struct rules *);
/*
 * The line of the first rule about a client's name (helo: about its HELO);
 * UINT_MAX: none.
 */
unsigned rules_first_name(const struct rules *, bool helo);
size_t rules_count(const struct rules *);

#endif
