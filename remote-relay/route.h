/*
 * The routes of remote-relay.conf, ready to be used.  A set of them lives as
 * long as somebody holds it: after a reload what is under way goes on by the
 * routes that it began with.
 */
#ifndef REMOTE_RELAY_ROUTE_H
#define REMOTE_RELAY_ROUTE_H

#include "common/net/address.h"
#include "remote-relay/fingerprint.h"
#include "common/slice/slice.h"
#include "remote-relay/settings.h"
#include "remote-relay/target.h"

enum { ROUTE_TARGETS_MAX = 32, ROUTE_FINGERPRINTS_MAX = 16 };

struct route {
	const char	*name;		/* "" for the default one */
	const struct route_settings *set;
	unsigned	 n_via, n_fallback;
	struct target	 via[ROUTE_TARGETS_MAX];
	struct target	 fallback[ROUTE_TARGETS_MAX];
	/* NET_NONE: none is set. */
	struct net_address source4, source6;
	size_t		 n_fingerprints;
	uint8_t		 fingerprints[ROUTE_FINGERPRINTS_MAX][FINGERPRINT_LEN];
};

struct routes;

/* settings were read by remote_relay_schema and become theirs, whatever
 * happens.  One hold is the caller's.  NULL with errno. */
struct routes *routes_new(struct settings *);
struct routes *routes_hold(struct routes *);
void routes_release(struct routes *);	/* NULL is fine */

const struct remote_relay_settings *routes_settings(const struct routes *);
/* "" is the default one, which there always is.  NULL: no such route. */
const struct route *routes_find(const struct routes *, struct slice name);
size_t routes_count(const struct routes *);

/*
 * Where connections to this address come from; NULL as the kernel chooses.
 * False: addresses are set, but none of its family: it cannot be reached.
 */
bool route_source(const struct route *, const struct net_address *to,
    const struct net_address **source);

#endif
