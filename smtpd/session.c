#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/instance/instance.h"
#include "common/sasl/exchange.h"
#include "smtpd/milter/milter.h"
#include "smtpd/etrn.h"
#include "smtpd/recipients.h"
#include "smtpd/screen.h"
#include "smtpd/verify.h"

enum {
	/* A client that was refused may still be sending; give it this long
	 * to read why. */
	LINGER_MS = 2000
};

/* ---- what the log says of a session ---- */

const char *
session_client(const struct session *s, char *out)
{
	return net_address_print(&s->peer, out);
}

static void
log_refusal(const struct session *s, uint16_t code, const uint8_t enhanced[3],
    const char *reason, const char *what, struct slice detail)
{
	char client[NET_ADDRESS_SIZE], status[16];
	struct log_field f[12];
	size_t n = 0;

	snprintf(status, sizeof(status), "%u.%u.%u", enhanced[0], enhanced[1],
	    enhanced[2]);
	f[n++] = LOG_EVENT_("refused");
	if (s->t != NULL && s->t->known)
		f[n++] = LOG_QID(s->t->queue_id);
	f[n++] = LOG_SID(s->id);
	f[n++] = LOG_CSTR("client", session_client(s, client));
	f[n++] = LOG_CSTR("what", what);
	f[n++] = LOG_NUM("code", code);
	f[n++] = LOG_CSTR("status", status);
	f[n++] = LOG_CSTR("reason", reason);
	f[n++] = LOG_STR("detail", detail);
	if (s->t != NULL)
		f[n++] = LOG_STR("from", transaction_reverse_path(s->t));
	f[n++] = LOG_END_;
	log_write(LEVEL_INFO, f);
}

static void
log_end(const struct session *s, const char *why)
{
	char client[NET_ADDRESS_SIZE];

	log_info("session-end", LOG_SID(s->id),
	    LOG_CSTR("client", session_client(s, client)),
	    LOG_CSTR("name", screen_client_name(s)),
	    LOG_CSTR("helo", s->helo != NULL ? s->helo : ""),
	    LOG_NUM("messages", s->messages), LOG_NUM("refused", s->refused),
	    LOG_NUM("seconds", (smtpd_now_ms(s->d) - s->began_ms) / 1000),
	    LOG_CSTR("why", why));
}

/* ---- replies ---- */

void
session_reply(struct session *s, enum smtpd_reply r)
{
	char line[SMTP_REPLY_LINE_MAX];

	stream_write(s->stream, line,
	    smtp_reply_status(line, smtpd_reply_status(r)));
}

/* One more; and how many this client made lately, in all its sessions. */
static unsigned
client_errors(struct session *s)
{
	if (!s->d->set->limit_this_host && net_address_is_local(&s->peer))
		return 0;
	return client_count(&s->client->errors, 1, smtpd_now_ms(s->d),
	    MINUTE_MS);
}

/* Several lines where text has them, parted by LF (RFC 5321 section 4.2.1). */
static void
write_reply(struct session *s, uint16_t code, const uint8_t enhanced[3],
    struct slice text)
{
	char line[SMTP_REPLY_LINE_MAX];
	const char *lf;

	while (text.len > 0 && (lf = memchr(text.at, '\n', text.len)) != NULL) {
		struct slice part = slice_of(text.at, (size_t)(lf - text.at));

		stream_write(s->stream, line,
		    smtp_reply_line(line, code, enhanced, part, 1));
		text = slice_skip(text, part.len + 1);
	}
	stream_write(s->stream, line,
	    smtp_reply_line(line, code, enhanced, text, 0));
}

void
session_note_refusal(struct session *s, uint16_t code,
    const uint8_t enhanced[3], const char *reason, const char *what,
    struct slice detail)
{
	log_refusal(s, code, enhanced, reason, what, detail);
	s->refused++;
}

void
session_turn_down(struct session *s, uint16_t code, const uint8_t enhanced[3],
    struct slice text, const char *reason, const char *what,
    struct slice detail)
{
	if (s->phase == PHASE_END)
		return;
	session_note_refusal(s, code, enhanced, reason, what, detail);
	write_reply(s, code, enhanced, text);
}

void
session_count_error(struct session *s)
{
	unsigned of_client;

	if (s->phase == PHASE_END)
		return;
	of_client = client_errors(s);
	if (++s->errors >= s->d->set->max_errors)
		session_close(s, SAY_ERRORS);
	else if (of_client >= s->d->set->max_errors_per_minute)
		session_close(s, SAY_CLIENT_ERRORS);
}

void
session_refuse_status(struct session *s, uint16_t code,
    const uint8_t enhanced[3], struct slice text, const char *reason,
    const char *what, struct slice detail)
{
	if (s->phase == PHASE_END)
		return;
	session_turn_down(s, code, enhanced, text, reason, what, detail);
	session_count_error(s);
}

void
session_refuse(struct session *s, enum smtpd_reply r, const char *what,
    struct slice detail)
{
	const struct smtp_status *status = smtpd_reply_status(r);

	session_refuse_status(s, status->code, status->enhanced,
	    slice_str(status->text), smtpd_reply_name(r), what, detail);
}

/* ---- state ---- */

bool
session_may_relay(const struct session *s)
{
	switch (door_kind(s->door)) {
	case DOOR_INJECT:
		return true;
	case DOOR_SUBMISSION:
		return s->login != NULL;
	case DOOR_LMTP:
		return false;
	case DOOR_SMTP:
		break;
	}
	return s->relay_network;
}

const char *
session_protocol(const struct session *s)
{
	/* [LMTP][SMTPUTF8][TLS][login]: RFC 3848, RFC 6531 section 4.3 */
	static const char *const names[2][2][2][2] = {
		{ { { "ESMTP", "ESMTPA" }, { "ESMTPS", "ESMTPSA" } },
		    { { "UTF8SMTP", "UTF8SMTPA" },
			{ "UTF8SMTPS", "UTF8SMTPSA" } } },
		{ { { "LMTP", "LMTPA" }, { "LMTPS", "LMTPSA" } },
		    { { "UTF8LMTP", "UTF8LMTPA" },
			{ "UTF8LMTPS", "UTF8LMTPSA" } } },
	};

	if (!s->esmtp)
		return "SMTP";
	return names[session_is_lmtp(s)]
	    [s->t != NULL && s->t->params.smtputf8]
	    [session_is_secured(s)][s->login != NULL];
}

enum session_state
session_state(const struct session *s)
{
	if (s->t != NULL && s->t->queue_id != 0)
		return S_CHUNKS;	/* DATA has no commands inside */
	if (s->t != NULL)
		return s->t->n_recipients > 0 ? S_RCPT : S_MAIL;
	return s->helo != NULL || session_is_injection(s) ? S_READY : S_START;
}

void
session_wait(struct session *s, enum session_pause why)
{
	s->waits |= (uint16_t)why;
	stream_pause(s->stream);
}

void
session_go_on(struct session *s, enum session_pause why)
{
	if ((s->waits & why) == 0)
		return;
	s->waits &= (uint16_t)~why;
	if (s->waits == 0 && s->phase != PHASE_END)
		stream_resume(s->stream);
}

/* Time for a command, or for a piece of data; never past the session's. */
static void
deadline(struct session *s, uint64_t seconds, uint64_t end_ms)
{
	uint64_t now = smtpd_now_ms(s->d), ms = seconds * 1000;
	uint64_t last = s->began_ms + s->d->set->session_timeout * 1000;

	if (end_ms != 0 && end_ms < last)
		last = end_ms;
	if (now + ms > last)
		ms = last > now ? last - now : 1;
	stream_deadline(s->stream, (unsigned)ms);
}

void
session_deadline_command(struct session *s)
{
	deadline(s, s->d->set->command_timeout, 0);
}

void
session_transaction_end(struct session *s)
{
	struct transaction *t = s->t;

	s->t = NULL;
	transaction_free(t);
}

void
session_message_done(struct session *s)
{
	if (s->phase == PHASE_END)
		return;
	s->phase = PHASE_COMMAND;
	s->idle_commands = 0;
	stream_min_rate(s->stream, 0, 0);
	session_deadline_command(s);
	session_go_on(s, WAIT_QUEUE);
	if (s->d->stopping)
		session_close(s, SAY_STOPPING);
}

/* ---- input ---- */

/* Pass over the rest of a line that was too long, keeping nothing of it. */
static size_t
input_long_line(struct session *s, const char *at, size_t len)
{
	const char *end = memmem(at, len, "\r\n", 2);

	if (end == NULL)
		return at[len - 1] == '\r' ? len - 1 : len;
	s->phase = PHASE_COMMAND;
	session_deadline_command(s);
	if (s->auth != NULL)
		auth_line_long(s);
	else
		session_refuse(s, SAY_LINE_LONG, "command", slice_of("", 0));
	return (size_t)(end - at) + 2;
}

/* A line that no command can be in: too long, or not a line. */
size_t
session_bad_line(struct session *s, enum smtp_line_fault why, const char *at,
    size_t len)
{
	if (why == SMTP_LINE_BARE) {
		session_close(s, SAY_LINE_BARE);
		return len;
	}
	s->phase = PHASE_LONG_LINE;
	return input_long_line(s, at, len);
}

/* RFC 4954 section 4: AUTH may bring more than other commands can. */
static size_t
line_max(const struct session *s, struct slice in)
{
	if (door_kind(s->door) == DOOR_SUBMISSION &&
	    slice_starts_nocase(in, SLICE_LITERAL("AUTH ")))
		return SASL_LINE_MAX;
	return s->d->set->max_command_line;
}

static size_t
input_line(struct session *s, char *at, size_t len)
{
	enum smtp_line_fault why;
	struct slice line = { at, 0 };
	enum parse got = smtp_line_take(slice_of(at, len),
	    line_max(s, slice_of(at, len)), &line, &why);

	if (got == PARSE_MORE)
		return 0;
	if (!TAILQ_EMPTY(&s->asked) &&
	    (got == PARSE_BAD || !command_line_may_overtake(line))) {
		session_wait(s, WAIT_RECIPIENTS);
		return 0;
	}
	if (got == PARSE_BAD)
		return session_bad_line(s, why, at, len);
	session_deadline_command(s);
	s->more_waits = len > line.len + 2;
	command_line(s, line);
	return line.len + 2;
}

static size_t
input_early(struct session *s, size_t len)
{
	char client[NET_ADDRESS_SIZE];

	if (s->d->set->early_talkers == 0) {
		session_close(s, SAY_EARLY_TALKER);
		return len;
	}
	log_info("early-talker", LOG_SID(s->id),
	    LOG_CSTR("client", session_client(s, client)));
	session_wait(s, WAIT_GREETING);
	return 0;
}

static size_t
session_input(void *owner, char *at, size_t len)
{
	struct session *s = owner;

	if (stream_full(s->stream)) {
		session_wait(s, WAIT_OUTPUT);
		return 0;
	}
	switch ((enum session_phase)s->phase) {
	case PHASE_TLS:		/* never: the stream holds it back */
		break;
	case PHASE_GREETING:
		return input_early(s, len);
	case PHASE_COMMAND:
		return input_line(s, at, len);
	case PHASE_AUTH:
		return auth_input(s, at, len);
	case PHASE_LONG_LINE:
		return input_long_line(s, at, len);
	case PHASE_DATA:
		deadline(s, s->d->set->data_block_timeout, s->data_end_ms);
		return transaction_data(s->t, at, len);
	case PHASE_CHUNK:
		deadline(s, s->d->set->data_block_timeout, s->data_end_ms);
		return bdat_input(s, at, len);
	case PHASE_END:
		break;
	}
	return len;
}

static void
session_drained(void *owner)
{
	lmtp_go_on(owner);
	session_go_on(owner, WAIT_OUTPUT);
}

/* ---- the end ---- */

/* What belongs to the dialogue goes at once; the session, with its stream. */
static void
end_dialogue(struct session *s)
{
	s->phase = PHASE_END;
	auth_forget(s);
	recipients_forget(s);
	verify_forget(s);
	etrn_forget(s);
	session_transaction_end(s);
	if (s->greet != NULL)
		event_free(s->greet);
	s->greet = NULL;
}

void
session_finish(struct session *s, unsigned linger_ms)
{
	end_dialogue(s);
	stream_finish(s->stream, linger_ms);
}

void
session_close(struct session *s, enum smtpd_reply r)
{
	const struct smtp_status *status = smtpd_reply_status(r);

	if (s->phase == PHASE_END)
		return;
	s->refused++;
	log_refusal(s, status->code, status->enhanced, smtpd_reply_name(r),
	    "session", slice_of("", 0));
	session_reply(s, r);
	session_finish(s, LINGER_MS);
}

static enum smtpd_reply
timeout_reply(const struct session *s)
{
	uint64_t end = s->began_ms + s->d->set->session_timeout * 1000;

	return smtpd_now_ms(s->d) + 100 >= end ? SAY_TOO_LONG_SESSION : SAY_TIMEOUT;
}

static void
session_ended(void *owner, enum stream_end why)
{
	struct session *s = owner;

	if (s->phase == PHASE_TLS) {
		starttls_ended(s);
		log_end(s, stream_end_name(why));
		session_free(s);
	} else if (s->phase != PHASE_END && why == STREAM_TIMEOUT)
		session_close(s, timeout_reply(s));
	else if (s->phase != PHASE_END && why == STREAM_SLOW)
		session_close(s, SAY_TOO_SLOW);
	else {
		log_end(s, stream_end_name(why));
		session_free(s);
	}
}

void
session_free(struct session *s)
{
	struct smtpd *d = s->d;

	end_dialogue(s);
	stream_free(s->stream);
	screen_end(s);
	milter_session_end(s);
	clients_leave(d->clients, s->client);
	TAILQ_REMOVE(&d->sessions, s, all);
	d->n_sessions--;
	free(s->helo);
	free(s->login);
	free(s);
	smtpd_session_gone(d);
}

/* ---- the beginning ---- */

static void
greet(struct session *s)
{
	s->phase = PHASE_COMMAND;
	stream_write(s->stream, s->d->greeting, s->d->greeting_len);
	session_deadline_command(s);
	session_go_on(s, WAIT_GREETING);
}

static void
greet_now(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd;
	(void)what;
	event_free(s->greet);
	s->greet = NULL;
	greet(s);
}

static void
greet_later(struct session *s)
{
	struct timeval delay = { (time_t)s->d->set->greeting_delay, 0 };

	s->greet = evtimer_new(s->d->stage.base, greet_now, s);
	if (s->greet == NULL || evtimer_add(s->greet, &delay) == -1)
		session_close(s, SAY_NO_MEMORY);
}

static const struct stream_events stream_events = {
	.input = session_input, .drained = session_drained,
	.secured = session_secured,
	.ended = session_ended,
};

void
session_greet(struct session *s)
{
	s->phase = PHASE_GREETING;
	screen_begin(s);
	if (s->phase == PHASE_END)
		return;
	if (s->d->set->greeting_delay > 0 &&
	    (s->d->set->limit_this_host || !net_address_is_local(&s->peer)))
		greet_later(s);
	else
		greet(s);
}

void
session_kind(struct smtpd *d)
{
	d->kind = (struct stream_kind){
		.on = stream_events,
		.input_max = SMTPD_INPUT_MAX,
		.output_max = SMTPD_OUTPUT_MAX,
		.output_ms = (int)d->set->reply_timeout * 1000,
	};
}

void
session_new(struct smtpd *d, struct door *door, int fd,
    const struct net_address *peer, struct client *client, bool permitted)
{
	struct session *s = calloc(1, sizeof(*s));
	char text[NET_ADDRESS_SIZE];

	if (s != NULL)
		s->stream = stream_new(d->loop, fd, &d->kind, s);
	if (s == NULL || s->stream == NULL) {
		free(s);
		close(fd);
		clients_leave(d->clients, client);
		return;
	}
	s->d = d;
	s->door = door;
	s->client = client;
	s->peer = *peer;
	s->permitted = permitted;
	s->id = d->next_session++;
	s->began_ms = smtpd_now_ms(d);
	s->relay_network = instance_may_relay(settings_values(d->shared),
	    peer);
	TAILQ_INIT(&s->asked);
	TAILQ_INSERT_TAIL(&d->sessions, s, all);
	d->n_sessions++;
	log_debug("session-begin", LOG_SID(s->id),
	    LOG_CSTR("client", session_client(s, text)),
	    LOG_CSTR("listener", door_name(door)));
	if (!starttls_is_implicit(s))
		session_greet(s);
	else if (!starttls_begin(s))
		session_free(s);
}
