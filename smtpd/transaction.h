/*
 * One mail transaction: RFC 5321 section 3.3.  It begins with an accepted MAIL
 * and everything about it is in this one object, which is freed at whatever
 * end: message accepted or refused, RSET, HELO, EHLO, QUIT, a lost client.
 */
#ifndef SMTPD_TRANSACTION_H
#define SMTPD_TRANSACTION_H

#include <bsd/sys/queue.h>

#include "common/ipc/sender.h"
#include "common/smtp/address.h"
#include "common/smtp/command.h"
#include "common/smtp/data.h"
#include "common/enqueue/content.h"
#include "smtpd/replies.h"
#include "common/ipc/sibling.h"

struct session;

/* What a sibling said instead of taking a message or a recipient. */
struct refusal {
	uint16_t	 code;
	uint8_t		 enhanced[3];
	size_t		 len;
	char		 text[];
};

/* A RCPT command: while it is looked up, and when it was accepted. */
struct recipient {
	TAILQ_ENTRY(recipient) order;
	struct ask	 ask;		/* RESOLVE */
	struct session	*s;
	/* Counted as a recipient of the transaction. */
	bool		 reserved;
	int		 answer;	/* enum smtpd_reply; -1: none yet */
	struct refusal	*refusal;	/* this instead of answer, or NULL */
	const char	*refused_by;	/* a word for the log; with refusal */
	bool		 judged;	/* only milters and the quota are left */
	bool		 told;		/* refused, and milters hear of it */
	/* By a milter; the client named the former, and not the latter. */
	bool		 removed, added;
	uint8_t		 notify;	/* enum smtp_notify */
	uint16_t	 len, orcpt_len, params_len;
	/* Canonical, no brackets, no NUL; then ORCPT, decoded; then what
	 * milters are told of its parameters. */
	char		 address[];
};

TAILQ_HEAD(recipients, recipient);

struct transaction {
	TAILQ_ENTRY(transaction) held;	/* while is_held */
	struct session	*s;
	struct ask	 ask;		/* CONTENT, then ENQUEUE */
	struct ask	 sender;	/* SENDER_ASK */
	uint64_t	 queue_id;	/* 0 before DATA */
	unsigned	 era;		/* of the channel that it is from */
	/* envid: decoded, in here; text: as milters are told it, in here,
	 * and empty where there are none */
	struct smtp_mail_params params;
	struct recipients recipients;	/* accepted ones */
	uint32_t	 n_recipients;	/* in recipients */
	uint32_t	 n_removed;	/* of them */
	uint32_t	 n_reserved;	/* accepted or being looked up */
	uint32_t	 terminals;	/* of ENVELOPE_TERMINALS, or 0 */
	uint32_t	 charged;	/* of its quota, unless queued */
	struct smtp_data data;
	struct content	 content;
	struct slice	 trace;		/* allocated; goes in front */
	uint32_t	 received_len;	/* octets of our Received field in it */
	char		*instead;	/* of reverse_path; NULL: nothing */
	const char	*hold;		/* why it is to be held; NULL: not */
	char		*early;		/* content before the trace is made */
	size_t		 early_len;
	struct refusal	*refusal;	/* or NULL */
	struct lmtp_answer *answer;     /* LMTP: the replies have begun */
	int		 fault;		/* enum smtpd_reply; SAY_OK: none */
	bool		 ended;		/* the final dot was read */
	bool		 started;	/* content has its trace */
	bool		 known;		/* queue-manager has heard of queue_id */
	bool		 part_sent;	/* a CONTENT went out */
	bool		 asking_part;	/* ask is a CONTENT's */
	bool		 is_held;
	uint16_t	 reverse_len;
	char		 reverse_path[];	/* ENVID and parameters behind it */
};

/* NULL: no memory. */
struct transaction *transaction_new(struct session *,
    const struct smtp_address *reverse_path, const struct smtp_mail_params *);
void transaction_free(struct transaction *);

struct slice transaction_reverse_path(const struct transaction *);

/* BODY=BINARYMIME (RFC 3030): only its header section is lines. */
static inline bool
transaction_is_binary(const struct transaction *t)
{
	return t->params.body == SMTP_BODY_BINARYMIME;
}

/* DATA was accepted: take a queue id.  False: there is none to have. */
bool transaction_data_begin(struct transaction *);

/*
 * Octets of the data, decoded in place.  Returns how many belong to it; the
 * rest are commands again.
 */
size_t transaction_data(struct transaction *, char *at, size_t len);

/*
 * Octets of a chunk, as they are (RFC 3030); and the end of the last one,
 * whose reply then comes by itself.
 */
void transaction_chunk(struct transaction *, char *at, size_t len);
void transaction_chunks_end(struct transaction *);

/* It is refused: what is left of the content is read and thrown away. */
void transaction_spoil(struct transaction *, enum smtpd_reply);
/* Go on at its end, after milters. */
void transaction_conclude(struct transaction *);
/* Say 250, and let it go no further. */
void transaction_discarded(struct transaction *);
/* Is this content fit to be kept? */
enum smtpd_reply transaction_judge(const struct transaction *,
    const struct smtp_data *);

/* From the channel to queue-manager. */
void transaction_part_kept(struct transaction *);
void transaction_queued(struct transaction *);
void transaction_refused(struct transaction *, const struct refusal *);
/* The channel has drained: send what was held back. */
void transaction_send(struct transaction *);

/* sender.c: the reply to MAIL, once it is known whose address this is. */
void sender_check(struct transaction *);
void sender_answered(struct ask *, enum sender_verdict);

/* enqueue.c: give it to queue-manager.  -1: it is not there. */
int enqueue_part(struct transaction *, int fd, uint32_t octets);
int enqueue_message(struct transaction *, int fd, uint32_t octets);
/* It will not come to an ENQUEUE. */
void enqueue_abort(struct transaction *);

/*
 * trace.c: the Received field (RFC 5321 section 4.4), and for an injected
 * message the fields that it lacks.  Allocated; at is NULL without memory.
 */
struct slice trace_make(struct transaction *);
/* A queue id as people see it; at most 16 octets, no NUL.  Its length. */
size_t trace_queue_id(uint64_t id, char *out);

#endif
