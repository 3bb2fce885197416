/* ETRN (RFC 1985): a host asks for the mail that waits for it. */
#ifndef SMTPD_ETRN_H
#define SMTPD_ETRN_H

#include "smtpd/session.h"

void etrn_command(struct session *, struct slice args);
/* Announced to this client? */
bool etrn_offered(const struct session *);
/* queue-manager's answer to an ask that is etrn_is(). */
bool etrn_is(const struct ask *);
void etrn_answered(struct ask *, const struct queue_flush_answer *);
/* The session is over. */
void etrn_forget(struct session *);

#endif
