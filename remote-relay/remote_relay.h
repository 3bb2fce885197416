/*
 * remote-relay: takes messages from queue-manager and gives them to other
 * hosts by SMTP or LMTP.  One process, one event loop, any number of
 * destinations.
 *
 *	setup.c		what supervisor gives us: settings, channels, the end
 *	jobs.c		what queue-manager gives us, and what it hears
 *	destination.c	where mail goes: its hosts, the mail that waits for it
 *	link.c		a connection there: made, used again, lost
 *	client*.c	what is said on it
 *	lookup.c	from a domain to the addresses of its hosts
 *
 * What always holds:
 * R1  Every recipient of a RELAY gets exactly one RELAYED, unless
 *     queue-manager has gone meanwhile.
 * R2  "delivered" is said only after the peer's 2yz to the end of the data;
 *     when that reply is missing, the outcome is unknown (client.h, C3).
 * R3  Mail for one destination waits for that destination alone.
 */
#ifndef REMOTE_RELAY_REMOTE_RELAY_H
#define REMOTE_RELAY_REMOTE_RELAY_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "common/dns/client.h"
#include "common/net/stream.h"
#include "common/stage/stage.h"
#include "remote-relay/client.h"
#include "remote-relay/down.h"
#include "remote-relay/job.h"
#include "remote-relay/logins.h"
#include "remote-relay/lookup.h"
#include "remote-relay/own.h"
#include "remote-relay/ports.h"
#include "remote-relay/route.h"

enum {
	/* Connections that a message may lose before it is put off. */
	TRIES_MAX = 2
};

struct link;
TAILQ_HEAD(links, link);

/* A route and a domain: what queue-manager schedules as one. */
struct destination {
	RB_ENTRY(destination) by_name;
	TAILQ_ENTRY(destination) crowded;	/* if is_crowded */
	struct remote_relay *rr;
	struct routes	*routes;	/* held */
	const struct route *route;
	struct target	 target;	/* of domain; kind TARGET_DOMAIN or
					 * TARGET_ADDRESS */
	struct lookup	*lookup;	/* under way, or NULL */
	struct hosts	*hosts;		/* NULL: not asked for yet */
	uint64_t	 hosts_until_ms;
	struct jobs	 waiting;
	unsigned	 n_waiting;
	struct links	 links;		/* idle ones at the front */
	unsigned	 n_links, n_opening;
	bool		 is_crowded;	/* waits for room for a connection */
	bool		 busy;		/* destination_run() is on the stack */
	char		 domain[RELAY_DOMAIN_MAX + 1];
};

RB_HEAD(destinations, destination);
TAILQ_HEAD(crowd, destination);

struct remote_relay {
	struct stage	 stage;
	struct stream_loop *loop;
	struct client_shared shared;
	struct dns_client *dns;
	struct own_addresses own;
	struct routes	*routes, *next_routes;
	struct logins	*logins, *next_logins;
	struct tls_client *next_tls;	/* that in use is in shared */
	struct tls_keys	*tls_keys;	/* tlskeyd, which signs for us */
	struct tls_store *certificates;	/* that we may show */
	const struct remote_relay_settings *set;	/* in routes */
	/* What the kernel lets us connect to, where it can be told. */
	struct ports	 ports, next_ports;
	bool		 ports_closed;

	struct ipc_channel *queue;
	unsigned	 queue_number;	/* of its channels, this one */
	bool		 paused, stopping;
	unsigned	 n_jobs, n_links;

	struct destinations destinations;
	struct crowd	 crowded;
	struct down	*down;
	struct event	*tick, *room, *stop_timer;
};

/* ---- setup.c ---- */

extern const struct stage_hooks remote_relay_hooks;

/* Behind stage_attach.  -1 with errno. */
int remote_relay_init(struct remote_relay *);
void remote_relay_clear(struct remote_relay *);

/* ---- jobs.c ---- */

int jobs_open(struct remote_relay *, int fd);
/* What became of recipient i, which is JOB_DONE now and was told to nobody
 * yet.  h: who said so, or NULL. */
void job_answered(struct remote_relay *, struct job *, unsigned i,
    const struct host *h, const struct outcome *);
/* The same for all that are not JOB_DONE; the job is freed. */
void job_settle(struct remote_relay *, struct job *, const struct host *h,
    const struct outcome *);
/* All its recipients are JOB_DONE: free it. */
void job_done(struct remote_relay *, struct job *);

/* ---- destination.c ---- */

/* Take the job to where it belongs. */
void destination_take(struct remote_relay *, struct job *);
/* Do whatever can be done now; the destination may be gone afterwards. */
void destination_run(struct destination *);
/* A job that lost its connection: it is next. */
void destination_retake(struct destination *, struct job *);
/* The next that waits, or NULL. */
struct job *destination_next_job(struct destination *);
/* No connection could be made for what waits. */
void destination_unreachable(struct destination *, const struct host *,
    const struct outcome *);
/* There is room for a connection again: see who waits for it, soon ... */
void destinations_room(struct remote_relay *);
/* ... which is this. */
void destinations_crowd(struct remote_relay *);
/* The settings have changed: what comes now goes by the new ones. */
void destinations_renew(struct remote_relay *);
/* Once a second: connections idle for too long, destinations unused. */
void destinations_tick(struct remote_relay *);
/* Put off all that waits. */
void destinations_stop(struct remote_relay *);
/* queue-manager has gone: nobody asks for what waits any more. */
void destinations_forget(struct remote_relay *);
void destinations_clear(struct remote_relay *);
RB_PROTOTYPE(destinations, destination, by_name, destination_compare);
int destination_compare(const struct destination *,
    const struct destination *);

/* ---- link.c ---- */

/* Begin to make one for a destination that has its hosts.  It is added to it,
 * and looks after itself. */
void link_open(struct destination *);
/* Give the job to the idle link of the destination, if it has one. */
bool link_give(struct destination *, struct job *);
/* End those idle for so long, 0 for all; QUIT is said. */
void links_retire(struct destination *, uint64_t idle_ms);
/* End one idle connection of anybody's, to make room. */
bool links_make_room(struct remote_relay *);
/* End all at once. */
void links_drop(struct destination *);

#endif
