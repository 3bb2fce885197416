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
#include "smtpd/settings.h"

struct door;
struct session;
struct transaction;

TAILQ_HEAD(doors, door);
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
	/* Injection by programs of this host; otherwise the network. */
	bool		 inject;
	bool		 stopping;

	struct settings	*settings, *next_settings;
	const struct smtpd_settings *set;
	/* Made of the settings: they are sent as they are. */
	char		 greeting[512];
	char		 ehlo[512];
	size_t		 greeting_len, ehlo_len;

	struct stream_loop *loop;
	struct stream_kind kind;
	struct doors	 doors;
	struct clients	*clients;
	struct sessions	 sessions;
	unsigned	 n_sessions;
	uint64_t	 next_session;
	struct event	*tick;
	struct event	*stop_timer;

	struct sibling	 directory;
	struct sibling	 queue;
	struct lease_ids ids;
	struct dns_client *dns;
	struct transactions held;	/* wait for the channel to drain */
	uint8_t		 body[QUEUE_ENQUEUE_MAX];
	uint8_t		 envelope[QUEUE_ENVELOPE_INLINE];
};

static inline enum ipc_role
smtpd_role(const struct smtpd *d)
{
	return d->inject ? IPC_SUBMIT : IPC_SMTPD;
}

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

/* ---- doors.c: listening sockets ---- */

int doors_add(struct smtpd *, const char *name, int fd);
/* Begin to accept at those that do not yet.  -1: it was logged. */
int doors_open(struct smtpd *);
void doors_close(struct smtpd *);
/* The name of its block in the settings. */
const char *door_name(const struct door *);

/* ---- resolve.c: the channel to directory ---- */

int resolve_connect(struct smtpd *, int fd);

/* ---- enqueue.c: the channel to queue-manager ---- */

int enqueue_connect(struct smtpd *, int fd);

#endif
