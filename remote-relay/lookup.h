/*
 * From targets to the addresses of hosts, in the order in which they are to be
 * tried: MX and address records, asked of resolver.
 */
#ifndef REMOTE_RELAY_LOOKUP_H
#define REMOTE_RELAY_LOOKUP_H

#include "common/dns/client.h"
#include "remote-relay/exchangers.h"
#include "remote-relay/outcome.h"
#include "remote-relay/own.h"
#include "remote-relay/target.h"

enum { HOSTS_MAX = 64 };

/* What hosts were found for: a domain, or a host that a route names. */
struct next_hop {
	char		name[DNS_NAME_MAX + 1];
	char		canonical[DNS_NAME_MAX + 1];	/* where CNAMEs lead;
							 * "": nowhere else */
	bool		by_mx;		/* MX records name the hosts */
	/* From this name to those of its hosts everything is signed (DNSSEC),
	 * that there is no MX record, too; or a setting says it. */
	bool		secure;
};

struct host {
	char		name[DNS_NAME_MAX + 1];	/* of the host, or the address */
	char		canonical[DNS_NAME_MAX + 1];	/* as above */
	struct net_address address;		/* with its port */
	unsigned	hop;			/* of hosts.hops */
	bool		literal;		/* it has no name */
	bool		secure;			/* its addresses are signed */
};

struct hosts {
	uint32_t	ttl;		/* seconds that it may be kept */
	unsigned	n, n_hops;
	const struct next_hop *hops;
	struct host	at[HOSTS_MAX];	/* in a copy: n of them */
};

/* In one piece, for free(3).  NULL with errno. */
struct hosts *hosts_copy(const struct hosts *);

/* What is asked for, and by which rules. */
struct lookup_ask {
	struct dns_client *dns;
	/* Tried in this order; they outlive the lookup. */
	const struct target *targets;
	unsigned	n_targets;
	const struct target *fallback;	/* added behind all others */
	unsigned	n_fallback;
	uint16_t	port;		/* of targets without one */
	int		family;		/* enum of settings.h: address_family */
	/* The targets are a recipient's domain, not somebody's setting: what
	 * does not exist is the sender's to know, and what leads to ourselves
	 * is left out. */
	bool		domain;
	const char	*hostname;	/* ours */
	const struct own_addresses *own;
};

struct lookup;

/* Either hosts, at least one of them, or why there are none.  Both borrowed. */
typedef void lookup_done(void *ctx, const struct hosts *,
    const struct outcome *why);

/* done is called once, perhaps before this returns NULL: then there was
 * nothing to wait for. */
struct lookup *lookup_start(const struct lookup_ask *, lookup_done *, void *);
/* done is not called any more.  NULL is fine. */
void lookup_cancel(struct lookup *);

#endif
