/*
 * ETRN: RFC 1985.  Only a number goes with the name to queue-manager, which
 * decides what is to be done and how often; here it is decided who may ask.
 * The mail goes where routes and DNS say, never to whoever asked.
 */
#include "smtpd/etrn.h"

#include <stdlib.h>
#include <string.h>

#include "common/smtp/address.h"

/* What is being asked; a session has one at most. */
struct etrn {
	struct ask	 ask;
	struct session	*s;
	size_t		 len;
	char		 what[];	/* the argument, for the log */
};

static struct etrn *
of_ask(struct ask *a)
{
	return (struct etrn *)((char *)a - offsetof(struct etrn, ask));
}

/* ---- who may ask ---- */

/* Somebody who is trusted, by address: with how much waits, too. */
static bool
is_permitted(const struct session *s)
{
	return s->relay_network || s->permitted;
}

static bool
is_on(const struct session *s)
{
	return door_kind(s->door) == DOOR_SMTP &&
	    s->d->set->etrn != SMTPD_ETRN_OFF;
}

bool
etrn_offered(const struct session *s)
{
	return is_on(s) && (is_permitted(s) ||
	    s->d->set->etrn == SMTPD_ETRN_ANYONE);
}

/* ---- replies ---- */

static void
say_waiting(struct session *s, uint32_t n)
{
	static const uint8_t status[3] = { 2, 0, 0 };
	char line[SMTP_REPLY_LINE_MAX], text[64];
	int len = snprintf(text, sizeof(text),
	    "Ok, %u pending messages started", n);

	stream_write(s->stream, line, smtp_reply_line(line, 253, status,
	    slice_of(text, (size_t)len), 0));
}

/* RFC 1985 section 5.3. */
static void
say(struct etrn *e, const struct queue_flush_answer *a)
{
	struct session *s = e->s;

	if (a->verdict == QUEUE_FLUSH_BUSY)
		session_refuse(s, SAY_ETRN_BUSY, "ETRN",
		    slice_of(e->what, e->len));
	else if (!is_permitted(s) || a->verdict == QUEUE_FLUSH_ALREADY)
		session_reply(s, SAY_ETRN_BEGUN);
	else if (a->verdict == QUEUE_FLUSH_NOTHING)
		session_reply(s, SAY_ETRN_NOTHING);
	else if (a->more)
		session_reply(s, SAY_ETRN_PENDING);
	else
		say_waiting(s, a->waiting);
}

static void
end(struct ask *a, const struct queue_flush_answer *answer)
{
	struct etrn *e = of_ask(a);
	struct session *s = e->s;

	/* Before the reply, which may end the session. */
	s->etrn = NULL;
	say(e, answer);
	free(e);
	session_go_on(s, WAIT_VERIFY);
}

static void
failed(struct ask *a)
{
	static const struct queue_flush_answer busy = {
		.verdict = QUEUE_FLUSH_BUSY };

	end(a, &busy);
}

bool
etrn_is(const struct ask *a)
{
	return a->failed == failed;
}

void
etrn_answered(struct ask *a, const struct queue_flush_answer *answer)
{
	end(a, answer);
}

/* ---- the command ---- */

static bool
is_route_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!((s.at[i] >= 'a' && s.at[i] <= 'z') ||
		    (s.at[i] >= '0' && s.at[i] <= '9') ||
		    (s.at[i] != '\0' && strchr("._-", s.at[i]) != NULL)))
			return false;
	return s.len > 0 && s.len <= QUEUE_FLUSH_NAME_MAX;
}

/* node, @node, #queue: RFC 1985 section 5.2; lower has room for args. */
static bool
parse(struct slice args, char *lower, struct queue_flush_ask *ask)
{
	struct slice name = slice_lower(args, lower);

	ask->kind = QUEUE_FLUSH_DOMAIN;
	if (name.len > 0 && (name.at[0] == '@' || name.at[0] == '#')) {
		ask->kind = name.at[0] == '@' ? QUEUE_FLUSH_BELOW :
		    QUEUE_FLUSH_ROUTE;
		name = slice_skip(name, 1);
	}
	ask->name = name;
	if (ask->kind == QUEUE_FLUSH_ROUTE)
		return is_route_name(name);
	return smtp_domain_valid(name, QUEUE_FLUSH_NAME_MAX) ||
	    (ask->kind == QUEUE_FLUSH_DOMAIN &&
		name.len <= QUEUE_FLUSH_NAME_MAX && smtp_literal_valid(name));
}

static void
ask_queue(struct session *s, struct slice args,
    const struct queue_flush_ask *what)
{
	struct smtpd *d = s->d;
	char body[QUEUE_FLUSH_BODY_MAX];
	struct etrn *e = calloc(1, sizeof(*e) + args.len);

	if (e == NULL) {
		session_refuse(s, SAY_ETRN_BUSY, "ETRN", args);
		return;
	}
	e->s = s;
	e->ask.failed = failed;
	e->len = args.len;
	memcpy(e->what, args.at, args.len);
	s->etrn = e;
	session_wait(s, WAIT_VERIFY);
	if (sibling_ask(&d->queue, &e->ask, smtpd_now_ms(d), IPC_FLUSH_ASK,
	    slice_of(body, queue_flush_ask_encode(what, body)), NULL, 0) == -1)
		failed(&e->ask);
}

void
etrn_command(struct session *s, struct slice args)
{
	char lower[QUEUE_FLUSH_NAME_MAX + 1];
	struct queue_flush_ask what;

	if (!is_on(s))
		session_refuse(s, SAY_NOT_IMPLEMENTED, "ETRN", args);
	else if (session_state(s) == S_START)
		session_refuse(s, SAY_HELO_FIRST, "ETRN", args);
	else if (!s->esmtp)
		session_refuse(s, SAY_EHLO_FIRST, "ETRN", args);
	else if (session_state(s) != S_READY)
		session_refuse(s, SAY_NESTED_MAIL, "ETRN", args);
	else if (!etrn_offered(s))	/* NOLINTNEXTLINE: for two reasons */
		session_refuse(s, SAY_ETRN_DENIED, "ETRN", args);
	else if (args.len > sizeof(lower) || !parse(args, lower, &what))
		session_refuse(s, SAY_NEED_NODE, "ETRN", args);
	/* For these the whole queue is gone through: not for strangers. */
	else if (what.kind != QUEUE_FLUSH_DOMAIN && !is_permitted(s))
		session_refuse(s, SAY_ETRN_DENIED, "ETRN", args);
	else
		ask_queue(s, args, &what);
}

void
etrn_forget(struct session *s)
{
	if (s->etrn == NULL)
		return;
	sibling_forget(&s->d->queue, &s->etrn->ask);
	free(s->etrn);
	s->etrn = NULL;
}
