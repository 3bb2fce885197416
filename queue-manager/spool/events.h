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

enum outcome {
	OUTCOME_DEFERRED = 1,
	OUTCOME_DELIVERED,
	OUTCOME_BOUNCED,	/* failed for good; a report is queued */
	OUTCOME_EXPIRED,	/* tried for too long; the same */
	OUTCOME_DELETED		/* by an operator */
};

/* RESULT: what became of one recipient's attempt. */
struct event_result {
	uint32_t	number;
	enum outcome	outcome;
	bool		unknown;	/* it may have been delivered */
	bool		away;		/* not ours to deliver, as yet */
	uint32_t	attempts;
	uint64_t	due_ms;		/* spool time of the next attempt */
	uint16_t	code;
	uint8_t		enhanced[3];
	struct slice	text;		/* QUEUE_REASON_MAX */
};

enum { EVENT_RESULT_MAX = 64 + QUEUE_REASON_MAX };

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
