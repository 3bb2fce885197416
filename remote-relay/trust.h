/*
 * What a host has to show before it is given mail: by its route, and with
 * DANE by what DNS says.  Pure: no sockets, no questions.
 */
#ifndef REMOTE_RELAY_TRUST_H
#define REMOTE_RELAY_TRUST_H

#include "remote-relay/client.h"
#include "remote-relay/dane.h"
#include "remote-relay/lookup.h"
#include "remote-relay/outcome.h"
#include "remote-relay/route.h"

struct trust {
	enum tls_policy	 tls;
	/* Points here, and to what trust_make() was given. */
	struct tls_expect expect;
	const char	*names[TLS_NAMES_MAX];
	const char	*how;		/* in a word, for the log */
	/* Who verifies this host has verified the destination: nothing that
	 * led here is somebody else's word. */
	bool		 destination;
	char		 why[DANE_WHY_MAX];	/* why no more than that; or "" */
};

/* Does this route ask for TLSA records? */
bool trust_wants_dane(const struct route *);

/*
 * d: what dane_ask() found; NULL where dane_applies() said no, or the route
 * does not want it.  All of it has to outlive the trust.  False: the host must
 * not be used, which is the outcome.
 */
bool trust_make(struct trust *, const struct route *, const struct host *,
    const struct next_hop *, const struct dane *d, struct outcome *why);

#endif
