/*
 * queue-manager: owns the spool, takes mail in, has it delivered, and tells
 * the sender when it cannot be.  It has no network.
 *
 *	intake.c	from smtpd: CONTENT, ENQUEUE
 *	expand.c	who is behind a recipient: directory
 *	dispatch.c	what to try now, and what came of it: local-delivery
 *	relaying.c	the same at other hosts: remote-relay
 *	giveup.c	what is over, and who has to hear of it
 *	report.c	the reports themselves
 *	operator.c	bulkhead queue ...
 *	flush.c		what waits is to be tried now
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
#include "queue-manager/outbound.h"
#include "queue-manager/queue.h"
#include "queue-manager/scheduler.h"
#include "queue-manager/settings.h"

struct event;

enum {
	INTAKE_WAITING_MAX = 16 * 1024 * 1024,	/* octets; then smtpd waits */
	EXPANSIONS_MAX = 1000,			/* questions to directory */
	DELIVERIES_MAX = 4096,
	RELAYS_MAX = 4096,
	FLUSHES_MAX = 64,
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

/* What is to be due now, of what waits (flush.c). */
struct flush {
	enum {
		FLUSH_DESTINATION,	/* an address or domain, or all */
		FLUSH_BELOW,		/* name, and the domains below it */
		FLUSH_ROUTE		/* by the route of that name */
	}		 kind;
	uint64_t	 destination;	/* as the index knows it; 0: all */
	char		 name[QUEUE_FLUSH_NAME_MAX + 1];
	/* Rests that have begun up to then end; 0: none does. */
	uint64_t	 begun_ms;
	uint64_t	 outbound;	/* only while that one has room; or 0 */
	uint64_t	 after;		/* queue id */
};

/* A flush that a client asked for, so that it is not asked for all the time. */
struct flush_asked {
	uint64_t	 key;		/* 0: none */
	uint64_t	 at_ms;
};

struct daemon {
	struct stage	 stage;
	struct settings	*settings, *next_settings;
	struct settings	*shared, *next_shared;
	const struct queue_manager_settings *set;
	const struct instance_settings *instance;
	struct queue	 queue;
	bool		 open;		/* queue_open has been done */
	struct scheduler *scheduler;
	struct scheduler_limits limits;
	struct outbound	*outbound;	/* deliveries to other hosts */
	TAILQ_HEAD(, peer) peers;
	unsigned n_intakes; /* of all of them, and of those gone */
	struct ipc_channel *directory, *delivery, *relay;
	unsigned	 routes;	/* counts changes of directory's tables */
	struct peer	*forwards;	/* local-delivery, as it hands in mail */
	struct ipc_pending *expansions, *deliveries, *relays;
	struct event	*sync_event, *disk_event, *tick, *soon, *start;
	bool		 urgent;	/* soon: somebody waits */
	uint64_t	 start_ms;	/* when start is due */
	struct index_cursor due;	/* where looking for due mail goes on */
	struct flush	 flushes[FLUSHES_MAX];
	unsigned	 n_flushes;
	struct flush_asked asked[FLUSHES_MAX];
	uint64_t	 tidied_ms;
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
/* Ask directory about a recipient of state NEW; or about one of state RELAY
 * whose route may have changed: it goes by that which is in use now. */
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
	bool		dsn_passed;	/* the next host tells of success */
	struct slice	remote_mta;	/* who says so; empty: we do */
};

/* Not now: later, or given up when that has lasted too long. */
void attempt_deferred(struct daemon *, struct recipient *,
    const struct attempt *);
void attempt_failed(struct daemon *, struct recipient *,
    const struct attempt *);
void attempt_delivered(struct daemon *, struct recipient *,
    const struct attempt *);
/* It has not been delivered for too long: give it up, as it failed last. */
bool attempt_is_too_old(const struct daemon *, const struct recipient *);
void attempt_expired(struct daemon *, struct recipient *);
/* Make an outcome durable; the recipient is busy until it is. */
void attempt_record(struct daemon *, struct recipient *,
    struct event_result *);
/* Try again soon; nothing is recorded.  Resources were short. */
void attempt_postponed(struct daemon *, struct recipient *, uint64_t ms);

/* The message's content, a descriptor of its own to send away; or -1. */
int content_open(struct daemon *, struct message *, uint64_t *offset);
/* It can be read from the spool again: another attempt is far away (deferred),
 * or descriptors are scarce. */
void content_let_go(const struct daemon *, struct message *, bool deferred);

/* ---- relaying.c ---- */
int relaying_open(struct daemon *, int fd);
/* What of m is due at other hosts gets in line. */
void relaying_dispatch(struct daemon *, struct message *);
/* Start deliveries while there are places. */
void relaying_run(struct daemon *);
/* A recipient leaves the line; it is not under way. */
void relaying_withdraw(struct daemon *, struct recipient *);
/* Routes may have changed: what waits in line is looked up again. */
void relaying_reroute(struct daemon *);
/* For the scheduler, and for people: the key of a destination. */
uint64_t relaying_destination(const struct target *);
/* At the end of all: what is in line and under way is forgotten. */
void relaying_clear(struct daemon *);

/* ---- giveup.c ---- */
/* r is given up; the report goes out when nothing else of m is under way. */
void giveup_recipient(struct daemon *, struct recipient *, enum outcome,
    const struct attempt *);
void giveup_consider(struct daemon *, struct message *);

/* ---- report.c ---- */

enum report_kind {
	REPORT_SETTLED,		/* failed, expired, delivered, relayed */
	REPORT_DELAYED,
	REPORT_EXPANDED,	/* an alias, sent on to its members */
	REPORT_LIST		/* a list has it: delivered */
};

/*
 * Queue a report about these recipients of m, who all have one sender; a null
 * one only where m is itself a report, of which the postmaster hears.  *id is
 * the report's.  0 or an errno; done is called after 0 only.
 */
int report_queue(struct daemon *, struct message *m,
    struct recipient *const *about, uint32_t n, enum report_kind,
    queue_done *done, void *arg, uint64_t *id);
/* Does the sender want to hear of this outcome? */
bool report_wanted(const struct recipient *, enum outcome);
bool report_delay_wanted(const struct recipient *);
/* An alias or a list has taken the message. */
void report_expanded(struct daemon *, struct recipient *, bool list);

/* ---- operator.c ---- */
int operator_open(struct daemon *, int fd);
/* Is that channel still there, and not another at its address? */
bool operator_alive(const struct daemon *, const struct ipc_channel *,
    uint64_t tag);

/* ---- flush.c ---- */
/* Is it at this address or domain, as the index knows them?  0: any. */
bool recipient_is_at(const struct recipient *, uint64_t destination);
/* May a message more be brought into memory? */
bool memory_has_place(const struct daemon *);
/* Begin to go through the index, unless it is done.  False: too many are. */
bool flush_begin(struct daemon *, const struct flush *);
/* Some more of all that have begun. */
void flush_go_on(struct daemon *);
/* Those recipients of m that are meant are due now.  False: nobody is. */
bool flush_message(struct daemon *, struct message *m, const struct flush *);
/* The same for all messages in memory; how many. */
uint64_t flush_memory(struct daemon *, const struct flush *);
/* A client asks for it. */
void flush_asked(struct daemon *, const struct queue_flush_ask *,
    struct queue_flush_answer *);

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
