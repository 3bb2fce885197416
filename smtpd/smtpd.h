/*
 * The state of one smtpd process.
 */
#ifndef SMTPD_SMTPD_H
#define SMTPD_SMTPD_H

#include <stdbool.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "common/dns/client.h"
#include "common/enqueue/lease.h"
#include "common/ipc/queue.h"
#include "common/ipc/sibling.h"
#include "common/net/clients.h"
#include "common/net/stream.h"
#include "common/stage/stage.h"
#include "smtpd/policy/facts.h"
#include "smtpd/quota.h"
#include "smtpd/settings.h"

struct door;
struct greylist;
struct listener_settings;
struct session;
struct transaction;

struct proxied;

struct milter;

TAILQ_HEAD(doors, door);
TAILQ_HEAD(milters, milter);
TAILQ_HEAD(all_proxied, proxied);
TAILQ_HEAD(sessions, session);
TAILQ_HEAD(transactions, transaction);

enum {
	/* Octets read at once, and the most that is kept for a session. */
	SMTPD_INPUT_MAX = 32 * 1024,
	/* Replies that may wait for a client. */
	SMTPD_OUTPUT_MAX = 32 * 1024,
	SMTPD_CLIENTS_MAX = 65536,
	MINUTE_MS = 60 * 1000,
	SMTPD_ASKS_MAX = 65536,
	SMTPD_DNS_MAX = 16384,		/* questions to resolver at once */
	SMTPD_DNS_MS = 20 * 1000	/* patience with one */
};

struct smtpd {
	struct stage	 stage;
	/* IPC_SMTPD: port 25.  IPC_SUBMIT: users who log in, and programs of
	 * this host, who are known to the kernel.  IPC_LMTP: LMTP. */
	enum ipc_role	 role;
	bool		 stopping;

	struct settings	*settings, *next_settings;
	struct settings	*shared, *next_shared;	/* bulkhead.conf */
	const struct smtpd_settings *set;
	/* Made of the settings: it is sent as it is. */
	char		 greeting[512];
	size_t		 greeting_len;

	struct tls_keys	*tls_keys;
	struct tls_server *tls;

	struct stream_loop *loop;
	struct stream_kind kind;
	struct doors	 doors;
	struct clients	*clients;
	struct all_proxied proxied;	/* no session yet */
	unsigned	 n_proxied;
	struct sessions	 sessions;
	unsigned	 n_sessions;
	uint64_t	 next_session;
	struct event	*tick;
	struct event	*stop_timer;

	struct sibling	 directory;
	struct sibling	 queue;
	struct sibling	 authd;		/* for submission alone */
	unsigned	 login_offer;	/* a set of enum auth_offer */
	struct sibling	 milterd;
	struct milters	 milters_held;	/* wait for its channel to drain */
	struct milters	 milters_owed;	/* have an end to tell it yet */
	unsigned	 milter_era;	/* of its channel; 0: none so far */
	uint64_t	 milter_octets;	/* kept while milters look at them */
	struct quotas	*quotas;
	struct lease_ids ids;
	bool		 open;		/* the doors, once and for all */
	unsigned	 waited_s;	/* for what they wait for: */
	bool		 committed;	/* settings, certificates */
	bool		 lent;		/* queue ids; and the keys of TLS */

	struct dns_client *dns;
	struct rules	*rules, *next_rules;	/* the table of clients */
	struct lists	 lists;
	struct policy	 policy;	/* made of them and the settings */
	struct greylist	*greylist;	/* NULL: none */
	struct transactions held;	/* wait for the channel to drain */
	uint8_t		 body[QUEUE_ENQUEUE_MAX];
	uint8_t		 envelope[QUEUE_ENVELOPE_INLINE];
};

static inline uint64_t
smtpd_now_ms(struct smtpd *d)
{
	return stream_loop_now_ms(d->loop);
}

/* ---- setup.c: what supervisor gives us ---- */

/* The hooks for this role, in hooks; before stage_open(). */
void smtpd_hooks(struct smtpd *, enum ipc_role, struct stage_hooks *hooks);
/* After stage_attach().  Exits on error. */
void smtpd_init(struct smtpd *);
/* The last session has gone: when stopping, that is the end. */
void smtpd_session_gone(struct smtpd *);
/* Something has come that the doors wait for: let clients in if it is all. */
void smtpd_open_when_ready(struct smtpd *);

/* ---- doors.c: listening sockets ---- */

int doors_add(struct smtpd *, const char *name, int fd);
/* Begin to accept at those that do not yet.  -1: it was logged. */
int doors_open(struct smtpd *);
void doors_close(struct smtpd *);
/* The name of its block in the settings. */
const char *door_name(const struct door *);
/* The block itself, as it is now; NULL for the injection socket. */
const struct listener_settings *door_settings(const struct door *);

enum door_kind {
	DOOR_SMTP,       /* anyone */
	DOOR_SUBMISSION, /* users, once they have logged in */
	DOOR_INJECT,     /* programs of this host */
	DOOR_LMTP        /* another mail system, for users of ours */
};
enum door_kind door_kind(const struct door *);

/* ---- proxied.c: connections that a load balancer passes on ---- */

/* Is this peer one whose connections begin with a header? */
bool proxied_expected(const struct door *, const struct net_address *peer);
void proxied_new(struct smtpd *, struct door *, int fd,
    const struct net_address *peer);
void proxied_close_all(struct smtpd *);

/* ---- resolve.c: the channel to directory ---- */

int resolve_connect(struct smtpd *, int fd);

/* ---- auth.c: the channel to authd ---- */

int auth_connect(struct smtpd *, int fd);

/* ---- enqueue.c: the channel to queue-manager ---- */

int enqueue_connect(struct smtpd *, int fd);

#endif
