/*
 * The payloads of the log's records: what happened to a message.  Each is
 * absolute (it says what is, not what changes), so that reading it twice does
 * what reading it once does (rule R1).
 *
 * put functions write into a writer of exactly the size that the size
 * function answered; get functions answer 0 or -1 and judge every field.
 */
#ifndef QUEUE_MANAGER_SPOOL_EVENTS_H
#define QUEUE_MANAGER_SPOOL_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc/codec.h"
#include "common/ipc/control.h"
#include "common/ipc/envelope.h"
#include "queue-manager/spool/segment.h"

/*
 * MESSAGE: a fixed head, the envelope, the state (of a moved message only:
 * message_state of message.h), the content unless it is in large/.
 */
struct event_message {
	uint64_t	arrival_ms;	/* spool time */
	uint64_t	content_octets;
	uint32_t	content_crc;	/* CRC-32C of all content */
	bool		large;
	/* May whoever sent it write to addresses that are not ours? */
	enum event_origin {
		EVENT_ORIGIN_UNSAID,	/* before this was recorded */
		EVENT_ORIGIN_MAY_RELAY,
		EVENT_ORIGIN_OTHER
	} origin;
	struct slice	envelope, state;
	struct slice	content;	/* empty when large */
};

enum { EVENT_MESSAGE_HEAD = 32 };

/* Octets of the payload; content_octets count unless large. */
size_t event_message_size(const struct event_message *);
/* All but the content, which is to follow at the octet answered. */
size_t event_message_put(const struct event_message *, void *payload,
    size_t size);
int event_message_get(struct slice payload, struct event_message *);

/*
 * EXPANDED: recipient `number` stands for these addresses, numbered from
 * first on.  The recipient itself is then no more.
 */
struct event_expanded {
	uint32_t	number, first, count;
	struct ipc_reader addresses;	/* event_address_next */
};

void event_expanded_put(struct ipc_writer *, const struct event_expanded *);
/* and each address: ipc_put_bytes */
int event_expanded_get(struct slice payload, struct event_expanded *);
bool event_address_next(struct ipc_reader *, struct slice *);

/*
 * TARGETS: the same, where they are not all mailboxes of ours or differ in
 * what their sender asked for.
 */
enum event_target_kind {
	EVENT_TARGET_LOCAL = 1,
	EVENT_TARGET_RELAY,
	EVENT_TARGET_REFUSED
};

struct event_target {
	enum event_target_kind kind;
	uint32_t	notify;		/* enum envelope_notify */
	bool		with_original;	/* ORCPT stays as it was */
	struct slice	address;
	struct slice	route, domain;	/* RELAY */
	struct slice	sender;		/* who hears of it; or empty */
	uint16_t	code;		/* REFUSED */
	uint8_t		enhanced[3];
	struct slice	text;
};

/* Octets that put writes for it. */
size_t event_target_size(const struct event_target *);
void event_target_put(struct ipc_writer *, const struct event_target *);
/* The numbers and a reader for event_target_next, which cannot fail then. */
int event_targets_get(struct slice payload, struct event_expanded *);
bool event_target_next(struct ipc_reader *, struct event_target *);

enum outcome {
	OUTCOME_DEFERRED = 1,
	OUTCOME_DELIVERED,
	OUTCOME_BOUNCED,	/* failed for good; a report is queued */
	OUTCOME_EXPIRED,	/* tried for too long; the same */
	OUTCOME_DELETED,	/* by an operator */
	OUTCOME_REPORT		/* delivered, and the sender is to hear of it:
				 * it is settled when the report is queued */
};

/* RESULT: what became of one recipient's attempt. */
struct event_result {
	uint32_t	number;
	enum outcome	outcome;
	bool		unknown;	/* it may have been delivered */
	bool		away;		/* not ours to deliver, as yet */
	bool		warned;		/* the sender knows of the delay */
	uint32_t	attempts;
	uint64_t	due_ms;		/* spool time of the next attempt */
	uint16_t	code;
	uint8_t		enhanced[3];
	struct slice	text;		/* QUEUE_REASON_MAX */
	struct slice	remote_mta;	/* QUEUE_MTA_MAX; empty: us */
};

enum { EVENT_RESULT_MAX = 64 + QUEUE_REASON_MAX + QUEUE_MTA_MAX };

void event_result_put(struct ipc_writer *, const struct event_result *);
int event_result_get(struct slice payload, struct event_result *);

/* HOLD: one octet.  IDS: the ceiling.  CLOCK: a clock_mark. */
void event_hold_put(struct ipc_writer *, bool held);
int event_hold_get(struct slice payload, bool *held);
void event_ids_put(struct ipc_writer *, uint64_t ceiling);
int event_ids_get(struct slice payload, uint64_t *ceiling);
void event_clock_put(struct ipc_writer *, const struct clock_mark *);
int event_clock_get(struct slice payload, struct clock_mark *);

enum { EVENT_SMALL_MAX = 32 };

#endif
