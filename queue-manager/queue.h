/*
 * The queue: all messages that are not settled, and the law that none gets
 * lost.  What happens is first a record in the log; when that is durable it is
 * applied here.  Recovery reads the same records and applies them by the same
 * functions, so that there is one account of what a record means.
 *
 * Invariants:
 *  Q1  Memory and index never run ahead of the log: apply_* is called with
 *	durable records only.
 *  Q2  accepted = delivered + bounced + expired + deleted + open, in expanded
 *	recipients, where open counts the queued and the held.
 *  Q3  A message in memory that the index does not have, or has otherwise,
 *	is `listed` or `dirty`; the replay position of the index never passes
 *	the record of a listed one.
 *  Q4  What a former process may have delivered is in doubt: its recipients are
 *	marked unknown, so that the next attempt looks first.
 *  Q5  A queue id below id_ceiling is never given out again.
 *  Q6  A settled message is never loaded again, though the index has it until
 *	the next checkpoint is written.
 */
#ifndef QUEUE_MANAGER_QUEUE_H
#define QUEUE_MANAGER_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include <bsd/sys/tree.h>

#include "queue-manager/message.h"
#include "queue-manager/spool/clock.h"
#include "queue-manager/spool/files.h"
#include "queue-manager/spool/index.h"
#include "queue-manager/spool/log.h"
#include "queue-manager/spool/worker.h"

TAILQ_HEAD(message_list, message);

/* What the daemon wants to hear; any may be NULL. */
struct queue_hooks {
	/* A message has arrived, durable, and is in memory. */
	void	(*arrived)(void *ctx, struct message *);
	/* Recipients are about to be dropped: withdraw their jobs. */
	void	(*dropping)(void *ctx, struct recipient *);
	/* A message is about to leave memory, settled or only put away. */
	void	(*leaving)(void *ctx, struct message *);
};

struct queue_config {
	int		 root;		/* the spool's directory */
	const char	*index_path;	/* "index", as seen from the process */
	size_t		 index_size;	/* greatest, in octets */
	size_t		 segment_size;
	uint64_t	 sync_delay_us;
	struct queue_hooks hooks;
	void		*ctx;
};

struct checkpoint;

/* A message that is settled and that the index may still have. */
struct settled {
	RB_ENTRY(settled)	 by_id;
	uint64_t		 id;
};
RB_HEAD(settled_tree, settled);
int settled_compare(const struct settled *, const struct settled *);
RB_PROTOTYPE(settled_tree, settled, by_id, settled_compare)

struct queue {
	struct queue_config	 config;
	struct spool_files	 files;
	struct worker		*sync, *disk;
	struct log		*log;
	struct index		*index;
	struct spool_clock	 clock;
	struct clock_mark	 last_mark;
	uint64_t		 nonce;
	uint64_t		 life;		/* of this process; random */
	uint64_t		 next_id;	/* to lease */
	uint64_t		 id_ceiling;	/* durable */
	bool			 raising_ceiling;
	struct counters		 counters;
	uint64_t		 open, held;	/* recipients; open has both */
	uint64_t		 n_messages;	/* not settled, indexed or not */
	struct message_tree	 messages;	/* in memory */
	size_t			 n_memory;
	struct message_list	 by_arrival;	/* not in the index as yet */
	struct place		 replay;	/* as the index has it */
	struct checkpoint	*checkpoint;
	uint64_t		*gone;		/* to be taken from the index */
	size_t			 n_gone, gone_max;
	struct settled_tree	 settled;	/* those, and the ones that a
						 * checkpoint takes out now */
	uint64_t		 compacting;	/* generation, or 0 */
	size_t			 compact_at;
	size_t			 compact_under_way;	/* octets */
	unsigned		 compact_moved;		/* in this pass */
	uint64_t		 compact_rest_ms;	/* until then */
	bool			 recovering;
	struct place		 position;	/* how far recovery has read */
	uint64_t		 seen_ms;	/* latest spool time in a record */
};

/* ---- life: recover.c ---- */

/*
 * Threads first, before the filter on system calls; then everything else.
 * queue_open recovers, and logs what it found.  -1: the spool cannot be used,
 * and a sentence that says why is in the log.
 */
int queue_threads(struct queue *);
int queue_open(struct queue *, const struct queue_config *);
/* Finish what is under way, write the index, free all. */
void queue_close(struct queue *);

/* Block until all that was flushed is durable or has failed. */
void queue_wait(struct queue *);

/* ---- looking: queue.c ---- */

uint64_t queue_now(const struct queue *);	/* spool time, ms */
/* In memory; or brought there from the index.  NULL: none such. */
struct message *queue_find(struct queue *, uint64_t id);
struct message *queue_load(struct queue *, uint64_t id);
/* Out of memory, if the index has it and nothing refers to it. */
bool queue_unload(struct queue *, struct message *);
/* Unload what is idle and due later than that. */
void queue_sweep(struct queue *, uint64_t due_after_ms);
/* Q2; what is wrong otherwise, as accepted minus the sum. */
int64_t queue_difference(const struct queue *);

/* ---- applying durable records: apply.c ---- */

/* counted: not yet in counters, live octets and open (recovery only says no) */
void queue_apply(struct queue *, const struct record *, const struct place *,
    bool counted);
/* The same for a MESSAGE; content is not looked at. */
void queue_apply_message(struct queue *, uint64_t id,
    const struct event_message *, const struct place *, bool is_move,
    bool counted);

/* A message that the index may still have is no more. */
void queue_gone(struct queue *, uint64_t id);
/* The index has it no more. */
void queue_forget(struct queue *, uint64_t id);

/* ---- doing: append.c ---- */

/* error: 0 when durable and applied, or an errno. */
typedef void queue_done(void *arg, int error);

struct queue_content {
	int		fd;		/* borrowed; -1: octets */
	const void	*octets;
	uint64_t	size;
	bool		large;		/* already in large/ by its queue id */
	uint32_t	crc;		/* of large content */
	bool		may_relay;	/* its sender may write to anybody */
};

/* 0, or an errno and done is not called. */
int queue_put_message(struct queue *, uint64_t id, struct slice envelope,
    const struct queue_content *, queue_done *, void *arg);
int queue_put_expanded(struct queue *, struct message *, uint32_t number,
    const struct slice *addresses, uint32_t n, queue_done *, void *arg);
/* The same for what is not a list of our mailboxes. */
int queue_put_targets(struct queue *, struct message *, uint32_t number,
    const struct event_target *, uint32_t n, queue_done *, void *arg);
int queue_put_result(struct queue *, struct message *,
    const struct event_result *, queue_done *, void *arg);
int queue_put_hold(struct queue *, struct message *, bool held, queue_done *,
    void *arg);
int queue_put_clock(struct queue *);
/* Up to count ids from *first on; how many, 0 when the ceiling must rise
 * first (which this starts). */
uint32_t queue_lease_ids(struct queue *, uint32_t count, uint64_t *first);

/* ---- the index kept up: checkpoint.c ---- */

/* Bring it up to date with messages older than age_ms, in the background,
 * unless that is under way. */
void queue_checkpoint(struct queue *, uint64_t age_ms);
/* The index holds what it never was given (about this message; 0: it is not
 * known about which): it cannot be trusted.  Ends the process by abort(), which
 * leaves the mark of index_guard, so that the next start makes it again. */
_Noreturn void queue_index_damaged(uint64_t id);
/* The same, and wait. */
int queue_checkpoint_now(struct queue *);
bool queue_checkpoint_busy(const struct queue *);
void queue_checkpoint_free(struct queue *);

/* ---- old segments: compact.c ---- */

/*
 * Move some of what lives in the oldest segment, when that pays.  Often.  What
 * is moved is in memory until the next checkpoint: not with memory_max
 * messages there.
 */
void queue_compact(struct queue *, size_t memory_max);

/* ---- content: content.c ---- */

/*
 * A descriptor to read the content of m from at *offset: the one that it came
 * with, or another made from the spool.  It stays the message's.  -1 with
 * errno; EBADMSG: damaged on the disk.
 */
int queue_content_fd(struct queue *, struct message *, uint64_t *offset);
/* A sealed memfd of these octets, or -1. */
int content_memfd(struct slice);

#endif
