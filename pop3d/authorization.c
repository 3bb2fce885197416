#include "pop3d/authorization.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/session/handoff.h"
#include "pop3d/command.h"
#include "pop3d/settings.h"

enum { NAME_MAX_OCTETS = 512, TIMESTAMP_SIZE = 320 };

struct authorization {
	size_t	name_len;		/* 0: no USER yet */
	char	name[NAME_MAX_OCTETS];
};

typedef void pop3_handler(struct gate_client *, struct slice argument);

static void
say(struct gate_client *c, const char *text)
{
	gate_write(c, slice_str(text));
}

static void
error(struct gate_client *c, const char *text)
{
	say(c, text);
	gate_bad_command(c);
}

static void
do_user(struct gate_client *c, struct slice name)
{
	struct authorization *a = gate_client_state(c);

	if (!gate_login_allowed(c)) {
		error(c, "-ERR [AUTH] login from here needs TLS\r\n");
		return;
	}
	if (name.len == 0 || name.len > sizeof(a->name)) {
		error(c, "-ERR USER takes a name\r\n");
		return;
	}
	memcpy(a->name, name.at, name.len);
	a->name_len = name.len;
	/* The same for every name: who exists is nobody's business. */
	say(c, "+OK now PASS\r\n");
}

static void
do_pass(struct gate_client *c, struct slice password)
{
	struct authorization *a = gate_client_state(c);
	struct slice name = slice_of(a->name, a->name_len);

	if (a->name_len == 0) {
		error(c, "-ERR USER first\r\n");
		return;
	}
	a->name_len = 0;	/* RFC 1939 section 7: after -ERR, USER again */
	gate_login(c, slice_of("", 0), name, password);
}

/* RFC 1939 section 7: the same for as long as the connection lasts. */
static struct slice
timestamp(const struct gate_client *c, char out[TIMESTAMP_SIZE])
{
	int n = snprintf(out, TIMESTAMP_SIZE, "<%016" PRIx64 "@%.255s>",
	    gate_client_nonce(c), gate_hostname(c));

	return slice_of(out, (size_t)n);
}

/* APOP name digest: a name may have blanks, a digest has none. */
static void
do_apop(struct gate_client *c, struct slice argument)
{
	uint8_t digest[GATE_DIGEST_LEN];
	struct slice name = argument;
	char text[TIMESTAMP_SIZE];

	if (!gate_apop_offered(c)) {
		error(c, "-ERR no such command\r\n");
		return;
	}
	if (!gate_login_allowed(c)) {
		error(c, "-ERR [AUTH] login from here needs TLS\r\n");
		return;
	}
	if (argument.len < 2 * sizeof(digest) + 2 ||
	    argument.at[name.len = argument.len - 2 * sizeof(digest) - 1] !=
	    ' ' || pop3_digest(slice_skip(argument, name.len + 1),
	    digest) == -1) {
		error(c, "-ERR APOP takes a name and a digest\r\n");
		return;
	}
	gate_login_apop(c, name, timestamp(c, text), digest);
}

/* RFC 6856 section 2.1 */
static void
do_utf8(struct gate_client *c, struct slice argument)
{
	if (argument.len > 0) {
		error(c, "-ERR UTF8 takes nothing\r\n");
		return;
	}
	gate_flag(c, HANDOFF_UTF8);
	say(c, "+OK UTF-8 from here on\r\n");
}

/* RFC 2595 section 4. */
static void
do_stls(struct gate_client *c, struct slice argument)
{
	switch (gate_starttls(c)) {
	case GATE_TLS_READY:
		if (argument.len > 0) {
			error(c, "-ERR STLS takes nothing\r\n");
			return;
		}
		say(c, "+OK begin TLS\r\n");
		gate_secure(c);
		return;
	case GATE_TLS_ALREADY:
		error(c, "-ERR TLS is active already\r\n");
		return;
	case GATE_TLS_DOWN:
		error(c, "-ERR [SYS/TEMP] TLS is not available now\r\n");
		return;
	case GATE_TLS_NONE:
		error(c, "-ERR no such command\r\n");
	}
}

/* RFC 5034 section 4: AUTH mechanism [initial-response] */
static void
do_auth(struct gate_client *c, struct slice argument)
{
	const char *space = argument.len == 0 ? NULL :
	    memchr(argument.at, ' ', argument.len);
	struct slice mechanism = argument, initial;

	if (!gate_login_allowed(c)) {
		error(c, "-ERR [AUTH] login from here needs TLS\r\n");
		return;
	}
	if (argument.len == 0) {
		error(c, "-ERR AUTH takes a mechanism\r\n");
		return;
	}
	if (space != NULL) {
		mechanism.len = (size_t)(space - argument.at);
		initial = slice_skip(argument, mechanism.len + 1);
	}
	gate_authenticate(c, slice_of("", 0), mechanism,
	    space == NULL ? NULL : &initial);
}

static void
do_quit(struct gate_client *c, struct slice argument)
{
	(void)argument;
	say(c, "+OK bye\r\n");
	gate_close(c);
}

static void
do_capa(struct gate_client *c, struct slice argument)
{
	const struct pop3d_settings *s = gate_values(c);
	char names[GATE_MECHANISMS_SIZE];

	(void)argument;
	say(c, "+OK capabilities\r\n");
	if (gate_login_allowed(c))
		gate_print(c, "USER\r\nSASL %s\r\n", gate_mechanisms(c, "",
		    names));
	if (gate_starttls_offered(c))
		say(c, "STLS\r\n");
	if (s->login_delay > 0)
		gate_print(c, POP3_LOGIN_DELAY,
		    (unsigned long long)s->login_delay);
	say(c, POP3_CAPABILITIES ".\r\n");
}

static const struct pop3_row {
	const char	*keyword;
	pop3_handler	*handle;
} rows[] = {
	{ "USER", do_user },
	{ "PASS", do_pass },
	{ "APOP", do_apop },
	{ "AUTH", do_auth },
	{ "UTF8", do_utf8 },
	{ "CAPA", do_capa },
	{ "STLS", do_stls },
	{ "QUIT", do_quit },
};

/* For a clear answer to what is only out of place. */
static const char *const later[] = { "STAT", "LIST", "RETR", "DELE", "NOOP",
	"RSET", "REST", "TOP", "UIDL" };

static void
dispatch(struct gate_client *c, const struct pop3_command *command)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (slice_equal_nocase(command->keyword,
		    slice_str(rows[i].keyword))) {
			rows[i].handle(c, command->argument);
			return;
		}
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (slice_equal_nocase(command->keyword,
		    slice_str(later[i]))) {
			error(c, "-ERR log in first\r\n");
			return;
		}
	error(c, "-ERR no such command\r\n");
}

static size_t
on_input(struct gate_client *c, char *at, size_t len)
{
	struct pop3_command command;

	if (len > POP3_LINE_MAX && !gate_in_sasl(c) &&
	    !slice_starts_nocase(slice_of(at, len), SLICE_LITERAL("AUTH "))) {
		gate_line_too_long(c);
		return len;
	}
	if (at[len - 1] != '\n')
		return 0;
	if (gate_in_sasl(c)) {
		gate_sasl_line(c, pop3_line(at, len));
		return len;
	}
	if (pop3_command_parse(pop3_line(at, len), &command) == PARSE_OK)
		dispatch(c, &command);
	else
		error(c, "-ERR not a command\r\n");
	return len;
}

static void
greet(struct gate_client *c)
{
	char text[TIMESTAMP_SIZE];
	struct slice stamp = gate_apop_offered(c) ? timestamp(c, text) :
	    slice_of("", 0);

	gate_print(c, "+OK %s POP3 ready%s%.*s\r\n", gate_hostname(c),
	    stamp.len > 0 ? " " : "", (int)stamp.len, stamp.at);
}

static void
on_refused(struct gate_client *c, enum gate_refusal why)
{
	static const char *const replies[] = {
		[GATE_DENIED] = "-ERR [AUTH] name or password is wrong\r\n",
		[GATE_UNAVAILABLE] =
		    "-ERR [SYS/TEMP] cannot log you in now, try later\r\n",
		[GATE_BUSY] = "-ERR [SYS/TEMP] too many sessions\r\n",
	};

	say(c, replies[why]);
}

static void
on_sasl_failed(struct gate_client *c, enum gate_sasl why)
{
	static const char *const replies[] = {
		[GATE_SASL_MECHANISM] = "-ERR no such mechanism\r\n",
		[GATE_SASL_MALFORMED] =
		    "-ERR not a response of this mechanism\r\n",
		[GATE_SASL_CANCELLED] = "-ERR AUTH cancelled\r\n",
		[GATE_SASL_IDENTITY] =
		    "-ERR [AUTH] nobody may act for another here\r\n",
	};

	error(c, replies[why]);
}

static void
goodbye(struct gate_client *c, enum gate_goodbye why)
{
	static const char *const replies[] = {
		[GATE_TIMEOUT] = "-ERR too slow, goodbye\r\n",
		[GATE_TOO_MANY_ERRORS] = "-ERR too many errors, goodbye\r\n",
		[GATE_LINE_TOO_LONG] = "-ERR line too long, goodbye\r\n",
		[GATE_STOPPING] = "-ERR [SYS/TEMP] shutting down\r\n",
	};

	say(c, replies[why]);
}

static void
settings(const void *v, struct gate_settings *out)
{
	const struct pop3d_settings *values = v;

	*out = (struct gate_settings){ GATE_SETTINGS(GATE_COPY) };
}

const struct gate_protocol pop3_protocol = {
	.role = IPC_POP3D, .name = "pop3", .schema = &pop3d_schema, .settings = settings,
	.state_size = sizeof(struct authorization),
	.input_max = GATE_SASL_LINE_MAX,
	.full = "-ERR [SYS/TEMP] too many connections, try later\r\n",
	.greet = greet, .input = on_input, .refused = on_refused,
	.sasl_failed = on_sasl_failed,
	.goodbye = goodbye,
};
