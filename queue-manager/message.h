/*
 * A message in memory: where its content stands, and those of its recipients
 * that are not settled yet.
 *
 * The same state is written to the index and into a compacted record; all
 * text in it lives in the message's own arena.
 */
#ifndef QUEUE_MANAGER_MESSAGE_H
#define QUEUE_MANAGER_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "common/slice/slice.h"
#include "queue-manager/scheduler.h"
#include "queue-manager/spool/events.h"
#include "queue-manager/spool/log.h"

enum recipient_state {
	RECIPIENT_NEW = 1,	/* to be expanded by directory */
	RECIPIENT_FINAL,	/* a mailbox here */
	RECIPIENT_AWAY,		/* not ours, from a time without a relay */
	RECIPIENT_RELAY,	/* at another host */
	RECIPIENT_REFUSED,	/* fails with the words that it has */
	RECIPIENT_REPORT	/* delivered; the sender is to hear of it */
};

struct message;
struct parcel;

/* Where a recipient is, that is not one of our mailboxes; and who hears of
 * it when that is not the message's reverse-path (empty: it is). */
struct target {
	struct slice	 route, domain;	/* as in common/ipc/relay.h */
	struct slice	 sender;
};

struct recipient {
	struct scheduler_job job;	/* first: a job is its recipient */
	struct message	*message;
	uint32_t	 number;
	enum recipient_state state;
	bool		 unknown;	/* an attempt's outcome is not known */
	bool		 busy;		/* asked about, or its result is being
					 * made durable */
	enum outcome	 giving_up;	/* waits for its report; or 0 */
	uint32_t	 attempts;
	uint64_t	 due_ms;	/* spool time */
	uint16_t	 code;		/* of the last attempt; 0: none */
	uint8_t		 enhanced[3];
	struct slice	 address;	/* final once state is FINAL */
	struct slice	 given;		/* in RCPT, when expanded; or empty */
	struct slice	 original;	/* ORCPT; may be empty */
	char		*reason;	/* heap, or NULL */
	char		*remote_mta;	/* who said so; heap, or NULL */
	const struct target *target;	/* in the arena; NULL: none */
	struct parcel	*parcel;	/* on its way with others, or NULL */
	unsigned	 routes;	/* the daemon's when directory last said
					 * where it goes; 0: a former one's */
	uint8_t		 notify;	/* enum envelope_notify */
	bool		 warned;	/* of the delay */
};

struct arena_piece;

struct message {
	RB_ENTRY(message) by_id;
	TAILQ_ENTRY(message) by_arrival; /* while not in the index */
	uint64_t	 id;
	struct place	 place;		/* of its MESSAGE record */
	struct place	 born;		/* the first one that we know of */
	uint32_t	 content_at;	/* octets from the place to content */
	uint64_t	 content_octets;
	uint32_t	 content_crc;
	bool		 large, held;
	bool		 may_relay;	/* its sender may write to anybody */
	uint32_t	 flags;		/* enum envelope_flag */
	uint64_t	 arrival_ms;	/* spool time */
	int64_t		 wall_ms;	/* for people */
	uint64_t	 session;
	uint64_t	 life;		/* of the process that wrote its state */
	struct slice	 reverse_path;
	struct slice	 envid, auth;	/* as in common/ipc/envelope.h */
	enum envelope_ret ret;
	uint32_t	 next_number;	/* of a recipient yet to come */
	/* Not settled, each allocated by itself: jobs do not move. */
	struct recipient **recipients;
	uint32_t	 n, n_max;
	struct arena_piece *arena;
	/* What only memory knows. */
	int		 fd;		/* content, or -1 */
	uint64_t	 fd_offset;
	unsigned	 pins;		/* work that refers to it */
	unsigned	 asking;	/* recipients that directory is asked of */
	bool		 indexed;	/* the index has it */
	bool		 listed;	/* stands in the list by arrival */
	bool		 dirty;		/* and differs from what it has */
	bool		 over;		/* settled; freed with its last pin */
};

/* From an intact MESSAGE record and its place; NULL: malformed or memory. */
struct message *message_from_record(uint64_t id, const struct place *,
    const struct event_message *);
void message_free(struct message *);
/* One piece of work less refers to it. */
void message_unpin(struct message *);

struct recipient *message_recipient(const struct message *, uint32_t number);
/* Another one; text is copied.  NULL when memory is short. */
struct recipient *message_add(struct message *, uint32_t number,
    struct slice address, struct slice given, struct slice original);
/* Settled: it is no more. */
void message_drop(struct message *, struct recipient *);
bool message_has_address(const struct message *, struct slice address);
/* The last failure, for people; text is copied and cut. */
void recipient_reason(struct recipient *, struct slice text);
void recipient_remote_mta(struct recipient *, struct slice name);
/* Its target; text is copied.  -1: memory is short. */
int recipient_target(struct recipient *, const struct target *);
/* Who hears what becomes of it; empty: nobody. */
struct slice recipient_sender(const struct recipient *);

/* A process that is no more may have delivered it: every recipient's outcome
 * is unknown. */
void message_doubt(struct message *);

/* The earliest due of its recipients; UINT64_MAX for none. */
uint64_t message_due(const struct message *);

/*
 * State as octets: all that is needed but the place, with which an index
 * entry begins.  size: exactly what put writes.
 */
size_t message_state_size(const struct message *);
void message_state_put(struct ipc_writer *, const struct message *);
/* NULL: malformed, or memory is short. */
struct message *message_state_get(uint64_t id, struct slice);

RB_HEAD(message_tree, message);
int message_compare(const struct message *, const struct message *);
RB_PROTOTYPE(message_tree, message, by_id, message_compare)

#endif
