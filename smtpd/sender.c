/*
 * Who may send as whom: RFC 6409 section 6.1.  The reverse-path of a user who
 * has logged in must lead to the user's own mailbox, by name or by alias;
 * directory, which knows the aliases, says whether it does.
 */
#include "common/ipc/sender.h"
#include "smtpd/milter/milter.h"
#include "smtpd/session.h"

static struct transaction *
of_ask(struct ask *a)
{
	return (struct transaction *)((char *)a -
	    offsetof(struct transaction, sender));
}

/* The reply to MAIL, at last. */
static void
settle(struct transaction *t, enum smtpd_reply why)
{
	struct session *s = t->s;

	if (why == SAY_OK)
		milter_mail(t);
	else {
		session_refuse(s, why, "MAIL", transaction_reverse_path(t));
		session_transaction_end(s);
	}
	session_go_on(s, WAIT_SENDER);
}

static void
ask_failed(struct ask *a)
{
	settle(of_ask(a), SAY_DIRECTORY_DOWN);
}

void
sender_answered(struct ask *a, enum sender_verdict verdict)
{
	switch (verdict) {
	case SENDER_OWN:
		settle(of_ask(a), SAY_OK);
		break;
	case SENDER_FOREIGN:
		settle(of_ask(a), SAY_NOT_YOUR_ADDRESS);
		break;
	default:
		settle(of_ask(a), SAY_DIRECTORY_DOWN);
		break;
	}
}

/* A report or a disposition notification has none (RFC 8098 section 3). */
static bool
needs_check(const struct transaction *t)
{
	const struct session *s = t->s;

	return s->login != NULL && t->reverse_len > 0 &&
	    s->d->set->sender_addresses == SMTPD_SENDER_OWN;
}

void
sender_check(struct transaction *t)
{
	struct session *s = t->s;
	struct smtpd *d = s->d;

	if (!needs_check(t)) {
		milter_mail(t);
		return;
	}
	t->sender.failed = ask_failed;
	session_wait(s, WAIT_SENDER);
	if (sibling_ask(&d->directory, &t->sender, smtpd_now_ms(d),
	    IPC_SENDER_ASK, slice_of(d->body, sender_ask_encode(
	    &s->login->account, transaction_reverse_path(t), d->body)), NULL,
	    0) == -1)
		settle(t, SAY_DIRECTORY_DOWN);
}
