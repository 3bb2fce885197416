/*
 * Milters, as smtpd sees them: milterd is asked at MAIL, RCPT, DATA and the end
 * of a message, and each reply waits for its verdict.  The content is kept
 * here until then, in the sealed memfds in which it would have gone to
 * queue-manager; unchanged, it goes on as it is.  What milterd changed is
 * checked as if a client had sent it.
 *
 * At a listener without milters none of this does anything.
 */
#ifndef SMTPD_MILTER_MILTER_H
#define SMTPD_MILTER_MILTER_H

#include "common/ipc/milter.h"
#include "smtpd/recipients.h"
#include "smtpd/session.h"

struct kept_part {
	int fd;
	uint32_t octets;
};

/* A command that milters are shown: as it came. */
struct kept_line {
	size_t len;
	char text[];
};

/* Sealed memfds; their octets are counted in the process's and the client's. */
struct kept {
	struct smtpd *d;
	struct client *client;
	struct kept_part *at;
	uint32_t n, room;
	uint64_t octets;
};

/* fd becomes the list's.  -1: over milter_memory or the client's share of it,
 * or no memory. */
int kept_add(struct kept *, int fd, uint32_t octets);
void kept_clear(struct kept *);

/* A session with milters. */
struct milter {
	TAILQ_ENTRY(milter) held; /* while is_held */
	TAILQ_ENTRY(milter) owed; /* while owes is set */
	struct ask ask;
	struct session *s;
	unsigned era;                /* of the channel that knows it; 0: none */
	uint64_t id;                 /* the session's; s is gone before it is */
	/* MILTER_ABORT or MILTER_CLOSE, for which the channel had no room. */
	enum ipc_type owes; /* 0: none */
	struct smtpd *owed_to;
	uint8_t wishes;              /* enum milter_wish */
	struct recipient *recipient; /* that is being judged, or told of */
	struct kept_line *unknown;   /* a command under way, or NULL */
	/* Of the transaction. */
	bool on;   /* milterd has heard of it */
	bool open; /* and some milter of no end of it */
	bool reviewed;
	bool discard;
	bool is_held;
	struct kept kept;    /* content, part by part */
	struct kept changed; /* instead of its beginning */
	uint32_t next;       /* of kept, to queue-manager */
	char *hold;          /* why it is held in the queue */
	char by[MILTER_NAME_MAX + 1];
};

/* ---- ask.c: what the session does ---- */

/* Does this listener name any? */
bool milter_wanted(const struct session *);
/* MAIL is fine, as far as all others are concerned: its reply, perhaps later.
 */
void milter_mail(struct transaction *);
/* The same for a recipient: true: recipient_judged() follows.  false: nothing
 * is asked (answer may say that it cannot be). */
bool milter_recipient(struct session *, struct recipient *);
void milter_recipient_forget(struct session *);
/* It was refused, and the client told: true: a milter wants to know, and
 * recipient_judged() follows. */
bool milter_rejected(
    struct session *, struct recipient *, const struct recipient_refusal *);
/* A command that is none: true: its reply follows. */
bool milter_unknown(struct session *, struct slice line);
/* DATA: true: data_go_on() or a refusal follows. */
bool milter_data(struct transaction *);
void milter_transaction_end(struct transaction *);
void milter_session_end(struct session *);

/* Is its content kept for milters? */
static inline bool
milter_is_on(const struct transaction *t)
{
	return t->s->milter != NULL && t->s->milter->on;
}

/* ---- review.c: the message ---- */

/* A full part of it.  False: it is spoiled. */
bool milter_keep(struct transaction *, int fd, uint32_t octets);
/* The end: true: a verdict is waited for, or it is spoiled. */
bool milter_review(struct transaction *);
/* A milter wants it thrown away: say 250, log it, and do so. */
static inline bool
milter_discards(const struct transaction *t)
{
	return milter_is_on(t) && t->s->milter->discard;
}
void milter_discard(struct transaction *);
/* The next part for queue-manager, the caller's; -1: there is none. */
int milter_part(struct transaction *, uint32_t *octets, bool *last);
/* MILTER_PART, and the verdict of a review, for the transaction. */
int milter_take_part(struct milter *, int fd, uint32_t octets);
void milter_reviewed(struct milter *, struct milter_verdict *);
/* The channel has drained, or is another one. */
void milter_send_held(struct smtpd *);
void milter_send_owed(struct smtpd *);
/* A new transaction ends the former one by itself. */
void milter_owes_nothing(struct milter *);
/* Refuse with what a milter said. */
void milter_refuse(struct session *, const struct milter_verdict *,
    const char *what, struct slice detail);
/* Content goes the other way: milterd need not wait for more. */
void milter_abort(struct milter *);

/* ---- channel.c ---- */

int milter_connect(struct smtpd *, int fd);
/* Ask; -1: milterd is not there, or does not know the transaction. */
int milter_ask(struct milter *, enum ipc_type, struct slice body, int fd);

#endif
