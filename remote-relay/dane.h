/*
 * What the TLSA records of a host ask for: DANE for SMTP (RFC 7672).
 *
 * The records of _<port>._tcp.<base> count where everything on the way to
 * them is signed (DNSSEC); base is the name that CNAMEs of the host lead to,
 * or else the host's own (section 2.2.2).  No answer is not "no records":
 * who can suppress answers must not be able to have mail sent in clear.
 */
#ifndef REMOTE_RELAY_DANE_H
#define REMOTE_RELAY_DANE_H

#include <stdbool.h>

#include "common/dns/client.h"
#include "common/tls/tls.h"
#include "remote-relay/lookup.h"

enum dane_verdict {
	DANE_NONE,		/* there are none that count: why says it */
	DANE_RECORDS,		/* some are of use: the host must match one */
	DANE_UNUSABLE,		/* there are some, and none is of use: TLS, with
				 * whomever (section 2.2) */
	DANE_UNKNOWN		/* no answer: the host must not be used now */
};

enum { DANE_WHY_MAX = 400 };

/* About one host; the fields below are to be read after done. */
struct dane {
	enum dane_verdict verdict;
	char		 base[DNS_NAME_MAX + 1];
	unsigned	 n;		/* records, those of no use too */
	struct tls_tlsa	 at[TLS_TLSA_MAX];
	char		 why[DANE_WHY_MAX];
	/* Inside. */
	struct dns_client *dns;
	struct dns_query *query;
	char		*octets;	/* what the records point to */
	char		 names[2][DNS_NAME_MAX + 1];	/* bases to be tried */
	unsigned	 n_bases, next;
	uint16_t	 port;
	void		(*done)(void *ctx);
	void		*ctx;
};

/*
 * Ask about a host.  done is called once, never before this returns, and may
 * free it.  NULL: no memory, or too many questions.
 */
struct dane *dane_ask(struct dns_client *, const struct host *,
    void (*done)(void *ctx), void *ctx);
/* done is not called any more.  NULL is fine. */
void dane_free(struct dane *);

/* Could there be any?  False, with a reason in *why, needs no question. */
bool dane_applies(const struct host *, const char **why);

#endif
