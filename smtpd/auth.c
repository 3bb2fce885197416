/*
 * AUTH: RFC 4954, on listeners for submission.
 *
 * Whether a name and a password are right, authd says; of SCRAM this process
 * passes on the messages and understands none.  A password is here from the
 * client's line to the message for authd, and is wiped behind both; nothing
 * that a client sends in AUTH or after it ever reaches the log.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/instance/listener.h"
#include "common/ipc/auth.h"
#include "common/sasl/base64.h"
#include "common/sasl/exchange.h"
#include "common/tls/tls.h"
#include "smtpd/session.h"

enum {
	SID_SIZE = 24,
	REPLY_MAX = 4 + SASL_BASE64_LEN(AUTH_MESSAGE_MAX) + 2
};

/* An exchange under way. */
struct auth_dialogue {
	struct ask		 ask;		/* at authd */
	struct session		*s;
	uint64_t		 conversation;	/* authd's; 0: none */
	struct sasl_exchange	 exchange;
};

static struct auth_dialogue *
of_ask(struct ask *a)
{
	return (struct auth_dialogue *)((char *)a -
	    offsetof(struct auth_dialogue, ask));
}

/* ---- what is offered ---- */

static bool
allowed(const struct session *s)
{
	if (session_is_secured(s))
		return true;
	switch ((enum smtpd_cleartext)s->d->set->cleartext_login) {
	case SMTPD_CLEARTEXT_LOOPBACK:
		return net_address_is_local(&s->peer);
	case SMTPD_CLEARTEXT_ALWAYS:
		return true;
	case SMTPD_CLEARTEXT_NEVER:
		break;
	}
	return false;
}

static enum auth_accounts
accounts_of(const struct session *s)
{
	const struct listener_settings *l = door_settings(s->door);

	return l != NULL && l->accounts == LISTENER_VIRTUAL_ACCOUNTS ?
	    AUTH_VIRTUAL_ACCOUNTS : AUTH_ALL_ACCOUNTS;
}

/* Those that the operator lets be. */
static unsigned
wanted(const struct session *s)
{
	const struct settings_words *words = &s->d->set->auth_mechanisms;
	unsigned set = 0;

	for (size_t i = 0; i < words->n; i++)
		set |= SASL_BIT(sasl_mechanism_by_name(
		    slice_str(words->at[i])));
	return set;
}

static unsigned
offered(const struct session *s)
{
	const struct sasl_situation situation = {
		.allowed = allowed(s),
		.verifiers = (s->d->login_offer &
		    (accounts_of(s) == AUTH_VIRTUAL_ACCOUNTS ?
		    AUTH_OFFER_VIRTUAL : AUTH_OFFER_ALL)) != 0,
		.binding = session_is_secured(s) && tls_bindable(s->tls),
	};

	return sasl_offered(&situation) & wanted(s);
}

bool
auth_offered(const struct session *s)
{
	return door_kind(s->door) == DOOR_SUBMISSION && offered(s) != 0;
}

void
auth_text(const struct session *s, char *out, size_t size)
{
	char names[SASL_NAMES_SIZE];

	snprintf(out, size, "AUTH %s", sasl_names(offered(s), "", names,
	    sizeof(names)));
}

/* ---- the end of an exchange ---- */

static void
tell_gone(struct smtpd *d, struct auth_dialogue *a)
{
	uint8_t body[16];

	if (d->authd.ch == NULL)
		return;
	if (a->ask.id != 0)
		ipc_send(d->authd.ch, IPC_LOGIN_CANCEL, a->ask.id,
		    slice_of("", 0), NULL, 0);
	else if (a->conversation != 0)
		ipc_send(d->authd.ch, IPC_SASL_ABORT, 0, slice_of(body,
		    auth_sasl_abort_encode(a->conversation, body)), NULL, 0);
}

void
auth_forget(struct session *s)
{
	struct auth_dialogue *a = s->auth;

	if (a == NULL)
		return;
	tell_gone(s->d, a);
	sibling_forget(&s->d->authd, &a->ask);
	sasl_exchange_clear(&a->exchange);
	free(a);
	s->auth = NULL;
}

/* Back to commands, whatever came of it. */
static void
finish(struct session *s)
{
	auth_forget(s);
	if (s->phase == PHASE_END)
		return;
	s->phase = PHASE_COMMAND;
	session_deadline_command(s);
	session_go_on(s, WAIT_AUTH);
}

/* what: the mechanism, never what the client said in it. */
static void
refuse(struct session *s, enum smtpd_reply why)
{
	const char *name = s->auth == NULL ? "" :
	    sasl_mechanism_name(s->auth->exchange.mechanism);

	session_refuse(s, why, "AUTH", slice_str(name));
	if (why == SAY_AUTH_DENIED && s->phase != PHASE_END &&
	    ++s->auth_failures >= s->d->set->max_auth_failures)
		session_close(s, SAY_AUTH_FAILURES);
	finish(s);
}

void
auth_line_long(struct session *s)
{
	refuse(s, SAY_AUTH_LINE_LONG);
}

/* ---- to authd ---- */

/* RFC 4291 section 2.5.5.2: an IPv4 address as an IPv6 one. */
static void
client_octets(const struct net_address *a, struct auth_client *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (a->family == NET_IPV6) {
		memcpy(out->octets, a->octets, 16);
		return;
	}
	memcpy(out->octets, mapped, 12);
	memcpy(out->octets + 12, a->octets, 4);
}

static struct slice
sid_text(const struct session *s, char out[SID_SIZE])
{
	snprintf(out, SID_SIZE, "%012" PRIx64, s->id);
	return slice_str(out);
}

/* Send, wipe, and wait; with nobody to ask: 454. */
static void
ask_authd(struct session *s, enum ipc_type type, void *body, size_t len)
{
	struct smtpd *d = s->d;
	int result = len == 0 ? -1 : sibling_ask(&d->authd, &s->auth->ask,
	    smtpd_now_ms(d), type, slice_of(body, len), NULL, 0);

	explicit_bzero(body, AUTH_BODY_MAX);
	if (result == -1)
		refuse(s, SAY_AUTH_DOWN);
	else
		session_wait(s, WAIT_AUTH);
}

static void
ask_password(struct session *s, const struct sasl_result *r)
{
	struct auth_login login = { .name = r->name, .password = r->password,
		.accounts = accounts_of(s) };
	uint8_t body[AUTH_BODY_MAX];
	char sid[SID_SIZE];

	/* Nobody has such a name or password. */
	if (r->name.len > AUTH_NAME_MAX ||
	    r->password.len > AUTH_PASSWORD_MAX) {
		refuse(s, SAY_AUTH_DENIED);
		return;
	}
	login.session = sid_text(s, sid);
	client_octets(&s->peer, &login.client);
	ask_authd(s, IPC_LOGIN, body, auth_login_encode(&login, body));
}

static void
ask_scram(struct session *s, struct slice message)
{
	struct auth_dialogue *a = s->auth;
	struct auth_sasl_start start = { .accounts = accounts_of(s),
		.plus = a->exchange.mechanism == SASL_SCRAM_SHA_256_PLUS,
		.plus_offered = (offered(s) &
		    SASL_BIT(SASL_SCRAM_SHA_256_PLUS)) != 0,
		.message = message };
	struct tls_bindings bindings = { 0 };
	uint8_t body[AUTH_BODY_MAX];
	char sid[SID_SIZE];

	if (message.len > AUTH_MESSAGE_MAX) {
		refuse(s, SAY_AUTH_MALFORMED);
		return;
	}
	if (a->conversation != 0) {
		uint64_t number = a->conversation;

		a->conversation = 0;
		ask_authd(s, IPC_SASL_RESPONSE, body,
		    auth_sasl_message_encode(number, message, body));
		return;
	}
	start.session = sid_text(s, sid);
	client_octets(&s->peer, &start.client);
	if (session_is_secured(s))
		tls_bindings(s->tls, &bindings);
	start.exporter = slice_of(bindings.exporter, bindings.exporter_len);
	start.unique = slice_of(bindings.unique, bindings.unique_len);
	start.end_point = slice_of(bindings.end_point, bindings.end_point_len);
	ask_authd(s, IPC_SASL_START, body, auth_sasl_start_encode(&start,
	    body));
}

static void
say_challenge(struct session *s, struct slice challenge)
{
	char line[REPLY_MAX];
	size_t len;

	memcpy(line, "334 ", 4);
	len = 4 + sasl_base64_encode(challenge, line + 4);
	memcpy(line + len, "\r\n", 2);
	stream_write(s->stream, line, len + 2);
	s->phase = PHASE_AUTH;
	session_deadline_command(s);
	session_go_on(s, WAIT_AUTH);
}

static void
take_response(struct session *s, struct slice response)
{
	struct sasl_result r;

	switch (sasl_exchange_take(&s->auth->exchange, response, &r)) {
	case SASL_SAY:
		say_challenge(s, r.challenge);
		break;
	case SASL_PASSWORD:
		ask_password(s, &r);
		break;
	case SASL_FORWARD:
		ask_scram(s, r.message);
		break;
	case SASL_MALFORMED:
		refuse(s, SAY_AUTH_MALFORMED);
		break;
	case SASL_IDENTITY:
		refuse(s, SAY_AUTH_IDENTITY);
		break;
	}
}

/* A response as the client sends it; "*" cancels (RFC 4954 section 4). */
static void
take_base64(struct session *s, struct slice base64)
{
	char response[SASL_RESPONSE_MAX];
	size_t len;

	if (slice_equal(base64, SLICE_LITERAL("*")))
		refuse(s, SAY_AUTH_CANCELLED);
	else if (base64.len > SASL_LINE_MAX ||
	    sasl_base64_decode(base64, response, &len) == -1)
		refuse(s, SAY_AUTH_MALFORMED);
	else {
		take_response(s, slice_of(response, len));
		explicit_bzero(response, len);
	}
}

size_t
auth_input(struct session *s, char *at, size_t len)
{
	enum smtp_line_fault why;
	struct slice line;

	switch (smtp_line_take(slice_of(at, len), SASL_LINE_MAX, &line,
	    &why)) {
	case PARSE_MORE:
		return 0;
	case PARSE_BAD:
		return session_bad_line(s, why, at, len);
	case PARSE_OK:
		break;
	}
	take_base64(s, line);
	explicit_bzero(at, line.len);
	return line.len + 2;
}

/* ---- the command ---- */

static void ask_failed(struct ask *);

static bool
dialogue_begin(struct session *s, enum sasl_mechanism m,
    struct sasl_result *r)
{
	s->auth = calloc(1, sizeof(*s->auth));
	if (s->auth == NULL)
		return false;
	s->auth->s = s;
	s->auth->ask.failed = ask_failed;
	sasl_exchange_begin(&s->auth->exchange, m, r);
	return true;
}

static enum smtpd_reply
mechanism_refusal(const struct session *s, enum sasl_mechanism m)
{
	if (m == SASL_NONE)
		return SAY_AUTH_MECHANISM;
	if ((wanted(s) & SASL_BIT(m)) == 0)
		return SAY_AUTH_TOO_WEAK;
	if (!allowed(s))
		return SAY_AUTH_CLEARTEXT;
	return (offered(s) & SASL_BIT(m)) != 0 ? SAY_OK : SAY_AUTH_MECHANISM;
}

static enum smtpd_reply
command_refusal(const struct session *s, struct slice name)
{
	if (door_kind(s->door) != DOOR_SUBMISSION)
		return SAY_NOT_IMPLEMENTED;
	if (session_state(s) == S_START || !s->esmtp)
		return SAY_EHLO_FIRST;
	if (s->t != NULL)
		return SAY_BAD_SEQUENCE;
	if (s->login != NULL)
		return SAY_AUTH_ALREADY;
	if (name.len == 0)
		return SAY_AUTH_SYNTAX;
	return mechanism_refusal(s, sasl_mechanism_by_name(name));
}

void
auth_command(struct session *s, struct slice args)
{
	const char *space = args.len == 0 ? NULL :
	    memchr(args.at, ' ', args.len);
	struct slice name = args, initial = slice_of("", 0);
	struct sasl_result r;
	enum smtpd_reply why;

	if (space != NULL) {
		name.len = (size_t)(space - args.at);
		initial = slice_skip(args, name.len + 1);
	}
	why = command_refusal(s, name);
	if (why != SAY_OK) {
		session_refuse(s, why, "AUTH", why == SAY_AUTH_MECHANISM ?
		    name : slice_of("", 0));
		return;
	}
	if (!dialogue_begin(s, sasl_mechanism_by_name(name), &r))
		session_refuse(s, SAY_RESOURCES, "AUTH", name);
	else if (initial.len == 0)
		say_challenge(s, r.challenge);
	else if (slice_equal(initial, SLICE_LITERAL("=")))
		take_response(s, slice_of("", 0));
	else
		take_base64(s, initial);
}

/* ---- from authd ---- */

static void
ask_failed(struct ask *a)
{
	refuse(of_ask(a)->s, SAY_AUTH_DOWN);
}

static struct session *
session_of(struct smtpd *d, struct ipc_channel *ch, uint64_t id)
{
	struct ask *a = sibling_answered(&d->authd, ch, id);

	return a == NULL ? NULL : of_ask(a)->s;
}

static int
on_account(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct session_login *login;
	char client[NET_ADDRESS_SIZE];
	struct account account;
	struct slice name;
	struct session *s;

	if (auth_account_decode(m->body, &account, &name) == -1)
		return -1;
	if ((s = session_of(ctx, ch, m->id)) == NULL)
		return 0;
	login = calloc(1, sizeof(*login));
	if (login == NULL || slice_copy_str(name, login->name,
	    sizeof(login->name)) == -1) {
		free(login);
		refuse(s, SAY_AUTH_DOWN);
		return 0;
	}
	login->account = account;
	login->mechanism = sasl_mechanism_name(s->auth->exchange.mechanism);
	s->login = login;
	log_info("login-accepted", LOG_SID(s->id),
	    LOG_CSTR("client", session_client(s, client)),
	    LOG_CSTR("user", login->name), LOG_CSTR("mechanism",
	    login->mechanism));
	session_reply(s, SAY_AUTH_OK);
	finish(s);
	return 0;
}

static int
on_challenge(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct slice message;
	struct session *s;
	uint64_t number;

	if (auth_sasl_message_decode(m->body, &number, &message) == -1 ||
	    number == 0)
		return -1;
	if ((s = session_of(ctx, ch, m->id)) == NULL)
		return 0;
	s->auth->conversation = number;
	say_challenge(s, message);
	return 0;
}

static int
on_refused(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	static const enum smtpd_reply replies[] = {
		[AUTH_DENIED] = SAY_AUTH_DENIED,
		[AUTH_UNAVAILABLE] = SAY_AUTH_DOWN,
		[AUTH_MALFORMED] = SAY_AUTH_MALFORMED,
	};
	enum auth_refusal why;
	struct session *s;

	if (auth_refusal_decode(m->body, &why) == -1)
		return -1;
	if ((s = session_of(ctx, ch, m->id)) != NULL)
		refuse(s, replies[why]);
	return 0;
}

static int
on_offer(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct smtpd *d = ctx;

	(void)ch;
	return auth_offer_decode(m->body, &d->login_offer);
}

static void
on_closed(void *ctx, struct ipc_channel *ch)
{
	struct smtpd *d = ctx;

	if (d->authd.ch != ch)
		return;
	log_warning("sibling-gone", LOG_CSTR("peer", "authd"));
	sibling_gone(&d->authd);
}

static const struct ipc_handler handlers[] = {
	{ IPC_LOGIN_ACCOUNT, on_account },
	{ IPC_LOGIN_REFUSED, on_refused },
	{ IPC_SASL_CHALLENGE, on_challenge },
	{ IPC_LOGIN_OFFER, on_offer },
};

static const struct ipc_events events = {
	.handlers = handlers,
	.count = sizeof(handlers) / sizeof(handlers[0]),
	.closed = on_closed,
};

int
auth_connect(struct smtpd *d, int fd)
{
	struct ipc_channel *ch = ipc_channel_new(d->stage.base, fd, d->role,
	    IPC_AUTHD, &events, d);

	if (ch == NULL)
		return -1;
	d->login_offer = 0;	/* until it says otherwise */
	sibling_connect(&d->authd, ch);
	return 0;
}
