/*
 * queue-manager: owns the spool, takes mail in, has it delivered, and tells
 * the sender when it cannot be.  It has no network.
 *
 *	intake.c	from smtpd: CONTENT, ENQUEUE
 *	expand.c	who is behind a recipient: directory
 *	dispatch.c	what to try now, and what came of it: local-delivery
 *	giveup.c	reports to the sender
 *	operator.c	bulkhead queue ...
 *	chores.c	what time brings: syncs, retries, the index
 */
#ifndef QUEUE_MANAGER_DAEMON_H
#define QUEUE_MANAGER_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <bsd/sys/queue.h>

#include "common/ipc/ipc.h"
#include "common/ipc/pending.h"
#include "common/ipc/queue.h"
#include "common/settings/settings.h"
#include "common/stage/stage.h"
#include "queue-manager/queue.h"
#include "queue-manager/scheduler.h"
#include "queue-manager/settings.h"

struct event;

enum {
	INTAKE_WAITING_MAX = 16 * 1024 * 1024,	/* octets; then smtpd waits */
	EXPANSIONS_MAX = 1000,			/* questions to directory */
	DELIVERIES_MAX = 4096,
	LEASE = 1024 * 1024			/* queue ids for one smtpd */
};

struct upload;
struct intake;

/* Queue ids that one smtpd may use, each once. */
struct lease {
	uint64_t	 first;
	uint32_t	 count;
	uint8_t		*used;		/* a bit for each */
};

/* One smtpd. */
struct peer {
	TAILQ_ENTRY(peer) entry;
	struct daemon	*d;
	struct ipc_channel *ch;
	TAILQ_HEAD(, upload) uploads;	/* large content on its way */
	unsigned	 n_uploads;
	TAILQ_HEAD(, intake) intakes;	/* waiting to be durable */
	struct lease	 leases[2];	/* the newest first */
	bool		 paused;
};

/* One who asks about the queue. */
struct operator {
	TAILQ_ENTRY(operator) entry;
	struct daemon	*d;
	struct ipc_channel *ch;
	uint64_t	 tag;
};

struct daemon {
	struct stage	 stage;
	struct settings	*settings, *next_settings;
	const struct queue_manager_settings *set;
	struct queue	 queue;
	bool		 open;		/* queue_open has been done */
	struct scheduler *scheduler;
	struct scheduler_limits limits;
	TAILQ_HEAD(, peer) peers;
	struct ipc_channel *directory, *delivery;
	struct peer	*forwards;	/* local-delivery, as it hands in mail */
	struct ipc_pending *expansions, *deliveries;
	struct event	*sync_event, *disk_event, *tick, *soon, *start;
	bool		 urgent;	/* soon: somebody waits */
	uint64_t	 start_ms;	/* when start is due */
	struct index_cursor due;	/* where looking for due mail goes on */
	bool		 flushing;	/* an operator's flush is under way */
	uint64_t	 flush_destination, flush_after;
	TAILQ_HEAD(, operator) operators;
	uint64_t	 operator_tags;
	bool		 stopping;
};

/* ---- intake.c ---- */
int intake_open(struct daemon *, enum ipc_role, int fd);
/*
 * The same on a channel that is already somebody's: local-delivery hands in
 * what it forwards.  Its messages of queue.h are passed on to
 * intake_message(); NULL: no memory.
 */
struct peer *intake_attach(struct daemon *, struct ipc_channel *);
int intake_message(struct peer *, struct ipc_channel *, struct ipc_message *);
/* The channel has gone. */
void intake_detach(struct peer *);
/* There may be room again: let paused peers speak. */
void intake_resume(struct daemon *);
/* Lease queue ids to those that have none. */
void intake_lease(struct daemon *);

/* ---- expand.c ---- */
int expand_open(struct daemon *, int fd);
/* Ask directory about a recipient of state NEW. */
void expand_recipient(struct daemon *, struct recipient *);

/* ---- dispatch.c ---- */
int dispatch_open(struct daemon *, int fd);
/* Do what is due for each recipient of m. */
void dispatch_message(struct daemon *, struct message *);
/* Start deliveries while there are places. */
void dispatch_run(struct daemon *);
/* The withdrawal of a recipient's job; for the queue's hook. */
void dispatch_withdraw(void *ctx, struct recipient *);

/* An attempt's outcome, as it is recorded, logged and reported. */
struct attempt {
	uint16_t	code;		/* 4yz, 5yz */
	uint8_t		enhanced[3];
	struct slice	text;
	bool		unknown;	/* it may have been delivered */
	bool		away;		/* no relay: wait for expiry */
};

/* Not now: later, or given up when that has lasted too long. */
void attempt_deferred(struct daemon *, struct recipient *,
    const struct attempt *);
void attempt_failed(struct daemon *, struct recipient *,
    const struct attempt *);
/* Make an outcome durable; the recipient is busy until it is. */
void attempt_record(struct daemon *, struct recipient *,
    struct event_result *);
/* Try again soon; nothing is recorded.  Resources were short. */
void attempt_postponed(struct daemon *, struct recipient *, uint64_t ms);

/* ---- giveup.c ---- */
/* r is given up; the report goes out when nothing else of m is under way. */
void giveup_recipient(struct daemon *, struct recipient *, enum outcome,
    const struct attempt *);
void giveup_consider(struct daemon *, struct message *);

/* ---- operator.c ---- */
int operator_open(struct daemon *, int fd);
/* Is that channel still there, and not another at its address? */
bool operator_alive(const struct daemon *, const struct ipc_channel *,
    uint64_t tag);

/* ---- chores.c ---- */
int chores_start(struct daemon *);
void chores_stop(struct daemon *);
/* What was appended goes to the disk: at once, or within some milliseconds
 * together with what else comes. */
void flush_now(struct daemon *);
void flush_soon(struct daemon *);
/* Nobody waits for it: it goes along with a batch of others, and has one of
 * its own only when there are no others. */
void flush_later(struct daemon *);
/* Call dispatch_run when the scheduler has something to start by then. */
void start_later(struct daemon *);

#endif
