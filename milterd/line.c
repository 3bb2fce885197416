/*
 * One milter in one session: its connection, the commands in their order, its
 * answers, and what follows when it fails.
 *
 * A step is a command.  Each has a bit by which the milter says that it does
 * not want to hear it, and one by which it says that it will not answer; what
 * it does not answer is followed by the next at once, as far as there is room.
 * The answer to the last (STEP_END) may be preceded by changes; they are kept
 * and take effect when it has come.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "milterd/milterd.h"

static const struct step_rule {
	const char *name;      /* for the log */
	uint32_t no, no_reply; /* SMFIP_... */
} rules[STEP_COUNT] = {
	[STEP_NONE] = { "idle", 0, 0 },
	[STEP_DIAL] = { "connection", 0, 0 },
	[STEP_OPTIONS] = { "options", 0, 0 },
	[STEP_CONNECT] = { "connect", SMFIP_NOCONNECT, SMFIP_NR_CONN },
	[STEP_HELO] = { "helo", SMFIP_NOHELO, SMFIP_NR_HELO },
	[STEP_MAIL] = { "mail", SMFIP_NOMAIL, SMFIP_NR_MAIL },
	[STEP_RCPT] = { "rcpt", SMFIP_NORCPT, SMFIP_NR_RCPT },
	[STEP_DATA] = { "data", SMFIP_NODATA, SMFIP_NR_DATA },
	[STEP_HEADER] = { "header", SMFIP_NOHDRS, SMFIP_NR_HDR },
	[STEP_EOH] = { "end-of-header", SMFIP_NOEOH, SMFIP_NR_EOH },
	[STEP_BODY] = { "body", SMFIP_NOBODY, SMFIP_NR_BODY },
	[STEP_END] = { "end-of-message", 0, 0 },
	[STEP_UNKNOWN] = { "unknown", SMFIP_NOUNKNOWN, SMFIP_NR_UNKN },
};

static void go_on(struct line *);
static void connect_line(struct line *);

const struct milter_settings *
line_settings(const struct line *l)
{
	return l->g->values;
}

/* ---- the log ---- */

static void
log_decision(
    const struct line *l, const char *verdict, const struct milter_reply *r)
{
	log_info("milter", LOG_QID(l->s->queue_id), LOG_SID(l->s->id),
	    LOG_CSTR("milter", l->name), LOG_CSTR("verdict", verdict),
	    LOG_CSTR("at", rules[l->step].name),
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
	    LOG_CSTR("at", rules[l->step].name), LOG_NUM("changes", l->edits.n),
	    LOG_BOOL("body-replaced", l->edits.new_body));
}

/* ---- what has been decided ---- */

static void
rest(struct line *l)
{
	l->step = STEP_NONE;
	l->waits_room = false;
	if (l->stream != NULL)
		stream_deadline(l->stream, 0);
}

static void
verdict(struct line *l, enum milter_decision d, const char *word,
    const struct milter_reply *r)
{
	log_decision(l, word, r);
	rest(l);
	session_line_verdict(l, d, r);
}

void
agreed_clear(struct agreed *a)
{
	for (int i = 0; i < MILTER_STAGES; i++)
		free(a->macros[i]);
	*a = (struct agreed){ .version = 0 };
}

static void
close_stream(struct line *l)
{
	struct stream *st = l->stream;

	dial_forget(l);
	l->stream = NULL;
	l->in_transaction = l->greeted = false;
	l->accepts_all = l->refuses_all = false;
	stream_free(st);
	agreed_clear(&l->agreed);
	if (l->counted)
		peer_counts_off_stream(l->s->peer);
	l->counted = l->reused = l->whole = false;
	free(l->refusal);
	l->refusal = NULL;
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

/* A recipient that was refused: whatever it says of it changes nothing. */
static bool
is_told_only(const struct line *l)
{
	return l->s->asked == IPC_MILTER_RCPT && l->s->rcpt.code != 0;
}

/* What stands in milterd.conf is what follows. */
static void
failure_verdict(struct line *l)
{
	struct milter_reply r;

	/* That command is refused in any case, and a recipient that was
	 * refused is; what follows is decided with what follows. */
	if (l->step == STEP_UNKNOWN || is_told_only(l)) {
		rest(l);
		session_line_done(l);
		return;
	}
	switch (on_failure(l)) {
	case MILTER_FAILURE_ACCEPT:
		l->done = true;
		rest(l);
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
	rest(l);
	session_line_verdict(l, MILTER_REFUSE, &r);
}

static void
fail(struct line *l, const char *why, int error)
{
	static const char *const words[] = { "tempfail", "accept", "reject" };

	log_warning("milter-failed", LOG_QID(l->s->queue_id), LOG_SID(l->s->id),
	    LOG_CSTR("milter", l->name), LOG_CSTR("at", rules[l->step].name),
	    LOG_CSTR("reason", why), LOG_ERRNO(error),
	    LOG_CSTR("effect", words[on_failure(l)]));
	close_stream(l);
	l->failed = true;
	edits_clear(&l->edits);
	if (l->step != STEP_NONE || l->waits_room)
		failure_verdict(l);
}

/* It is not the milter's fault, or too late to go on without it: 451. */
static void
fail_message(struct line *l, const char *why)
{
	log_warning("milter-failed", LOG_QID(l->s->queue_id), LOG_SID(l->s->id),
	    LOG_CSTR("milter", l->name), LOG_CSTR("at", rules[l->step].name),
	    LOG_CSTR("reason", why), LOG_CSTR("effect", "tempfail"));
	rest(l);
	close_stream(l);
	edits_clear(&l->edits);
	session_refuse(l->s, 451, 3, 0, "Mail filters failed, try later");
}

/* ---- answers ---- */

static void
advance(struct line *l)
{
	struct session *s = l->s;

	switch (l->step) {
	case STEP_OPTIONS:
		l->step = STEP_CONNECT;
		break;
	case STEP_CONNECT:
		l->step = STEP_HELO;
		break;
	case STEP_HELO:
		l->greeted = true;
		l->step = STEP_MAIL;
		break;
	case STEP_MAIL:
		l->in_transaction = true;
		l->step = STEP_NONE;
		break;
	case STEP_DATA:
		l->data_told = true;
		l->step =
		    s->asked == IPC_MILTER_REVIEW ? STEP_HEADER : STEP_NONE;
		break;
	case STEP_HEADER:
		if (++l->field >= s->message.n_fields)
			l->step = STEP_EOH;
		break;
	case STEP_EOH:
		l->step = STEP_BODY;
		break;
	case STEP_BODY: /* the next piece; there may be none */
		break;
	default:
		l->step = STEP_NONE;
		break;
	}
}

static void
answer_accept(struct line *l)
{
	if (l->step == STEP_CONNECT || l->step == STEP_HELO)
		l->accepts_all = true;
	else
		l->in_transaction = false;
	l->done = true;
	log_message(l, "accept");
	rest(l);
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
		fail_message(l, why);
		return;
	}
	edits_clear(&l->edits);
	rest(l);
	session_line_done(l);
}

static void
refuse(struct line *l, const char *word, const struct milter_reply *r)
{
	l->whole = false;
	if (is_told_only(l)) {
		rest(l);
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
	verdict(l, MILTER_REFUSE, word, r);
}

/* No answer makes it a command. */
static void
unknown_done(struct line *l)
{
	l->whole = false;
	rest(l);
	session_line_done(l);
}

static void
answer_reply(struct line *l, struct slice text)
{
	struct milter_reply r;

	if (milter_reply_decode(text, &r) == -1)
		fail(l, "its reply is none", 0);
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
		fail(l, "a change that it may not make", 0);
	else if (edits_add(&l->edits, a, l->s->mail.utf8,
		     l->s->config->set->max_body, &why) == -1)
		fail(l, why, 0);
}

static unsigned
patience(const struct line *l)
{
	const struct milter_settings *set = line_settings(l);
	uint64_t seconds = l->step >= STEP_HEADER && l->step <= STEP_END
			       ? set->content_timeout
			   : l->step <= STEP_OPTIONS ? set->connect_timeout
						     : set->command_timeout;

	return (unsigned)seconds * 1000;
}

static void
answered(struct line *l, const struct milter_answer *a)
{
	switch (a->code) {
	case SMFIR_CONTINUE:
		if (l->step == STEP_END) {
			l->whole = true;
			finish(l, l->edits.n > 0 || l->edits.new_body
				      ? "changed"
				      : "continue");
		} else {
			advance(l);
			go_on(l);
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
			fail(l, "SKIP where it may not be", 0);
			break;
		}
		l->step = STEP_END;
		go_on(l);
		break;
	case SMFIR_PROGRESS:
		if (l->step != STEP_END)
			fail(l, "PROGRESS where it may not be", 0);
		else
			stream_deadline(l->stream, patience(l));
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
		fail(l, "it says that its connection failed", 0);
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
			fail(l, "DISCARD where it may not be", 0);
			break;
		}
		l->in_transaction = false;
		l->done = true;
		verdict(l, MILTER_DISCARD, "discard", NULL);
		break;
	default:
		answer_change(l, a);
		break;
	}
}

static int
keep_macros(struct line *l, const struct milter_options *o)
{
	for (int i = 0; i < MILTER_STAGES; i++) {
		if (o->macros[i].at == NULL)
			continue;
		l->agreed.macros[i] =
		    strndup(o->macros[i].at, o->macros[i].len);
		if (l->agreed.macros[i] == NULL)
			return -1;
	}
	return 0;
}

const struct stream_kind *
line_kind(const struct line *l)
{
	const struct milterd *d = l->s->peer->d;

	switch (l->agreed.data_max) {
	case SMFI_DATA_256K:
		return &d->kind[PACKET_256K];
	case SMFI_DATA_1M:
		return &d->kind[PACKET_1M];
	default:
		return &d->kind[PACKET_64K];
	}
}

static void
settle_options(struct line *l, const struct milter_packet *p)
{
	struct milter_options o;

	if (milter_options_decode(p, l->agreed.actions, l->agreed.steps, &o) ==
	    -1) {
		fail(l, "its options are none that were offered", 0);
		return;
	}
	l->agreed.version = o.version;
	l->agreed.actions = o.actions;
	l->agreed.steps = o.steps | (o.version < 3 ? SMFIP_NOUNKNOWN : 0) |
			  (o.version < 4 ? SMFIP_NODATA : 0);
	l->agreed.data_max = milter_data_max(o.steps);
	stream_become(l->stream, line_kind(l), l);
	if (keep_macros(l, &o) == -1) {
		fail(l, "no memory", 0);
		return;
	}
	advance(l);
	go_on(l);
}

/* Is an answer due?  Not while room for more is waited for. */
static bool
is_due(const struct line *l)
{
	return l->step >= STEP_OPTIONS && !l->waits_room;
}

static void
take_packet(struct line *l, const struct milter_packet *p)
{
	struct milter_answer a;

	l->reused = false;
	if (!is_due(l))
		fail(l, "it speaks without being asked", 0);
	else if (++l->answers > ANSWERS_MAX)
		fail(l, "endless answers", 0);
	else if (l->step == STEP_OPTIONS)
		settle_options(l, p);
	else if (milter_answer_decode(p, &a) == -1)
		fail(l, "an answer that is none", 0);
	else
		answered(l, &a);
}

static size_t
on_input(void *owner, char *at, size_t len)
{
	struct line *l = owner;
	size_t max = l->stream != NULL && l->step > STEP_OPTIONS
			 ? l->agreed.data_max
			 : SMFI_DATA_MAX;
	struct milter_packet p;
	size_t used;

	switch (milter_packet_take(slice_of(at, len), max, &p, &used)) {
	case PARSE_MORE:
		return 0;
	case PARSE_BAD:
		fail(l, "a packet without a length that can be", 0);
		return len;
	case PARSE_OK:
	default:
		take_packet(l, &p);
		return used;
	}
}

static void
on_drained(void *owner)
{
	struct line *l = owner;

	if (!l->waits_room)
		return;
	l->waits_room = false;
	go_on(l);
}

/* One that waited for us and had ended before it heard anything of us: the
 * milter was started anew, or had no patience. */
static bool
was_kept_too_long(const struct line *l, enum stream_end why)
{
	return l->reused && (why == STREAM_EOF || why == STREAM_ERROR) &&
	       l->step >= STEP_CONNECT && l->step <= STEP_MAIL;
}

static void
dial_anew(struct line *l)
{
	close_stream(l);
	/* The others will have ended, too. */
	keep_drop(&l->s->config->keep[l->block]);
	l->waits_room = false;
	l->step = STEP_DIAL;
	connect_line(l);
}

static void
on_ended(void *owner, enum stream_end why)
{
	struct line *l = owner;
	int error = errno;

	if (l->step == STEP_NONE && !l->waits_room && !l->in_transaction)
		close_stream(l); /* it had nothing more to do */
	else if (was_kept_too_long(l, why))
		dial_anew(l);
	else
		fail(l,
		    why == STREAM_TIMEOUT ? "no answer in time"
		    : why == STREAM_EOF   ? "it closed the connection"
					  : stream_end_name(why),
		    why == STREAM_ERROR ? error : 0);
}

void
milterd_kind(struct milterd *d)
{
	static const uint32_t sizes[PACKET_SIZES] = { SMFI_DATA_MAX,
		SMFI_DATA_256K, SMFI_DATA_1M };

	for (int i = 0; i < PACKET_SIZES; i++)
		d->kind[i] = (struct stream_kind){
			.on = { .input = on_input,
			    .drained = on_drained,
			    .ended = on_ended },
			.input_max = sizes[i] + MILTERD_INPUT_MORE,
			.output_max = i == PACKET_64K
					  ? MILTERD_OUTPUT_PACKETS * sizes[i]
					  : 2 * sizes[i],
			.output_ms = 60 * 1000,
		};
}

/* ---- commands ---- */

/* Say it; false: there is nothing to be said at this step, or *error. */
static bool
say(struct line *l, int *error)
{
	bool said = true;

	switch (l->step) {
	case STEP_OPTIONS:
		say_options(l);
		break;
	case STEP_CONNECT:
		say_connect(l);
		break;
	case STEP_HELO:
		say_helo(l);
		break;
	case STEP_MAIL:
		say_mail(l);
		break;
	case STEP_RCPT:
		say_rcpt(l);
		break;
	case STEP_DATA:
		say_data(l);
		break;
	case STEP_HEADER:
		said = l->field < l->s->message.n_fields && say_header(l);
		break;
	case STEP_EOH:
		say_eoh(l);
		break;
	case STEP_BODY:
		said = say_body(l, error);
		break;
	case STEP_UNKNOWN:
		say_unknown(l);
		break;
	default:
		say_end(l);
		break;
	}
	return said;
}

/* Past a step at which nothing is said or nothing will be answered. */
static void
pass(struct line *l, bool said)
{
	if (l->step == STEP_BODY && !said)
		l->step = STEP_END;
	else
		advance(l);
}

static void
go_on(struct line *l)
{
	while (l->step != STEP_NONE) {
		const struct step_rule *rule = &rules[l->step];
		int error = 0;
		bool said = (l->agreed.steps & rule->no) == 0 && say(l, &error);

		if (error != 0) {
			fail_message(l, "content that cannot be read");
			return;
		}
		if (said && (l->agreed.steps & rule->no_reply) == 0) {
			stream_deadline(l->stream, patience(l));
			return;
		}
		pass(l, said);
		if (said && stream_full(l->stream)) {
			l->waits_room = true;
			return;
		}
	}
	rest(l);
	session_line_done(l);
}

/* ---- the session's requests ---- */

void
line_init(struct line *l, struct session *s, struct slice name)
{
	*l = (struct line){ .s = s };
	memcpy(l->name, name.at, name.len);
	edits_init(&l->edits);
	for (size_t i = 0; i < settings_n_groups(s->config->settings); i++) {
		const struct settings_group *g =
		    settings_group(s->config->settings, i);

		if (slice_equal(slice_str(g->name), name)) {
			l->g = g;
			l->block = i;
		}
	}
}

void
line_clear(struct line *l)
{
	if (l->stream != NULL && l->step == STEP_NONE && !keep_give(l)) {
		say_bare(l, SMFIC_QUIT);
		stream_flush(l->stream);
	}
	close_stream(l);
	edits_clear(&l->edits);
}

void
line_begin(struct line *l)
{
	line_abort(l);
	l->failed = l->done = l->data_told = l->whole = false;
}

void
line_abort(struct line *l)
{
	bool busy = l->step != STEP_NONE;

	rest(l);
	edits_clear(&l->edits);
	/* Its answer would still come, and be taken for another's. */
	if (busy)
		close_stream(l);
	else if (l->in_transaction)
		say_bare(l, SMFIC_ABORT);
	l->in_transaction = false;
}

/* It has heard of this client, and not said that it wants to hear no more. */
static bool
listens(const struct line *l)
{
	return l->stream != NULL && l->greeted && !l->accepts_all &&
	       !l->refuses_all;
}

bool
line_wants_rejected(const struct line *l)
{
	return listens(l) && l->in_transaction && !l->done &&
	       (l->agreed.steps & SMFIP_RCPT_REJ) != 0 &&
	       (l->agreed.steps & SMFIP_NORCPT) == 0;
}

bool
line_wants_unknown(const struct line *l)
{
	return listens(l) && (l->agreed.steps & SMFIP_NOUNKNOWN) == 0;
}

bool
line_wants(const struct line *l, uint32_t no)
{
	return !l->done && (l->failed || (l->agreed.steps & no) == 0);
}

void
line_dialled(struct line *l, int fd, int error)
{
	struct milterd *d = l->s->peer->d;

	if (fd != -1 && (l->stream = stream_new(
			     d->loop, fd, &d->kind[PACKET_64K], l)) == NULL) {
		error = errno;
		close(fd);
	}
	if (l->stream == NULL) {
		fail(l, "it cannot be reached", error);
		return;
	}
	l->step = STEP_OPTIONS;
	go_on(l);
}

static void
connect_line(struct line *l)
{
	if (!peer_counts_stream(l->s->peer)) {
		fail(l, "smtpd has its share of connections to milters", 0);
		return;
	}
	l->counted = true;
	if (keep_take(l)) {
		l->reused = true;
		l->step = STEP_CONNECT;
		go_on(l);
	} else
		dial_start(l);
}

static void
run_mail(struct line *l)
{
	if (l->g == NULL) {
		l->step = STEP_DIAL;
		fail(l, "milterd.conf has no such milter", 0);
	} else if (l->stream == NULL) {
		l->step = STEP_DIAL;
		connect_line(l);
	} else if (l->accepts_all) {
		l->done = true;
		session_line_done(l);
	} else if (l->refuses_all && l->refusal != NULL) {
		l->step = STEP_CONNECT;
		verdict(l, MILTER_REFUSE, "reject", l->refusal);
	} else {
		l->step = l->greeted ? STEP_MAIL : STEP_CONNECT;
		go_on(l);
	}
}

static void
run_step(struct line *l)
{
	switch (l->s->asked) {
	case IPC_MILTER_RCPT:
		l->step = STEP_RCPT;
		break;
	case IPC_MILTER_DATA:
		l->step = STEP_DATA;
		break;
	default:
		l->field = 0;
		l->body_at = 0;
		l->step = l->data_told ? STEP_HEADER : STEP_DATA;
		break;
	}
	go_on(l);
}

/* After an unknown command libmilter waits for DATA before the content: where
 * that is not told any more, such a command is not told, either. */
static bool
data_is_behind(const struct line *l)
{
	return l->in_transaction &&
	       (l->data_told || (l->agreed.steps & SMFIP_NODATA) != 0);
}

/* What it need not be told, as long as it has not asked for it. */
static bool
is_passed(const struct line *l)
{
	if (l->s->asked == IPC_MILTER_UNKNOWN)
		return !line_wants_unknown(l) || (l->done && l->s->open) ||
		       data_is_behind(l);
	return is_told_only(l) && !line_wants_rejected(l);
}

void
line_run(struct line *l)
{
	l->answers = 0;
	if (is_passed(l))
		session_line_done(l);
	else if (l->s->asked == IPC_MILTER_UNKNOWN) {
		l->step = STEP_UNKNOWN;
		go_on(l);
	} else if (l->done)
		session_line_done(l);
	else if (l->failed || (!l->in_transaction && /* no MAIL before this */
	    l->s->asked != IPC_MILTER_MAIL))
		failure_verdict(l);
	else if (l->s->asked == IPC_MILTER_MAIL)
		run_mail(l);
	else
		run_step(l);
}
