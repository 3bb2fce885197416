/*
 * The commands of RFC 5321 section 4.1.  What a command needs to be allowed
 * stands in its row; a handler begins where the rules have been checked.
 */
#include <stdlib.h>
#include <string.h>

#include "common/idn/idn.h"
#include "smtpd/etrn.h"
#include "smtpd/milter/milter.h"
#include "smtpd/recipients.h"
#include "smtpd/screen.h"
#include "smtpd/verify.h"

typedef void command_handler(struct session *, struct slice args);

enum command_flags {
	NO_ARGS = 1, /* 501 with any (RFC 5321 section 4.1.1) */
	IDLE = 2,    /* brings no message nearer; counted */
	/* Also where the listener wants TLS first (RFC 3207 section 4). */
	CLEAR = 4,
	/* RFC 2033 section 4.1: unknown where the other is spoken. */
	NOT_LMTP = 8,
	ONLY_LMTP = 16,
	/* RFC 2920 section 3.1: only the last of a group, since what comes
	 * behind it depends on its reply; extensions are so unless they say
	 * otherwise, as BDAT does. */
	LAST_IN_GROUP = 32,
	/* What comes behind it is its own, or nothing. */
	OWN_INPUT = 64,
	TERMINALS = 128	/* by the setting of that name */
};

static command_handler do_send, do_soml, do_saml;
static command_handler do_helo, do_ehlo, do_mail, do_data, do_rset, do_noop,
    do_quit, do_help;

static const struct command {
	const char	*verb;
	command_handler	*handle;	/* NULL: known, not implemented */
	unsigned	 when;		/* enum session_state */
	unsigned	 flags;
} commands[] = {
	{ "HELO", do_helo, S_ANY, IDLE | CLEAR | NOT_LMTP | LAST_IN_GROUP },
	{ "EHLO", do_ehlo, S_ANY, IDLE | CLEAR | NOT_LMTP | LAST_IN_GROUP },
	{ "LHLO", do_ehlo, S_ANY, IDLE | CLEAR | ONLY_LMTP | LAST_IN_GROUP },
	{ "MAIL", do_mail, S_READY, IDLE },
	{ "RCPT", recipient_command, S_MAIL | S_RCPT, 0 },
	{ "DATA", do_data, S_RCPT, NO_ARGS | OWN_INPUT },
	{ "BDAT", bdat_command, S_ANY, OWN_INPUT }, /* judges its state itself */
	{ "RSET", do_rset, S_ANY, NO_ARGS | IDLE | CLEAR },
	{ "NOOP", do_noop, S_ANY, IDLE | CLEAR | LAST_IN_GROUP },
	{ "QUIT", do_quit, S_ANY, NO_ARGS | CLEAR | OWN_INPUT },
	{ "VRFY", vrfy_command, S_ANY, IDLE | LAST_IN_GROUP },
	{ "HELP", do_help, S_ANY, IDLE | CLEAR | LAST_IN_GROUP },
	{ "EXPN", expn_command, S_ANY, IDLE | LAST_IN_GROUP },
	{ "STARTTLS", starttls_command, S_ANY,
	    NO_ARGS | IDLE | CLEAR | OWN_INPUT },
	{ "AUTH", auth_command, S_ANY, LAST_IN_GROUP },
	{ "ETRN", etrn_command, S_ANY, IDLE | LAST_IN_GROUP },
	{ "ATRN", NULL, S_ANY, 0 },
	{ "TURN", NULL, S_ANY, LAST_IN_GROUP },
	{ "SEND", do_send, S_READY, IDLE | NOT_LMTP | TERMINALS },
	{ "SOML", do_soml, S_READY, IDLE | NOT_LMTP | TERMINALS },
	{ "SAML", do_saml, S_READY, IDLE | NOT_LMTP | TERMINALS },
};

static const struct command *
command_find(const struct session *s, struct slice verb)
{
	unsigned foreign = session_is_lmtp(s) ? NOT_LMTP : ONLY_LMTP;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if ((commands[i].flags & foreign) == 0 &&
		    slice_equal_nocase(verb, slice_str(commands[i].verb)))
			return &commands[i];
	return NULL;
}

/* Why a command is not allowed in this state. */
static enum smtpd_reply
bad_sequence(
    const struct session *s, const struct command *c, enum session_state state)
{
	bool lmtp = session_is_lmtp(s);

	if (state == S_START)
		return lmtp ? SAY_LHLO_FIRST : SAY_HELO_FIRST;
	if (state == S_CHUNKS)
		return SAY_CHUNKS_BEGUN;
	if (c->when == S_READY)
		return SAY_NESTED_MAIL;
	/* RFC 5321 section 3.3: DATA when every RCPT was refused */
	if (c->handle == do_data && state == S_MAIL)
		return lmtp ? SAY_LMTP_NO_RECIPIENTS : SAY_NO_RECIPIENTS;
	return state == S_READY ? SAY_MAIL_FIRST : SAY_BAD_SEQUENCE;
}

/* Cross-protocol attacks: a browser made to speak to port 25. */
static bool
looks_like_http(struct slice line)
{
	static const char *const starts[] = { "GET ", "POST ", "HEAD ", "PUT ",
		"DELETE ", "OPTIONS ", "CONNECT ", "PATCH ", "Host:",
		"User-Agent:", "Content-Length:", "Content-Type:", "Accept:" };

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (slice_starts_nocase(line, slice_str(starts[i])))
			return true;
	return false;
}

static void
not_a_command(struct session *s, enum smtpd_reply reply, struct slice line)
{
	/* It may be a name or password that came too late for AUTH. */
	if (door_kind(s->door) == DOOR_SUBMISSION)
		line = slice_of("", 0);
	if (looks_like_http(line)) {
		if (++s->http_lines >= 3)
			session_close(s, SAY_NOT_HTTP);
		else
			session_refuse(s, reply, "command", line);
	} else if (reply != SAY_UNKNOWN_COMMAND || line.len == 0 ||
	    !milter_unknown(s, line))
		session_refuse(s, reply, "command", line);
}

/*
 * The client did not wait for a reply that it had to wait for: it speaks from
 * a script, or somebody else's words are behind its own.  What it sent is not
 * done.  A program of this host may write all in one piece.
 */
static bool
out_of_turn(const struct session *s, const struct command *c)
{
	if (!s->more_waits || s->d->set->early_commands != 0 ||
	    session_is_injection(s))
		return false;
	/* Before EHLO, and behind HELO, nobody has offered PIPELINING. */
	return (c->flags & LAST_IN_GROUP) != 0 ||
	    (!s->esmtp && (c->flags & OWN_INPUT) == 0);
}

/*
 * Behind a DATA that is refused comes what was meant as its message, if the
 * client has not waited: it must not be taken for commands.
 */
static void
refuse_command(struct session *s, const struct command *c,
    enum smtpd_reply why, struct slice args)
{
	bool piped = c->handle == do_data && s->more_waits &&
	    s->d->set->early_commands == 0;

	session_refuse(s, why, c->verb, args);
	if (piped)
		session_close(s, SAY_EARLY_COMMANDS);
}

void
command_line(struct session *s, struct slice line)
{
	enum session_state state = session_state(s);
	struct smtp_command_line l;
	const struct command *c;

	if (s->d->stopping && s->t == NULL) {
		session_close(s, SAY_STOPPING);
		return;
	}
	if (smtp_command_split(line, &l) != PARSE_OK) {
		not_a_command(s, SAY_BAD_LINE, line);
		return;
	}
	c = command_find(s, l.verb);
	if (c == NULL)
		not_a_command(s, SAY_UNKNOWN_COMMAND, line);
	else if (out_of_turn(s, c))
		session_close(s, SAY_EARLY_COMMANDS);
	else if (c->handle == NULL ||
	    ((c->flags & TERMINALS) && !s->d->set->terminals))
		session_refuse(s, SAY_NOT_IMPLEMENTED, c->verb, l.args);
	else if ((c->flags & NO_ARGS) && l.args.len > 0)
		refuse_command(s, c, SAY_NO_ARGUMENTS, l.args);
	else if (!(c->flags & CLEAR) && starttls_is_missing(s))
		refuse_command(s, c, SAY_TLS_FIRST, l.args);
	else if ((c->when & state) == 0)
		refuse_command(s, c, bad_sequence(s, c, state), l.args);
	else if (c->handle == do_data && transaction_is_binary(s->t))
		refuse_command(s, c, SAY_BINARY_BY_BDAT, l.args);
	else if ((c->flags & IDLE) &&
	    ++s->idle_commands > s->d->set->max_idle_commands)
		session_close(s, SAY_IDLE_COMMANDS);
	else
		c->handle(s, l.args);
}

bool
command_line_may_overtake(struct slice line)
{
	struct smtp_command_line l;

	return smtp_command_split(line, &l) == PARSE_OK &&
	    slice_equal_nocase(l.verb, SLICE_LITERAL("RCPT"));
}

/* ---- HELO, EHLO, LHLO ---- */

/* What clients call themselves, when it need not be right. */
static bool
helo_tolerable(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] <= 32 || name.at[i] >= 127 ||
		    strchr("()<>\\\"@,;", name.at[i]) != NULL)
			return false;
	return name.len > 0 && name.len <= 255;
}

static bool
helo_good(const struct session *s, struct slice name)
{
	if (smtp_domain_valid(name, 255) || smtp_literal_valid(name))
		return true;
	return !s->d->set->strict_helo && helo_tolerable(name);
}

/* The first word: some clients say more (RFC 821 did not forbid it). */
static bool
take_helo(struct session *s, struct slice args, const char *verb)
{
	const char *space = memchr(args.at, ' ', args.len);
	char *helo;

	if (space != NULL && !s->d->set->strict_helo)
		args.len = (size_t)(space - args.at);
	/* A program of this host need not say who it is. */
	if (args.len == 0 && session_is_injection(s))
		args = SLICE_LITERAL("localhost");
	if (!helo_good(s, args)) {
		session_refuse(s, SAY_NEED_DOMAIN, verb, args);
		return false;
	}
	helo = malloc(args.len + 1);
	if (helo == NULL) {
		session_close(s, SAY_NO_MEMORY);
		return false;
	}
	memcpy(helo, args.at, args.len);
	helo[args.len] = '\0';
	free(s->helo);
	s->helo = helo;
	session_transaction_end(s);
	screen_helo(s);
	return true;
}

static void
do_helo(struct session *s, struct slice args)
{
	char line[SMTP_REPLY_LINE_MAX];

	if (!take_helo(s, args, "HELO"))
		return;
	s->esmtp = false;
	stream_write(s->stream, line, smtp_reply_line(line, 250, NULL,
	    slice_str(s->d->stage.hostname), 0));
}

static void
do_ehlo(struct session *s, struct slice args)
{
	if (!take_helo(s, args, session_is_lmtp(s) ? "LHLO" : "EHLO"))
		return;
	s->esmtp = true;
	ehlo_reply(s);
}

/* ---- MAIL ---- */

enum parse
command_path(const struct session *s, struct slice args, unsigned flags,
    struct smtp_address *a, size_t *used, enum smtp_path_fault *why)
{
	const struct smtpd_settings *set = s->d->set;
	const struct smtp_path_limits limits = {
		.local_part = (uint16_t)set->max_local_part,
		.domain = (uint16_t)set->max_domain,
		.path = (uint16_t)set->max_path,
	};
	enum parse got;

	if (set->bare_paths || session_is_injection(s))
		flags |= SMTP_PATH_BARE;
	if (session_is_injection(s))
		flags |= SMTP_PATH_UNQUALIFIED;
	got = smtp_path_parse(args, flags, &limits, a, used, why);
	if (got == PARSE_OK && idn_address(a) == -1) {
		*why = SMTP_PATH_SYNTAX;
		return PARSE_BAD;
	}
	if (got == PARSE_OK && session_is_injection(s))
		smtp_address_qualify(a, slice_str(s->d->stage.hostname));
	return got;
}

static enum smtpd_reply
path_fault(enum smtp_path_fault why)
{
	switch (why) {
	case SMTP_PATH_LONG:
	case SMTP_PATH_LOCAL_PART_LONG:
	case SMTP_PATH_DOMAIN_LONG:
		return SAY_LONG_REVERSE_PATH;
	default:
		return SAY_BAD_REVERSE_PATH;
	}
}

static bool
says_smtputf8(struct slice args)
{
	for (; args.len > 0; args = slice_skip(args, 1))
		if (slice_starts_nocase(args, SLICE_LITERAL(" SMTPUTF8")))
			return true;
	return false;
}

/*
 * The reverse-path.  Whether characters beyond ASCII are allowed in it is
 * known only from what follows it; *beyond_ascii: it has some.
 */
static enum smtpd_reply
mail_path(const struct session *s, struct slice args, struct smtp_address *a,
    size_t *used, bool *beyond_ascii)
{
	enum smtp_path_fault why;

	*beyond_ascii = false;
	if (command_path(s, args, SMTP_PATH_REVERSE, a, used, &why) ==
	    PARSE_OK)
		return SAY_OK;
	if (why != SMTP_PATH_NOT_ASCII)
		return path_fault(why);
	*beyond_ascii = true;
	if (command_path(s, args, SMTP_PATH_REVERSE | SMTP_PATH_UTF8, a, used,
	    &why) == PARSE_OK)
		return SAY_OK;
	/* No UTF-8, or no address in it: who did not say SMTPUTF8 is told
	 * that, for such octets may be those of any character set. */
	return says_smtputf8(args) ? path_fault(why) : SAY_SENDER_NOT_ASCII;
}

/* What no parameter of a session of this kind can be. */
static bool
mail_param_unknown(const struct session *s, const struct smtp_mail_params *p)
{
	return (p->has_auth && door_kind(s->door) != DOOR_SUBMISSION) ||
	    (p->smtputf8 && !s->d->set->smtputf8);
}

static enum smtpd_reply
mail_parse(const struct session *s, struct slice args, struct smtp_address *a,
    struct smtp_mail_params *params)
{
	enum smtpd_reply why;
	bool beyond_ascii;
	size_t used;

	/* RFC 6409 section 4.3 */
	if (door_kind(s->door) == DOOR_SUBMISSION && s->login == NULL)
		return SAY_AUTH_FIRST;
	if (smtp_command_keyword(&args, SLICE_LITERAL("FROM:")) != PARSE_OK)
		return SAY_NEED_FROM;
	if ((why = mail_path(s, args, a, &used, &beyond_ascii)) != SAY_OK)
		return why;
	args = slice_skip(args, used);
	if (args.len > 0 && session_is_plain(s))
		return SAY_PARAMETER_AFTER_HELO;
	switch (smtp_mail_params_parse(args, params)) {
	case SMTP_PARAMS_OK:
		break;
	case SMTP_PARAMS_UNKNOWN:
		return SAY_UNKNOWN_PARAMETER;
	default:
		return SAY_BAD_PARAMETER;
	}
	if (mail_param_unknown(s, params))
		return SAY_UNKNOWN_PARAMETER;
	if (beyond_ascii && !params->smtputf8)
		return SAY_SENDER_NOT_ASCII;
	if (params->has_size && params->size > s->d->set->max_message_size)
		return SAY_TOO_BIG;
	if (s->d->queue.ch == NULL)
		return SAY_QUEUE_DOWN;
	return SAY_OK;
}

static void
begin(struct session *s, struct slice args, const char *verb, uint32_t flag)
{
	struct smtp_mail_params params;
	struct smtp_address a;
	enum smtpd_reply why = mail_parse(s, args, &a, &params);

	if (why == SAY_OK)
		why = screen_may_mail(s);
	if (why != SAY_OK) {
		session_refuse(s, why, verb, args);
		return;
	}
	s->t = transaction_new(s, &a, &params);
	if (s->t == NULL)
		session_refuse(s, SAY_RESOURCES, verb, args);
	else {
		s->t->terminals = flag;
		if (screen_mail(s))
			sender_check(s->t);
	}
}

static void
do_mail(struct session *s, struct slice args)
{
	begin(s, args, "MAIL", 0);
}

/* RFC 821 section 3.4 */
static void
do_send(struct session *s, struct slice args)
{
	begin(s, args, "SEND", ENVELOPE_SEND);
}

static void
do_soml(struct session *s, struct slice args)
{
	begin(s, args, "SOML", ENVELOPE_SOML);
}

static void
do_saml(struct session *s, struct slice args)
{
	begin(s, args, "SAML", ENVELOPE_SAML);
}

/* ---- DATA ---- */

static void
do_data(struct session *s, struct slice args)
{
	if (!transaction_data_begin(s->t)) {
		session_refuse(s, SAY_QUEUE_DOWN, "DATA", args);
		session_transaction_end(s);
	} else if (!milter_data(s->t))
		data_go_on(s);
}

void
data_go_on(struct session *s)
{
	const struct smtpd_settings *set = s->d->set;

	s->phase = PHASE_DATA;
	s->data_end_ms = smtpd_now_ms(s->d) + set->data_timeout * 1000;
	stream_min_rate(s->stream, (unsigned)set->min_rate,
	    (unsigned)set->min_rate_grace * 1000);
	session_reply(s, SAY_GO_ON);
}

/* ---- the others ---- */

static void
do_rset(struct session *s, struct slice args)
{
	(void)args;
	session_transaction_end(s);
	session_reply(s, SAY_OK);
}

static void
do_noop(struct session *s, struct slice args)
{
	(void)args;
	session_reply(s, SAY_OK);
}

static void
do_quit(struct session *s, struct slice args)
{
	(void)args;
	session_reply(s, SAY_BYE);
	session_finish(s, 0);
}

static void
do_help(struct session *s, struct slice args)
{
	(void)args;
	session_reply(s, session_is_lmtp(s) ? SAY_LMTP_HELP : SAY_HELP);
}
