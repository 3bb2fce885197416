/* The channel to milterd (common/ipc/milter.h). */
#include <stdlib.h>
#include <unistd.h>

#include "smtpd/milter/milter.h"
#include "smtpd/recipients.h"

static struct milter *
of_ask(struct ask *a)
{
	return (struct milter *)((char *)a - offsetof(struct milter, ask));
}

/* ---- verdicts ---- */

static void
mail_answered(struct milter *m, const struct milter_verdict *v)
{
	struct session *s = m->s;

	m->on = m->open = true;
	if (v->decision == MILTER_REFUSE) {
		milter_refuse(s, v, "MAIL", transaction_reverse_path(s->t));
		session_transaction_end(s);
	} else
		session_reply(s, SAY_MAIL_OK);
	session_go_on(s, WAIT_MILTER);
}

/* As a route's refusal: in somebody else's words. */
static enum smtpd_reply
keep_refusal(struct recipient *r, const struct milter_verdict *v)
{
	struct refusal *f = malloc(sizeof(*f) + v->text.len);

	if (f == NULL)
		return SAY_RESOURCES;
	f->code = v->code;
	memcpy(f->enhanced, v->enhanced, sizeof(f->enhanced));
	f->len = v->text.len;
	memcpy(f->text, v->text.at, v->text.len);
	r->refusal = f;
	r->refused_by = "milter";
	return SAY_NO_RELAY;
}

static void
recipient_answered(struct milter *m, const struct milter_verdict *v)
{
	struct recipient *r = m->recipient;

	m->recipient = NULL;
	if (v->decision == MILTER_REFUSE && !r->told)
		recipient_judged(r, keep_refusal(r, v));
	else
		recipient_judged(r, SAY_RCPT_OK);
}

/*
 * Whatever they say it stays refused; with which words, they may say.
 */
static void
unknown_answered(struct milter *m, const struct milter_verdict *v)
{
	struct session *s = m->s;
	struct kept_line *u = m->unknown;
	struct slice line = slice_of(u->text, u->len);

	m->unknown = NULL;
	if (v->decision == MILTER_REFUSE && v->milter.len > 0) {
		milter_refuse(s, v, "command", line);
		/* In whatever words: it was no command. */
		if (v->code < 500)
			session_count_error(s);
	} else
		session_refuse(s, SAY_UNKNOWN_COMMAND, "command", line);
	free(u);
	session_go_on(s, WAIT_MILTER);
}

static void
data_answered(struct milter *m, const struct milter_verdict *v)
{
	struct session *s = m->s;

	if (v->decision == MILTER_REFUSE) {
		milter_refuse(s, v, "DATA", transaction_reverse_path(s->t));
		session_transaction_end(s);
	} else
		data_go_on(s);
	session_go_on(s, WAIT_MILTER);
}

static void
settle(struct milter *m, enum ipc_type asked, struct milter_verdict *v)
{
	m->wishes = v->wishes;
	if (v->decision == MILTER_DISCARD && asked != IPC_MILTER_UNKNOWN) {
		m->discard = true;
		memcpy(m->by, v->milter.at, v->milter.len);
		m->by[v->milter.len] = '\0';
	}
	switch (asked) {
	case IPC_MILTER_MAIL:
		mail_answered(m, v);
		break;
	case IPC_MILTER_RCPT:
		recipient_answered(m, v);
		break;
	case IPC_MILTER_DATA:
		data_answered(m, v);
		break;
	case IPC_MILTER_UNKNOWN:
		unknown_answered(m, v);
		break;
	default:
		milter_reviewed(m, v);
		break;
	}
	if (m->discard)
		milter_abort(m);
}

static int
on_verdict(void *ctx, struct ipc_channel *ch, struct ipc_message *msg)
{
	struct smtpd *d = ctx;
	struct milter_verdict v;
	struct ask *a;

	if (milter_verdict_decode(msg->body, &v) == -1)
		return -1;
	if ((a = sibling_answered(&d->milterd, ch, msg->id)) == NULL)
		return 0;
	/* An answer about another session is no answer. */
	if (of_ask(a)->s->id != v.session) {
		a->failed(a);
		return -1;
	}
	settle(of_ask(a), a->type, &v);
	return 0;
}

static int
on_part(void *ctx, struct ipc_channel *ch, struct ipc_message *msg)
{
	struct smtpd *d = ctx;
	struct milter_small part;
	struct ask *a;

	if (milter_small_decode(msg->body, &part) == -1 ||
	    part.octets > QUEUE_PART_MAX ||
	    content_check(msg->fds[0], part.octets) == -1)
		return -1;
	a = ipc_pending_peek(d->milterd.pending, ch, msg->id);
	if (a == NULL)
		return 0;
	if (a->type != IPC_MILTER_REVIEW || of_ask(a)->s->id != part.session)
		return -1;
	return milter_take_part(
	    of_ask(a), ipc_message_take_fd(msg, 0), part.octets);
}

/* ---- without one ---- */

static void
ask_failed(struct ask *a)
{
	struct milter_verdict v = { .decision = MILTER_REFUSE,
		.code = 451,
		.enhanced = { 4, 3, 0 },
		.text = slice_str(smtpd_reply_status(SAY_MILTERS_DOWN)->text),
		.milter = slice_of("", 0) };
	struct milter *m = of_ask(a);

	v.session = m->s->id;
	/* The transaction goes on behind a RCPT, or a command that is none, but
	 * not to its end: milterd may be at that yet, and must not be asked
	 * something else. */
	if (a->type == IPC_MILTER_RCPT || a->type == IPC_MILTER_UNKNOWN) {
		m->open = true;
		milter_abort(m);
		if (m->s->t != NULL)
			transaction_spoil(m->s->t, SAY_MILTERS_DOWN);
	}
	settle(m, a->type, &v);
}

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct smtpd *d = ctx;

	if (d->milterd.ch != ch)
		return;
	log_warning("sibling-gone", LOG_CSTR("peer", "milterd"));
	sibling_gone(&d->milterd);
	stage_channel_lost(&d->stage, IPC_MILTERD, 0);
	milter_send_owed(d);
	milter_send_held(d);
}

static void
on_drained(void *ctx, struct ipc_channel *ch)
{
	(void)ch;
	milter_send_owed(ctx);
	milter_send_held(ctx);
}

static const struct ipc_handler handlers[] = {
	{ IPC_MILTER_VERDICT, on_verdict },
	{ IPC_MILTER_PART, on_part },
};

static const struct ipc_events events = {
	.handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_closed,
	.drained = on_drained,
};

int
milter_connect(struct smtpd *d, int fd)
{
	struct ipc_channel *ch = ipc_channel_new(
	    d->stage.base, fd, d->role, IPC_MILTERD, &events, d);

	if (ch == NULL)
		return -1;
	d->milter_era++;
	sibling_connect(&d->milterd, ch);
	milter_send_owed(d);
	milter_send_held(d);
	return 0;
}

int
milter_ask(struct milter *m, enum ipc_type type, struct slice body, int fd)
{
	struct smtpd *d = m->s->d;
	bool first = type == IPC_MILTER_MAIL && m->era != d->milter_era;

	if (first)
		m->era = d->milter_era;
	/* What is owed would come behind this, and be taken for its end. */
	if (body.len == 0 || m->era != d->milter_era ||
	    (type != IPC_MILTER_MAIL && m->owes != 0)) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	m->ask.failed = ask_failed;
	if (sibling_ask(&d->milterd, &m->ask, smtpd_now_ms(d), type, body, &fd,
		fd != -1) == -1) {
		/* It has never heard of this session: no end is owed. */
		if (first)
			m->era = 0;
		return -1;
	}
	if (type == IPC_MILTER_MAIL)
		milter_owes_nothing(m);
	return 0;
}
