/*
 * What a milter has said, or failed to say, and what becomes of the message by
 * it.
 */
#include <stdlib.h>

#include "milterd/line.h"

/* ---- the log ---- */

static void
log_decision(
    const struct line *l, const char *verdict, const struct milter_reply *r)
{
	log_info("milter", LOG_QID(l->s->queue_id), LOG_SID(l->s->id),
	    LOG_CSTR("milter", l->name), LOG_CSTR("verdict", verdict),
	    LOG_CSTR("at", line_step_name(l)),
	    LOG_STR("from", l->s->mail.reverse_path),
	    LOG_STR("to", l->s->rcpt.forward_path),
	    LOG_NUM("code", r != NULL ? r->code : 0),
	    LOG_STR("text",
		r != NULL ? slice_of(r->text, r->len) : slice_of("", 0)));
}

static void
log_message(const struct line *l, const char *verdict)
{
	log_info("milter", LOG_QID(l->s->queue_id), LOG_SID(l->s->id),
	    LOG_CSTR("milter", l->name), LOG_CSTR("verdict", verdict),
	    LOG_CSTR("at", line_step_name(l)), LOG_NUM("changes", l->edits.n),
	    LOG_BOOL("body-replaced", l->edits.new_body));
}

/* ---- what has been decided ---- */

void
line_rest(struct line *l)
{
	l->step = STEP_NONE;
	l->waits_room = false;
	if (l->stream != NULL)
		stream_deadline(l->stream, 0);
}

void
line_verdict(struct line *l, enum milter_decision d, const char *word,
    const struct milter_reply *r)
{
	log_decision(l, word, r);
	line_rest(l);
	session_line_verdict(l, d, r);
}

static void
set_reply(struct milter_reply *r, uint16_t code, uint8_t subject,
    uint8_t detail, const char *text)
{
	*r = (struct milter_reply){ .code = code,
		.enhanced = { (uint8_t)(code / 100), subject, detail },
		.len = strlen(text) };
	memcpy(r->text, text, r->len);
}

static enum milter_failure
on_failure(const struct line *l)
{
	return l->g == NULL ? MILTER_FAILURE_TEMPFAIL
			    : (enum milter_failure)line_settings(l)->on_failure;
}

bool
line_is_told_only(const struct line *l)
{
	return l->s->asked == IPC_MILTER_RCPT && l->s->rcpt.code != 0;
}

void
line_failure_verdict(struct line *l)
{
	struct milter_reply r;

	/* That command is refused in any case, and a recipient that was
	 * refused is; what follows is decided with what follows. */
	if (l->step == STEP_UNKNOWN || line_is_told_only(l)) {
		line_rest(l);
		session_line_done(l);
		return;
	}
	switch (on_failure(l)) {
	case MILTER_FAILURE_ACCEPT:
		l->done = true;
		line_rest(l);
		session_line_done(l);
		return;
	case MILTER_FAILURE_REJECT:
		set_reply(&r, 550, 7, 1, "Mail filter not available");
		break;
	case MILTER_FAILURE_TEMPFAIL:
	default:
		set_reply(
		    &r, 451, 7, 1, "Mail filter not available, try later");
		break;
	}
	line_rest(l);
	session_line_verdict(l, MILTER_REFUSE, &r);
}

void
line_fail(struct line *l, const char *why, int error)
{
	static const char *const words[] = { "tempfail", "accept", "reject" };

	log_warning("milter-failed", LOG_QID(l->s->queue_id), LOG_SID(l->s->id),
	    LOG_CSTR("milter", l->name), LOG_CSTR("at", line_step_name(l)),
	    LOG_CSTR("reason", why), LOG_ERRNO(error),
	    LOG_CSTR("effect", words[on_failure(l)]));
	line_close(l);
	l->failed = true;
	edits_clear(&l->edits);
	if (l->step != STEP_NONE || l->waits_room)
		line_failure_verdict(l);
}

void
line_fail_message(struct line *l, const char *why)
{
	log_warning("milter-failed", LOG_QID(l->s->queue_id), LOG_SID(l->s->id),
	    LOG_CSTR("milter", l->name), LOG_CSTR("at", line_step_name(l)),
	    LOG_CSTR("reason", why), LOG_CSTR("effect", "tempfail"));
	line_rest(l);
	line_close(l);
	edits_clear(&l->edits);
	session_refuse(l->s, 451, 3, 0, "Mail filters failed, try later");
}

/* ---- answers ---- */

static void
answer_accept(struct line *l)
{
	if (l->step == STEP_CONNECT || l->step == STEP_HELO)
		l->accepts_all = true;
	else
		l->in_transaction = false;
	l->done = true;
	log_message(l, "accept");
	line_rest(l);
	session_line_done(l);
}

/* The last word, with which the changes take effect. */
static void
finish(struct line *l, const char *word)
{
	const char *why;

	log_message(l, word);
	l->in_transaction = false;
	l->done = true;
	if (edits_apply(&l->edits, (l->agreed.steps & SMFIP_HDR_LEADSPC) != 0,
		&l->s->message, &l->s->envelope, l->name, &why) == -1) {
		line_fail_message(l, why);
		return;
	}
	edits_clear(&l->edits);
	line_rest(l);
	session_line_done(l);
}

static void
refuse(struct line *l, const char *word, const struct milter_reply *r)
{
	l->whole = false;
	if (line_is_told_only(l)) {
		line_rest(l);
		session_line_done(l);
		return;
	}
	if (l->step == STEP_CONNECT || l->step == STEP_HELO) {
		l->refuses_all = true;
		if ((l->refusal = malloc(sizeof(*r))) != NULL)
			*l->refusal = *r;
	} else if (l->step != STEP_RCPT && l->step != STEP_UNKNOWN) {
		l->in_transaction = false;
		l->done = true;
	}
	edits_clear(&l->edits);
	line_verdict(l, MILTER_REFUSE, word, r);
}

/* No answer makes it a command. */
static void
unknown_done(struct line *l)
{
	l->whole = false;
	line_rest(l);
	session_line_done(l);
}

static void
answer_reply(struct line *l, struct slice text)
{
	struct milter_reply r;

	if (milter_reply_decode(text, &r) == -1)
		line_fail(l, "its reply is none", 0);
	else
		refuse(l, r.code < 500 ? "tempfail" : "reject", &r);
}

static void
answer_standard(struct line *l, uint16_t code, const char *text)
{
	struct milter_reply r;

	set_reply(&r, code, 7, 1, text);
	refuse(l, code < 500 ? "tempfail" : "reject", &r);
}

static void
answer_change(struct line *l, const struct milter_answer *a)
{
	const char *why;

	if (l->step != STEP_END ||
	    (milter_answer_action(a->code) & l->agreed.actions) == 0)
		line_fail(l, "a change that it may not make", 0);
	else if (edits_add(&l->edits, a, l->s->mail.utf8,
		     l->s->config->set->max_body, &why) == -1)
		line_fail(l, why, 0);
}

void
line_answered(struct line *l, const struct milter_answer *a)
{
	switch (a->code) {
	case SMFIR_CONTINUE:
		if (l->step == STEP_END) {
			l->whole = true;
			finish(l, l->edits.n > 0 || l->edits.new_body
				      ? "changed"
				      : "continue");
		} else {
			line_advance(l);
			line_go_on(l);
		}
		break;
	case SMFIR_ACCEPT:
		if (l->step == STEP_END)
			finish(l, "accept");
		else if (l->step == STEP_UNKNOWN && !l->in_transaction)
			unknown_done(l);
		else /* of the message, in the middle of it */
			answer_accept(l);
		break;
	case SMFIR_SKIP:
		if (l->step != STEP_BODY ||
		    (l->agreed.steps & SMFIP_SKIP) == 0) {
			line_fail(l, "SKIP where it may not be", 0);
			break;
		}
		l->step = STEP_END;
		line_go_on(l);
		break;
	case SMFIR_PROGRESS:
		if (l->step != STEP_END)
			line_fail(l, "PROGRESS where it may not be", 0);
		else
			stream_deadline(l->stream, line_patience(l));
		break;
	case SMFIR_REJECT:
		answer_standard(l, 550,
		    l->step == STEP_RCPT ? "Recipient refused by a mail filter"
					 : "Message refused by a mail filter");
		break;
	case SMFIR_TEMPFAIL:
		answer_standard(l, 451, "A mail filter asks to try later");
		break;
	case SMFIR_SHUTDOWN:
		answer_standard(l, 421, "A mail filter ends the session");
		break;
	case SMFIR_CONN_FAIL:
		line_fail(l, "it says that its connection failed", 0);
		break;
	case SMFIR_REPLYCODE:
		answer_reply(l, a->value);
		break;
	case SMFIR_DISCARD:
		if (l->step == STEP_UNKNOWN) {
			unknown_done(l);
			break;
		}
		/* It is said of a message; there is none yet. */
		if (l->step < STEP_MAIL) {
			line_fail(l, "DISCARD where it may not be", 0);
			break;
		}
		l->in_transaction = false;
		l->done = true;
		line_verdict(l, MILTER_DISCARD, "discard", NULL);
		break;
	default:
		answer_change(l, a);
		break;
	}
}
