#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "smtpd/milter/milter.h"
#include "smtpd/recipients.h"
#include "smtpd/screen.h"

enum {
	/* RCPTs of one session that are looked up at once. */
	ASKED_MAX = 128
};

static void
refuse(struct session *s, enum smtpd_reply why, struct slice address)
{
	session_refuse(s, why, "recipient", address);
}

static void
recipient_free(struct recipient *r)
{
	free(r->refusal);
	free(r);
}

/* ---- quotas ---- */

/* Whose quota, and how much; 0: none. */
static uint64_t
quota_of(const struct session *s, struct account *a)
{
	const struct smtpd_settings *set = s->d->set;

	if (s->login != NULL) {
		*a = s->login->account;
		return set->account_recipients_per_hour;
	}
	*a = (struct account){ ACCOUNT_SYSTEM, s->peer.uid };
	return session_is_injection(s) && s->peer.uid != 0 ?
	    set->inject_recipients_per_hour : 0;
}

/* One recipient more; false: not within this hour. */
static bool
charge(struct session *s)
{
	struct account a;
	uint64_t limit = quota_of(s, &a);
	char account[ACCOUNT_TEXT];
	bool first;

	if (limit == 0)
		return true;
	if (quota_take(s->d->quotas, a, limit, smtpd_now_ms(s->d), &first)) {
		s->t->charged++;
		return true;
	}
	if (first)
		log_warning("quota-reached", LOG_SID(s->id),
		    LOG_CSTR("account", account_text(a, account)),
		    LOG_CSTR("user", s->login != NULL ? s->login->name : ""),
		    LOG_NUM("recipients-per-hour", limit));
	return false;
}

void
recipients_uncharge(struct transaction *t)
{
	struct account a;

	if (t->charged == 0 || quota_of(t->s, &a) == 0)
		return;
	quota_give_back(t->s->d->quotas, a, t->charged,
	    smtpd_now_ms(t->s->d));
	t->charged = 0;
}

/* ---- replies ---- */

void
recipient_refusal_of(struct recipient_refusal *why, enum smtpd_reply reply)
{
	const struct smtp_status *status = smtpd_reply_status(reply);

	*why = (struct recipient_refusal){ .code = status->code,
		.counts = true,
		.text = slice_str(status->text),
		.reason = smtpd_reply_name(reply) };
	memcpy(why->enhanced, status->enhanced, sizeof(why->enhanced));
}

/* Why it is refused, in whose words ever. */
static void
refusal_of(const struct recipient *r, struct recipient_refusal *why)
{
	const struct refusal *f = r->refusal;

	if (f == NULL) {
		recipient_refusal_of(why, (enum smtpd_reply)r->answer);
		return;
	}
	*why = (struct recipient_refusal){ .code = f->code,
		.counts = true,
		.text = slice_of(f->text, f->len),
		.reason = r->refused_by != NULL ? r->refused_by : "route" };
	memcpy(why->enhanced, f->enhanced, sizeof(why->enhanced));
}

/* The client is told so; and then milters, if they want to know. */
static void
turn_down(struct session *s, struct recipient *r,
    const struct recipient_refusal *why)
{
	struct slice address = slice_of(r->address, r->len);

	if (why->counts)
		session_refuse_status(s, why->code, why->enhanced, why->text,
		    why->reason, "recipient", address);
	else
		session_turn_down(s, why->code, why->enhanced, why->text,
		    why->reason, "recipient", address);
	/* One error too many has ended the session; or it was no address. */
	if (s->t != NULL && r->reserved) {
		s->t->n_reserved--;
		/* A milter's own refusal is no news to milters. */
		r->told = !r->judged;
		if (r->told && milter_rejected(s, r, why))
			return;
	}
	recipient_free(r);
}

/* The reply to one RCPT, and its place in the transaction. */
static void
settle(struct session *s, struct recipient *r)
{
	struct recipient_refusal why;

	if (r->told) {
		recipient_free(r);
		return;
	}
	if (r->answer == SAY_RCPT_OK && !r->judged &&
	    !screen_recipient(s, slice_of(r->address, r->len), &why)) {
		turn_down(s, r, &why);
		return;
	}
	if (r->answer == SAY_RCPT_OK && !r->judged && milter_recipient(s, r))
		return;
	if (r->answer == SAY_RCPT_OK && !charge(s))
		r->answer = SAY_QUOTA;
	if (r->answer == SAY_RCPT_OK) {
		TAILQ_INSERT_TAIL(&s->t->recipients, r, order);
		s->t->n_recipients++;
		session_reply(s, SAY_RCPT_OK);
		return;
	}
	refusal_of(r, &why);
	turn_down(s, r, &why);
}

/* Replies go out in order: those at the head that have their answer. */
static void
settle_answered(struct session *s)
{
	struct recipient *r;

	/* NOLINTNEXTLINE: what settle frees is off the list */
	while ((r = TAILQ_FIRST(&s->asked)) != NULL && r->answer != -1 &&
	    s->phase != PHASE_END) {
		TAILQ_REMOVE(&s->asked, r, order);
		s->n_asked--;
		settle(s, r);
	}
	if (s->n_asked < ASKED_MAX / 2 || TAILQ_EMPTY(&s->asked))
		session_go_on(s, WAIT_RECIPIENTS);
}

static void
answer(struct recipient *r, enum smtpd_reply reply)
{
	r->answer = reply;
	settle_answered(r->s);
}

static struct recipient *
of_ask(struct ask *a)
{
	return (struct recipient *)((char *)a -
	    offsetof(struct recipient, ask));
}

static void
ask_failed(struct ask *a)
{
	answer(of_ask(a), SAY_DIRECTORY_DOWN);
}

/*
 * Ours by its domain and nobody's by its name.  If the name was a route to
 * somewhere else ("user%host@here", "host!user@here", "\"user@host\"@here"),
 * that is what is denied.
 */
static enum smtpd_reply
unknown_or_relay(const struct recipient *r)
{
	const char *at = memrchr(r->address, '@', r->len);
	size_t len = at != NULL ? (size_t)(at - r->address) : r->len;

	for (size_t i = 0; i < len; i++)
		if (strchr("%!@", r->address[i]) != NULL)
			return SAY_NO_RELAY;
	return SAY_UNKNOWN_RECIPIENT;
}

/* In the operator's words. */
static void
answer_refused(struct recipient *r, const struct directory_refusal *why)
{
	struct refusal *f = malloc(sizeof(*f) + why->text.len);

	if (f == NULL) {
		answer(r, SAY_RESOURCES);
		return;
	}
	f->code = why->code;
	memcpy(f->enhanced, why->enhanced, sizeof(f->enhanced));
	f->len = why->text.len;
	memcpy(f->text, why->text.at, why->text.len);
	r->refusal = f;
	answer(r, SAY_NO_RELAY);
}

/* For SEND it must be somebody who is there now. */
static void
ask_terminal(struct recipient *r)
{
	struct smtpd *d = r->s->d;
	char body[DIRECTORY_BODY_MAX];
	size_t len = directory_account_ask_encode(slice_of(r->address,
	    r->len), body);

	if (len == 0 || sibling_ask(&d->directory, &r->ask, smtpd_now_ms(d),
	    IPC_TERMINAL_ASK, slice_of(body, len), NULL, 0) == -1)
		answer(r, SAY_DIRECTORY_DOWN);
}

void
recipient_terminal(struct ask *a, enum directory_terminal v)
{
	answer(of_ask(a), v == DIRECTORY_TERMINAL_YES ? SAY_RCPT_OK :
	    v == DIRECTORY_TERMINAL_NO ? SAY_NOT_ACTIVE : SAY_DIRECTORY_DOWN);
}

void
recipient_resolved(struct ask *a, const struct directory_resolved *resolved)
{
	struct recipient *r = of_ask(a);
	bool send = r->s->t->terminals == ENVELOPE_SEND;

	/* No other host knows of SEND through us. */
	if (send && (resolved->verdict == DIRECTORY_RELAY_DOMAIN ||
	    resolved->verdict == DIRECTORY_NO_RELAY)) {
		answer(r, SAY_NO_RELAY);
		return;
	}
	switch (resolved->verdict) {
	case DIRECTORY_LOCAL:
		if (send)
			ask_terminal(r);
		else
			answer(r, SAY_RCPT_OK);
		break;
	case DIRECTORY_RELAY_DOMAIN:
		/* Who speaks LMTP wants it in a mailbox of this host. */
		answer(r, session_is_lmtp(r->s) ? SAY_NO_RELAY : SAY_RCPT_OK);
		break;
	case DIRECTORY_REFUSED:
		answer_refused(r, &resolved->refusal);
		break;
	case DIRECTORY_UNKNOWN:
		answer(r, unknown_or_relay(r));
		break;
	case DIRECTORY_NO_RELAY:
		/* The operator's word on it is for those who may relay. */
		if (!session_may_relay(r->s))
			answer(r, SAY_NO_RELAY);
		else if (resolved->refusal.code != 0)
			answer_refused(r, &resolved->refusal);
		else
			answer(r, SAY_RCPT_OK);
		break;
	default:
		answer(r, SAY_DIRECTORY_DOWN);
		break;
	}
}

/* Milters look at it: it is at the head again, and has no answer yet. */
void
recipient_wait(struct session *s, struct recipient *r)
{
	r->judged = true;
	r->answer = -1;
	TAILQ_INSERT_HEAD(&s->asked, r, order);
	s->n_asked++;
}

void
recipient_judged(struct recipient *r, enum smtpd_reply reply)
{
	answer(r, reply);
}

void
recipients_forget(struct session *s)
{
	struct recipient *r;

	milter_recipient_forget(s);
	while ((r = TAILQ_FIRST(&s->asked)) != NULL) {
		TAILQ_REMOVE(&s->asked, r, order);
		sibling_forget(&s->d->directory, &r->ask);
		recipient_free(r);
	}
	s->n_asked = 0;
}

/* ---- the command ---- */

/* Refused without a question, behind those that still wait for theirs. */
static void
refuse_in_order(struct session *s, enum smtpd_reply why, struct slice what)
{
	struct recipient *r;

	if (TAILQ_EMPTY(&s->asked)) {
		refuse(s, why, what);
		return;
	}
	if (what.len > SMTP_ADDRESS_MAX)
		what.len = SMTP_ADDRESS_MAX;
	r = calloc(1, sizeof(*r) + what.len);
	if (r == NULL) {
		session_close(s, SAY_NO_MEMORY);
		return;
	}
	r->s = s;
	r->answer = why;
	r->len = (uint16_t)what.len;
	memcpy(r->address, what.at, what.len);
	TAILQ_INSERT_TAIL(&s->asked, r, order);
	s->n_asked++;
}

static void
look_up(struct session *s, const struct smtp_address *a,
    const struct smtp_rcpt_params *params)
{
	struct smtpd *d = s->d;
	struct slice text = milter_is_on(s->t) ? params->text :
	    slice_of("", 0);
	struct recipient *r = calloc(1, sizeof(*r) + a->len +
	    params->orcpt.len + text.len);
	struct directory_ask ask = { smtp_address_slice(a),
		transaction_reverse_path(s->t), false };

	if (r == NULL) {
		refuse_in_order(s, SAY_RESOURCES, smtp_address_slice(a));
		return;
	}
	r->s = s;
	r->answer = -1;
	r->reserved = true;
	r->ask.failed = ask_failed;
	r->len = a->len;
	memcpy(r->address, a->text, a->len);
	r->notify = (uint8_t)params->notify;
	r->orcpt_len = (uint16_t)smtp_orcpt_decode(params->orcpt,
	    r->address + r->len);
	r->params_len = (uint16_t)smtp_params_copy(text,
	    r->address + r->len + r->orcpt_len);
	s->t->n_reserved++;
	TAILQ_INSERT_TAIL(&s->asked, r, order);
	if (++s->n_asked >= ASKED_MAX)
		session_wait(s, WAIT_RECIPIENTS);
	if (sibling_ask(&d->directory, &r->ask, smtpd_now_ms(d), IPC_RESOLVE,
		slice_of(d->body, directory_ask_encode(&ask, d->body)),
		NULL, 0) == -1)
		answer(r, SAY_DIRECTORY_DOWN);
}

static enum smtpd_reply
path_fault(enum smtp_path_fault why)
{
	switch (why) {
	case SMTP_PATH_NOT_ASCII:
		return SAY_NOT_ASCII;
	case SMTP_PATH_LONG:
	case SMTP_PATH_LOCAL_PART_LONG:
	case SMTP_PATH_DOMAIN_LONG:
		return SAY_LONG_FORWARD_PATH;
	default:
		return SAY_BAD_FORWARD_PATH;
	}
}

static enum smtpd_reply
parse(const struct session *s, struct slice args, struct smtp_address *a,
    struct smtp_rcpt_params *params)
{
	enum smtp_path_fault why;
	size_t used;

	if (smtp_command_keyword(&args, SLICE_LITERAL("TO:")) != PARSE_OK)
		return SAY_NEED_TO;
	if (command_path(s, args, SMTP_PATH_FORWARD |
	    (s->t->params.smtputf8 ? SMTP_PATH_UTF8 : 0), a, &used, &why) !=
	    PARSE_OK)
		return path_fault(why);
	args = slice_skip(args, used);
	if (args.len > 0 && session_is_plain(s))
		return SAY_PARAMETER_AFTER_HELO;
	switch (smtp_rcpt_params_parse(args, params)) {
	case SMTP_PARAMS_OK:
		/* RFC 6533 section 3 */
		return s->t->params.smtputf8 ||
		    slice_is_ascii(params->orcpt) ? SAY_OK :
		    SAY_BAD_PARAMETER;
	case SMTP_PARAMS_UNKNOWN:
		return SAY_UNKNOWN_PARAMETER;
	default:
		return SAY_BAD_PARAMETER;
	}
}

void
recipient_command(struct session *s, struct slice args)
{
	enum smtpd_reply why;
	struct smtp_rcpt_params params;
	struct smtp_address a;

	why = parse(s, args, &a, &params);
	if (why != SAY_OK)
		refuse_in_order(s, why, args);
	else if (s->t->n_reserved >= s->d->set->max_recipients)
		refuse_in_order(s, SAY_TOO_MANY_RECIPIENTS,
		    smtp_address_slice(&a));
	else
		look_up(s, &a, &params);
}
