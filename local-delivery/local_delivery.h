/*
 * local-delivery: takes deliveries from queue-manager, asks directory whose
 * mailbox is meant, and hands each to the worker of that owner, which
 * supervisor starts.  It opens no mailbox and names no uid.
 *
 * What always holds:
 * L1  Every DELIVER is answered by exactly one DELIVERED, unless queue-manager
 *     has gone meanwhile.
 * L2  A delivery that a worker had when it was lost is answered "deferred,
 *     outcome unknown", never anything else.
 * L3  An owner's deliveries wait in that owner's queue alone; it is bounded.
 *
 * A delivery goes through three places: the list of those that wait for
 * directory's answer, its owner's queue, and what its worker has in hand.
 *
 * A system user's delivery goes to that user's runner first, in the same way;
 * what ~/.forward wants besides programs and files is then done here: into
 * the mailbox (by the worker), and on to other addresses (a new message,
 * handed to queue-manager as smtpd does).
 * L4  The recipient is "delivered" only when all of that is durable.  A crash
 *     in between repeats some of it, and loses nothing.
 * L5  What a runner says is its user's word: addresses are checked here, and
 *     nothing else of it leaves the user's own mail.
 */
#ifndef LOCAL_DELIVERY_LOCAL_DELIVERY_H
#define LOCAL_DELIVERY_LOCAL_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "common/accounts/account.h"
#include "common/enqueue/lease.h"
#include "common/ipc/delivery.h"
#include "common/ipc/directory.h"
#include "common/ipc/ipc.h"
#include "common/ipc/forward.h"
#include "common/ipc/pending.h"
#include "common/ipc/sibling.h"
#include "common/stage/stage.h"
#include "local-delivery/settings.h"

enum {
	WINDOW = 256,		/* deliveries in one worker's hands */
	CROWDED_MS = 500,	/* supervisor had no room: ask later */
	TURN_MS = 2000,		/* of a worker, while others wait for one */
	DEATHS_MAX = 3,		/* of an owner's workers in a row, then we defer */
	REMEMBERED_MAX = 4096,	/* addresses whose account we remember ... */
	REMEMBERED_S = 10	/* ... and for how long */
};

struct job {
	TAILQ_ENTRY(job)	 entry;
	uint64_t		 id;		/* queue-manager's */
	unsigned		 from;		/* which of its channels */
	struct owner		*owner;		/* whose queue it is in, or was */
	uint32_t		 account;	/* 0: not known yet */
	struct forward		*forward;	/* what a runner said; or NULL */
	struct delivery		 d;		/* points into body and detail */
	int			 fd;		/* content; -1: handed on */
	char			 detail[DIRECTORY_DETAIL_MAX];
	char			 body[];
};

TAILQ_HEAD(jobs, job);

/* An owner's process is one of two kinds. */
enum owner_kind {
	OWNER_WORKER,		/* into the mailbox */
	OWNER_RUNNER		/* ~/.forward */
};

enum { OWNER_KINDS = 2 };

enum owner_state {
	OWNER_ASKING,		/* directory, for a voucher */
	OWNER_STARTING,		/* supervisor, for a worker */
	OWNER_RUNNING,
	OWNER_WAITING		/* until another worker has ended */
};

struct owner {
	RB_ENTRY(owner)		 by_account;
	TAILQ_ENTRY(owner)	 entry;		/* all; longest unused first */
	TAILQ_ENTRY(owner)	 waiting;	/* in OWNER_WAITING */
	TAILQ_ENTRY(owner)	 fed;		/* got jobs in this turn */
	TAILQ_ENTRY(owner) idle;                /* has a worker and no work */
	bool is_fed, is_idle;
	struct local_delivery	*ld;
	struct account		 account;
	enum owner_kind		 kind;
	enum owner_state	 state;
	struct ipc_channel	*worker;	/* in OWNER_RUNNING */
	/* Of a worker's owner: no ~/.forward is there until then. */
	uint64_t		 no_forward_ms;
	bool full; /* directory was told so */
	struct jobs		 queue;
	unsigned		 queued, in_hand, deaths;
	uint64_t		 used_ms;	/* last answer, or last hand-over
						 * to an idle worker */
	uint64_t		 since_ms;	/* its worker runs */
};

/* An address and whose it is, for a while. */
struct remembered {
	RB_ENTRY(remembered)	 by_address;
	TAILQ_ENTRY(remembered)	 entry;		/* oldest first */
	uint64_t		 since_ms;
	struct account		 account;
	struct slice		 address;	/* points into text */
	struct slice		 detail;
	char			 text[];
};

struct done_table;

RB_HEAD(owners, owner);
RB_HEAD(addresses, remembered);

struct local_delivery {
	struct stage		 stage;
	struct settings		*settings, *next_settings;
	const struct local_delivery_settings *set;
	struct ipc_channel	*queue;		/* NULL: gone for now */
	unsigned		 queue_number;	/* counts its channels */
	struct ipc_channel	*directory;
	struct event		*tick;
	/* Who waits for what: jobs or owners for directory, owners for
	 * supervisor, jobs for workers. */
	struct ipc_pending	*asked, *starting, *handed;
	struct jobs		 unasked;	/* no directory, or too much asked */
	struct owners		 owners;
	TAILQ_HEAD(, owner)	 by_use, waiting[OWNER_KINDS], fed;
	TAILQ_HEAD(, owner) idle[OWNER_KINDS];          /* the longest first */
	unsigned		 workers[OWNER_KINDS];	/* starting or running */
	uint64_t		 crowded_until_ms[OWNER_KINDS];
	/* What is handed in at queue-manager, by its one channel. */
	struct sibling		 intake;
	struct lease_ids	 ids;
	struct jobs		 forwards;	/* wait for their turn */
	unsigned		 forwarding;
	bool			 starting_forwards;
	struct done_table	 *done;
	unsigned		 jobs;
	struct addresses	 addresses;
	TAILQ_HEAD(, remembered) addresses_by_age;
	unsigned		 remembered;
	bool			 paused, stopping;
};

/* ---- jobs.c ---- */

/* Take fd as the channel to queue-manager.  -1: no memory. */
int jobs_open(struct local_delivery *, int fd);
/* Answer and free. */
void job_done(struct local_delivery *, struct job *, const struct delivered *);
/* The same past all that is still to be forwarded. */
void job_answer(struct local_delivery *, struct job *,
    const struct delivered *);
void job_defer(struct local_delivery *, struct job *, const char *text,
    bool unknown);
/* Answer all of a list as deferred. */
void jobs_defer(struct local_delivery *, struct jobs *, const char *text);

/* ---- addresses.c ---- */

int addresses_open(struct local_delivery *, int fd);
/* Find the owner of a fresh job: at once, or when directory answers. */
void addresses_ask(struct local_delivery *, struct job *);
/* A voucher for the worker of this owner, who has a job queued.  False: it
 * cannot be asked for now. */
bool addresses_ask_voucher(struct owner *);
/* Forget what is too old, or everything. */
void addresses_forget(struct local_delivery *, uint64_t before_ms);

/* ---- owners.c, and owner.h for what only its parts share ---- */

struct owner *owner_get(struct local_delivery *, struct account,
    enum owner_kind);
/* Where fresh mail goes: to the runner that looks for a ~/.forward, or to the
 * worker at once. */
struct owner *owner_of_mail(struct local_delivery *, struct account,
    const struct job *);
/* Queue a job; starts a worker when need be.  voucher may be NULL.  What came
 * in one turn is handed to the workers together, at its end. */
void owner_add(struct owner *, struct job *, const struct ticket *voucher);
void owners_turn(struct local_delivery *);
/* The voucher that was asked for, or NULL: it is not to be had. */
void owner_voucher(struct owner *, const struct ticket *voucher);
/* directory has gone before it answered: ask again later. */
void owner_wait(struct owner *);
/* We are stopping: what no worker has waits in the spool. */
void owners_stop(struct local_delivery *);
/* Once a second: the idle and the stuck. */
void owners_tick(struct local_delivery *);
void owners_clear(struct local_delivery *);

extern const struct ipc_handler owners_from_supervisor[];
extern const unsigned owners_from_supervisor_count;

/* ---- forwards.c: what a runner hands back ---- */

/* A runner's answer about a job, which is then forwards.c's. */
int forwards_answer(struct local_delivery *, struct job *, struct slice body);
/* A part of a job that is being forwarded has ended so. */
void forwards_part_done(struct local_delivery *, struct job *,
    const struct delivered *);
/* What of a job was done in an earlier attempt. */
void forwards_done_before(const struct local_delivery *, const struct job *,
    struct forward_done *);
/* queue-manager's channel has come (NULL: gone). */
void forwards_channel(struct local_delivery *, struct ipc_channel *);
void forwards_tick(struct local_delivery *);
int forwards_init(struct local_delivery *);
void forwards_clear(struct local_delivery *);
ipc_handle forwards_ids, forwards_part_kept, forwards_enqueued,
    forwards_refused;

/* ---- main.c ---- */

uint64_t local_delivery_now_ms(void);
/* Something was answered: read on, or stop if that is what we are doing. */
void local_delivery_relieved(struct local_delivery *);

#endif
