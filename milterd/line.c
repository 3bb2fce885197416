/*
 * One milter in one session: its connection, and the commands in their order.
 * What it answers, and what follows when it fails, is in answer.c.
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

#include "milterd/line.h"

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

static void connect_line(struct line *);

const char *
line_step_name(const struct line *l)
{
	return rules[l->step].name;
}

const struct milter_settings *
line_settings(const struct line *l)
{
	return l->g->values;
}

void
agreed_clear(struct agreed *a)
{
	for (int i = 0; i < MILTER_STAGES; i++)
		free(a->macros[i]);
	*a = (struct agreed){ .version = 0 };
}

void
line_close(struct line *l)
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

void
line_advance(struct line *l)
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

unsigned
line_patience(const struct line *l)
{
	const struct milter_settings *set = line_settings(l);
	uint64_t seconds = l->step >= STEP_HEADER && l->step <= STEP_END
			       ? set->content_timeout
			   : l->step <= STEP_OPTIONS ? set->connect_timeout
						     : set->command_timeout;

	return (unsigned)seconds * 1000;
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
		line_fail(l, "its options are none that were offered", 0);
		return;
	}
	l->agreed.version = o.version;
	l->agreed.actions = o.actions;
	l->agreed.steps = o.steps | (o.version < 3 ? SMFIP_NOUNKNOWN : 0) |
			  (o.version < 4 ? SMFIP_NODATA : 0);
	l->agreed.data_max = milter_data_max(o.steps);
	stream_become(l->stream, line_kind(l), l);
	if (keep_macros(l, &o) == -1) {
		line_fail(l, "no memory", 0);
		return;
	}
	line_advance(l);
	line_go_on(l);
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
		line_fail(l, "it speaks without being asked", 0);
	else if (++l->answers > ANSWERS_MAX)
		line_fail(l, "endless answers", 0);
	else if (l->step == STEP_OPTIONS)
		settle_options(l, p);
	else if (milter_answer_decode(p, &a) == -1)
		line_fail(l, "an answer that is none", 0);
	else
		line_answered(l, &a);
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
		line_fail(l, "a packet without a length that can be", 0);
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
	line_go_on(l);
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
	line_close(l);
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
		line_close(l); /* it had nothing more to do */
	else if (was_kept_too_long(l, why))
		dial_anew(l);
	else
		line_fail(l,
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
		line_advance(l);
}

void
line_go_on(struct line *l)
{
	while (l->step != STEP_NONE) {
		const struct step_rule *rule = &rules[l->step];
		int error = 0;
		bool said = (l->agreed.steps & rule->no) == 0 && say(l, &error);

		if (error != 0) {
			line_fail_message(l, "content that cannot be read");
			return;
		}
		if (said && (l->agreed.steps & rule->no_reply) == 0) {
			stream_deadline(l->stream, line_patience(l));
			return;
		}
		pass(l, said);
		if (said && stream_full(l->stream)) {
			l->waits_room = true;
			return;
		}
	}
	line_rest(l);
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
	line_close(l);
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

	line_rest(l);
	edits_clear(&l->edits);
	/* Its answer would still come, and be taken for another's. */
	if (busy)
		line_close(l);
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
		line_fail(l, "it cannot be reached", error);
		return;
	}
	l->step = STEP_OPTIONS;
	line_go_on(l);
}

static void
connect_line(struct line *l)
{
	if (!peer_counts_stream(l->s->peer)) {
		line_fail(
		    l, "smtpd has its share of connections to milters", 0);
		return;
	}
	l->counted = true;
	if (keep_take(l)) {
		l->reused = true;
		l->step = STEP_CONNECT;
		line_go_on(l);
	} else
		dial_start(l);
}

static void
run_mail(struct line *l)
{
	if (l->g == NULL) {
		l->step = STEP_DIAL;
		line_fail(l, "milterd.conf has no such milter", 0);
	} else if (l->stream == NULL) {
		l->step = STEP_DIAL;
		connect_line(l);
	} else if (l->accepts_all) {
		l->done = true;
		session_line_done(l);
	} else if (l->refuses_all && l->refusal != NULL) {
		l->step = STEP_CONNECT;
		line_verdict(l, MILTER_REFUSE, "reject", l->refusal);
	} else {
		l->step = l->greeted ? STEP_MAIL : STEP_CONNECT;
		line_go_on(l);
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
	line_go_on(l);
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
	return line_is_told_only(l) && !line_wants_rejected(l);
}

void
line_run(struct line *l)
{
	l->answers = 0;
	if (is_passed(l) || (l->done && l->s->asked != IPC_MILTER_UNKNOWN))
		session_line_done(l);
	else if (l->s->asked == IPC_MILTER_UNKNOWN) {
		l->step = STEP_UNKNOWN;
		line_go_on(l);
	} else if (l->failed || (!l->in_transaction && /* no MAIL before this */
				    l->s->asked != IPC_MILTER_MAIL))
		line_failure_verdict(l);
	else if (l->s->asked == IPC_MILTER_MAIL)
		run_mail(l);
	else
		run_step(l);
}
