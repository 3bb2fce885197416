/*
 * A login, from LOGIN to LOGIN_TICKET or LOGIN_REFUSED.
 *
 * 1. Whether a name exists makes no difference that a client could see: not
 *    in the answer, not in the work (a name that nobody has is checked
 *    against a hash as costly as the others), not in the delay.
 * 2. An attempt that has begun counts, whether or not somebody still waits
 *    for its answer: hanging up early gains nothing.
 * 3. A password is wiped with its login, and that is freed with the answer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <event2/event.h>

#include "authd/authd.h"
#include "common/clock/clock.h"
#include "common/log/log.h"

void
login_forget(struct login *l)
{
	TAILQ_REMOVE(&l->authd->logins, l, all);
	if (l->gate != NULL)
		l->gate->logins--;
	if (l->timer != NULL)
		event_free(l->timer);
	conversation_free(l->conversation);
	apop_free(l->apop);
	explicit_bzero(l, sizeof(*l));
	free(l);
}

void
login_arm(struct login *l, uint64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	event_add(l->timer, &tv);
}

static struct delays_rules
rules_of(const struct authd *a)
{
	const struct authd_settings *s = authd_settings(a);

	return (struct delays_rules){ s->failure_delay * 1000,
	    s->failure_delay_max * 1000, s->failure_memory * 1000,
	    s->failures_per_network };
}

/* reason: NULL where it needs none. */
void
login_log(const struct login *l, const char *event, const char *reason)
{
	char client[INET6_ADDRSTRLEN], account[ACCOUNT_TEXT];
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool v4 = memcmp(l->client.octets, mapped, sizeof(mapped)) == 0;
	const struct log_field fields[] = {
		LOG_CSTR("event", event), LOG_CSTR("session", l->session),
		LOG_CSTR("client", inet_ntop(v4 ? AF_INET : AF_INET6,
		    l->client.octets + (v4 ? 12 : 0), client,
		    sizeof(client))),
		LOG_CSTR("name", l->name), LOG_CSTR("account", l->known ?
		    account_text(l->account, account) : "none"),
		reason == NULL ? LOG_END_ : LOG_CSTR("reason", reason),
		LOG_END_,
	};

	log_write(LEVEL_INFO, fields);
}

void
login_answer(const struct login *l, enum ipc_type type, const void *body,
    size_t len)
{
	if (l->gate != NULL && len > 0)
		ipc_send(l->gate->channel, type, l->id, slice_of(body, len),
		    NULL, 0);
}

static void
answer_refused(const struct login *l, enum auth_refusal why)
{
	uint8_t body[AUTH_ANSWER_MAX];

	login_answer(l, IPC_LOGIN_REFUSED, body, auth_refusal_encode(why, body));
}

/* smtpd-submit starts nothing: it only has to know who it is. */
static void
answer_account(const struct login *l)
{
	uint8_t body[AUTH_ANSWER_MAX];

	login_answer(l, IPC_LOGIN_ACCOUNT, body, auth_account_encode(
	    &l->account, slice_str(l->name), body));
}

static void
answer_ticket(const struct login *l)
{
	uint8_t body[AUTH_ANSWER_MAX];
	struct ticket ticket;

	tickets_issue(l->authd->tickets, clock_ms(), l->account,
	    (uint8_t)ipc_channel_peer(l->gate->channel), &ticket);
	login_answer(l, IPC_LOGIN_TICKET, body, auth_ticket_encode(&ticket,
	    slice_str(l->name), body));
	explicit_bzero(&ticket, sizeof(ticket));
	explicit_bzero(body, sizeof(body));
}

void
login_grant(struct login *l)
{
	login_log(l, "login", NULL);
	if (l->gate != NULL &&
	    ipc_channel_peer(l->gate->channel) == IPC_SUBMIT)
		answer_account(l);
	else if (l->gate != NULL)
		answer_ticket(l);
	login_forget(l);
}

void
login_drop(struct login *l, enum auth_refusal why)
{
	answer_refused(l, why);
	login_forget(l);
}

/* Why it fails, for us alone. */
static const char *
failure(const struct login *l)
{
	if (l->known)
		return "wrong password";
	return l->conversation != NULL ? "no such account, or no verifier" :
	    "no such account, or no possible password";
}

/* It fails: tell so when its time has come. */
static void
refuse(struct login *l)
{
	struct delays_rules rules = rules_of(l->authd);
	uint64_t ms = delays_failed(l->authd->delays, &rules, clock_ms(),
	    slice_str(l->name), &l->client);

	login_log(l, "login-failed", failure(l));
	explicit_bzero(l->password, sizeof(l->password));
	if (l->gate == NULL) {
		login_forget(l);
		return;
	}
	l->state = LOGIN_REFUSING;
	login_arm(l, ms);
}

static void
unavailable(struct login *l, const char *reason)
{
	login_log(l, "login-unavailable", reason);
	login_drop(l, AUTH_UNAVAILABLE);
}

void
login_checked(struct login *l, enum check result)
{
	struct slice name = slice_str(l->name);

	event_del(l->timer);
	switch (result) {
	case CHECK_GOOD:
		if (!l->known) {	/* 1: the work was for show */
			refuse(l);
			return;
		}
		delays_passed(l->authd->delays, clock_ms(), name, &l->client);
		if (l->conversation != NULL)
			conversation_settle(l);	/* now prove ourselves */
		else
			login_grant(l);
		return;
	case CHECK_BAD:
		refuse(l);
		return;
	case CHECK_UNAVAILABLE:
		delays_dropped(l->authd->delays, clock_ms(), name,
		    &l->client);
		unavailable(l, "the check failed");
		return;
	}
}

void
login_begin(struct login *l)
{
	struct delays_rules rules = rules_of(l->authd);
	uint64_t ms = delays_admit(l->authd->delays, &rules, clock_ms(),
	    slice_str(l->name), &l->client);

	if (ms > 0) {
		l->state = LOGIN_WAITING;
		login_arm(l, ms);
		return;
	}
	if (l->conversation != NULL) {
		conversation_check(l);
		return;
	}
	if (l->apop != NULL) {
		apop_check(l);
		return;
	}
	l->state = LOGIN_QUEUED;
	login_arm(l, CHECK_SECONDS * 1000);
	if (l->pam)
		helpers_check(l);
	else
		verifiers_check(l);
}

static void
on_timer(int fd, short what, void *arg)
{
	struct login *l = arg;

	(void)fd;
	(void)what;
	switch (l->state) {
	case LOGIN_WAITING:
		login_begin(l);
		return;
	case LOGIN_REFUSING:
		login_drop(l, AUTH_DENIED);
		return;
	case LOGIN_TALKING:
		conversation_forget(l);
		login_forget(l);
		return;
	case LOGIN_QUEUED:
	case LOGIN_CHECKING:
		if (l->pam)
			helpers_forget(l);
		else
			verifiers_forget(l);
		login_checked(l, CHECK_UNAVAILABLE);
		return;
	}
}

/* Whose name is this, and how is a password to be checked? */
static void
find_account(struct login *l, enum auth_accounts accounts)
{
	struct authd *a = l->authd;
	struct book_mailbox mailbox;

	if (book_mailbox(&a->book, slice_str(l->name), &mailbox) !=
	    BOOK_LOCAL)
		return;
	l->account = mailbox.account;
	if (l->account.kind == ACCOUNT_SYSTEM)
		l->known = l->pam = authd_settings(a)->pam &&
		    accounts == AUTH_ALL_ACCOUNTS;
	else
		l->known = passwords_find(a->tables.passwords,
		    l->account.number) != NULL;
}

/* What cannot be a password is nobody's. */
static void
take_password(struct login *l, struct slice password)
{
	if (password.len == 0 || password.len > PASSWORD_MAX ||
	    memchr(password.at, '\0', password.len) != NULL)
		l->known = l->pam = false;
	if (password.len > PASSWORD_MAX)
		password.len = PASSWORD_MAX;
	memcpy(l->password, password.at, password.len);
	l->password_len = password.len;
}

static struct login *
login_new(struct gate *g, uint64_t id, struct slice session)
{
	struct login *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->timer = evtimer_new(g->authd->stage.base, on_timer, l);
	if (l->timer == NULL) {
		free(l);
		return NULL;
	}
	l->authd = g->authd;
	l->gate = g;
	l->id = id;
	slice_copy_str(session, l->session, sizeof(l->session));
	g->logins++;
	TAILQ_INSERT_TAIL(&g->authd->logins, l, all);
	return l;
}

struct login *
login_open(struct gate *g, uint64_t id, struct slice session,
    const struct auth_client *client, struct slice name,
    enum auth_accounts accounts)
{
	uint8_t body[AUTH_ANSWER_MAX];
	struct login *l = NULL;

	/* Channels come before the tables do, at the start. */
	if (g->authd->book.domains != NULL &&
	    g->logins < authd_settings(g->authd)->logins_max)
		l = login_new(g, id, session);
	if (l == NULL) {
		log_warning("login-unavailable", LOG_STR("session", session),
		    LOG_CSTR("reason", g->authd->book.domains == NULL ?
		    "no tables yet" : "too many at once"));
		ipc_send(g->channel, IPC_LOGIN_REFUSED, id, slice_of(body,
		    auth_refusal_encode(AUTH_UNAVAILABLE, body)), NULL, 0);
		return NULL;
	}
	l->client = *client;
	username_canonical(name, l->name);
	find_account(l, accounts);
	return l;
}

static int
on_login(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct gate *g = ctx;
	struct auth_login in;
	struct login *l;

	(void)ch;
	if (auth_login_decode(m->body, &in) == -1)
		return -1;
	l = login_open(g, m->id, in.session, &in.client, in.name,
	    in.accounts);
	if (l != NULL) {
		take_password(l, in.password);
		login_begin(l);
	}
	return 0;
}

/* Nobody waits for its answer any more (2). */
static void
abandon(struct login *l)
{
	if (l->state == LOGIN_TALKING)
		conversation_forget(l);
	if (l->state == LOGIN_WAITING || l->state == LOGIN_REFUSING ||
	    l->state == LOGIN_TALKING) {
		login_forget(l);
		return;
	}
	l->gate->logins--;
	l->gate = NULL;
}

static int
on_cancel(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct gate *g = ctx;
	struct login *l;

	(void)ch;
	if (m->body.len != 0)
		return -1;
	TAILQ_FOREACH(l, &g->authd->logins, all)
		if (l->gate == g && l->id == m->id) {
			abandon(l);
			return 0;
		}
	return 0;	/* the answer is on its way already */
}

static void
on_gate_closed(void *ctx, struct ipc_channel *ch)
{
	struct gate *g = ctx;
	struct login *l, *next;

	(void)ch;
	TAILQ_FOREACH_SAFE(l, &g->authd->logins, all, next)
		if (l->gate == g)
			abandon(l);
	TAILQ_REMOVE(&g->authd->gates, g, entry);
	free(g);
}

static const struct ipc_handler handlers[] = {
	{ IPC_LOGIN, on_login },
	{ IPC_LOGIN_APOP, apop_on_login },
	{ IPC_LOGIN_CANCEL, on_cancel },
	{ IPC_SASL_START, conversation_on_start },
	{ IPC_SASL_RESPONSE, conversation_on_response },
	{ IPC_SASL_ABORT, conversation_on_abort },
};

static const struct ipc_events gate_events = {
	.handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_gate_closed,
};

int
logins_open_gate(struct authd *a, int fd, enum ipc_role peer)
{
	struct gate *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return -1;
	g->authd = a;
	g->channel = ipc_channel_new(a->stage.base, fd, IPC_AUTHD, peer,
	    &gate_events, g);
	if (g->channel == NULL) {
		free(g);
		return -1;
	}
	g->offered = -1;
	TAILQ_INSERT_TAIL(&a->gates, g, entry);
	if (a->book.domains != NULL)
		offer_tell(g);
	return 0;
}

/* The role in it is who presented the ticket to supervisor. */
int
logins_redeem(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct authd *a = ctx;
	uint8_t body[START_BODY_MAX], role;
	struct start_account who = { 0 };
	struct account account;
	struct ticket ticket;
	int good;

	if (start_redeem_decode(m->body, &ticket, &role) == -1)
		return -1;
	good = tickets_redeem(a->tickets, clock_ms(), &ticket, role,
	    &account) == 0;
	if (good) {
		who.kind = (uint8_t)account.kind;
		who.number = account.number;
	} else
		log_warning("ticket-refused", LOG_CSTR("from",
		    ipc_role_name((enum ipc_role)role)));
	return ipc_send(ch, IPC_TICKET_ACCOUNT, m->id, slice_of(body,
	    start_account_encode(good, &who, body)), NULL, 0);
}
