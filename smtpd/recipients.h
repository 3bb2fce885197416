/*
 * RCPT: each recipient is looked up by directory while further ones are
 * taken; the replies come in the order of the commands.
 */
#ifndef SMTPD_RECIPIENTS_H
#define SMTPD_RECIPIENTS_H

#include "common/ipc/directory.h"
#include "smtpd/session.h"

/* directory's answer to the ask of a recipient. */
void recipient_resolved(struct ask *, const struct directory_resolved *);

/* What the client is told of one that is not taken. */
struct recipient_refusal {
	uint16_t code;
	uint8_t enhanced[3];
	bool counts; /* as an error of the client's */
	struct slice text;
	const char *reason; /* for the log */
	char own[80];	/* room for a text */
};

void recipient_refusal_of(struct recipient_refusal *, enum smtpd_reply);

/* The same for SEND: is somebody behind it logged in? */
void recipient_terminal(struct ask *, enum directory_terminal);

/* Who did not send after all gets this back to its quota. */
void recipients_uncharge(struct transaction *);

/* Milters look at it: it waits at the head; and what they say. */
void recipient_wait(struct session *, struct recipient *);
void recipient_judged(struct recipient *, enum smtpd_reply);

/* Forget those of this session that are being looked up. */
void recipients_forget(struct session *);

#endif
