/*
 * Who may send what, in the life of a session: facts are collected while it
 * goes on (policy/collect.h), a verdict is made of them at MAIL
 * (policy/facts.h), and it is told at each RCPT, so that the log says whom the
 * refused message was for.  postmaster is always reached (RFC 5321 section
 * 4.5.1).
 *
 * A session that no check and no rule is about has no struct screen.
 */
#ifndef SMTPD_SCREEN_H
#define SMTPD_SCREEN_H

#include "smtpd/policy/collect.h"
#include "smtpd/recipients.h"
#include "smtpd/session.h"

struct screen {
	struct collector collector;
	struct session	*s;
	struct verdict	 verdict;	/* of this transaction */
	bool		 mail_waits;	/* the reply to MAIL is still owed */
};

/* The settings or the table have changed. */
void screen_use(struct smtpd *);

/* By its address alone: may this client connect? */
void screen_connection(const struct smtpd *, const struct net_address *,
    struct verdict *);

/* The session has begun, a HELO was taken, the session ends. */
void screen_begin(struct session *);
void screen_helo(struct session *);
void screen_end(struct session *);

/* SAY_OK, or why this client may begin no transaction now. */
enum smtpd_reply screen_may_mail(struct session *);
/* A transaction has begun.  False: the reply to MAIL comes later. */
bool screen_mail(struct session *);
/* directory knows the recipient.  False: it is to be refused, and why. */
bool screen_recipient(struct session *, struct slice address,
    struct recipient_refusal *);

/* The confirmed name of the client; empty: not known. */
const char *screen_client_name(const struct session *);

#endif
