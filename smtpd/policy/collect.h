/*
 * Collecting the facts about one client out of DNS: many questions at once,
 * none of them waited for.  What belongs to the client is asked when it
 * connects, while the greeting is delayed; the name of its HELO and the domain
 * of its reverse-path when they are said.
 */
#ifndef SMTPD_POLICY_COLLECT_H
#define SMTPD_POLICY_COLLECT_H

#include <bsd/sys/queue.h>

#include "common/dns/client.h"
#include "smtpd/policy/facts.h"

struct question;
TAILQ_HEAD(questions, question);

enum collect_of { COLLECT_CLIENT, COLLECT_HELO, COLLECT_SENDER };

struct collector {
	struct facts	 facts;
	/* private */
	struct dns_client *dns;
	const struct policy *policy;
	struct questions questions;	/* without their answer so far */
	void		(*done)(void *ctx);
	void		*ctx;
};

/*
 * done is called, from the event loop, each time when the last answer has
 * come.  dns and policy are borrowed.
 */
void collect_init(struct collector *, struct dns_client *dns,
    const struct policy *policy, void (*done)(void *ctx), void *ctx);
/* Cancels what is under way. */
void collect_clear(struct collector *);

/* facts.client is set: ask about it. */
void collect_client(struct collector *);
/* facts.helo, facts.sender are set: forget what was known, and ask. */
void collect_helo(struct collector *);
void collect_sender(struct collector *);

/* Does an answer fail to be here yet? */
bool collect_waits(const struct collector *);

#endif
