#include "imapd/authentication.h"

#include "imapd/login_command.h"
#include "imapd/session/command.h"
#include "imapd/session/hide.h"
#include "imapd/settings.h"

enum { LINE_MAX_OCTETS = 8192 };

struct authentication {
	unsigned	continuations;	/* "+ " said for this command */
};

typedef void imap_handler(struct gate_client *,
    const struct imap_login_command *);

static void
tagged(struct gate_client *c, struct slice tag, const char *text)
{
	gate_print(c, "%.*s %s\r\n", (int)tag.len, tag.at, text);
}

static void
bad(struct gate_client *c, struct slice tag, const char *text)
{
	tagged(c, tag, text);
	gate_bad_command(c);
}

/*
 * ENABLE and IDLE are for later; but some clients, Python's imaplib among them,
 * keep what they were told first.
 */
static const enum imap_capability before_login[] = {
	CAPABILITY_IMAP4REV1,
	CAPABILITY_IMAP4REV2,
	CAPABILITY_LITERAL_PLUS,
	CAPABILITY_LITERAL_MINUS,
	CAPABILITY_ID,
	CAPABILITY_ENABLE,
	CAPABILITY_IDLE,
};

static void
print_capabilities(struct gate_client *c)
{
	const struct imapd_settings *own = gate_values(c);
	imap_capability_set hidden =
	    hide_from(&own->hide_capabilities, SLICE_LITERAL(""));
	char names[GATE_MECHANISMS_SIZE];

	gate_print(c, "CAPABILITY");
	for (size_t i = 0; i < sizeof(before_login) / sizeof(before_login[0]);
	     i++)
		if ((hidden & UINT64_C(1) << before_login[i]) == 0)
			gate_print(
			    c, " %s", imap_capability_name(before_login[i]));
	gate_print(c, " SASL-IR%s %s",
	    gate_starttls_offered(c) ? " STARTTLS" : "",
	    gate_login_allowed(c) ? gate_mechanisms(c, "AUTH=", names)
				  : "LOGINDISABLED");
}

static void
do_capability(struct gate_client *c, const struct imap_login_command *cmd)
{
	gate_print(c, "* ");
	print_capabilities(c);
	gate_print(c, "\r\n");
	tagged(c, cmd->tag, "OK CAPABILITY completed");
}

static void
do_noop(struct gate_client *c, const struct imap_login_command *cmd)
{
	tagged(c, cmd->tag, "OK NOOP completed");
}

static void
do_logout(struct gate_client *c, const struct imap_login_command *cmd)
{
	gate_print(c, "* BYE logging out\r\n");
	tagged(c, cmd->tag, "OK LOGOUT completed");
	gate_close(c);
}

/* RFC 2971: what the client says of itself is not worth a log line. */
static void
do_id(struct gate_client *c, const struct imap_login_command *cmd)
{
	gate_print(c, "* ID (\"name\" \"Bulkhead\")\r\n");
	tagged(c, cmd->tag, "OK ID completed");
}

/* RFC 3501 section 6.2.1. */
static void
do_starttls(struct gate_client *c, const struct imap_login_command *cmd)
{
	switch (gate_starttls(c)) {
	case GATE_TLS_READY:
		if (cmd->count > 0) {
			bad(c, cmd->tag, "BAD STARTTLS takes nothing");
			return;
		}
		tagged(c, cmd->tag, "OK begin TLS");
		gate_secure(c);
		return;
	case GATE_TLS_ALREADY:
		bad(c, cmd->tag, "BAD TLS is active already");
		return;
	case GATE_TLS_DOWN:
		bad(c, cmd->tag, "NO [UNAVAILABLE] no TLS now, try later");
		return;
	case GATE_TLS_NONE:
		bad(c, cmd->tag, "BAD no such command");
	}
}

static bool
may_login(struct gate_client *c, struct slice tag)
{
	if (gate_login_allowed(c))
		return true;
	bad(c, tag, "NO [PRIVACYREQUIRED] login from here needs TLS");
	return false;
}

static void
do_login(struct gate_client *c, const struct imap_login_command *cmd)
{
	if (!may_login(c, cmd->tag))
		return;
	if (cmd->count != 2) {
		bad(c, cmd->tag, "BAD LOGIN takes a name and a password");
		return;
	}
	gate_login(c, cmd->tag, cmd->arguments[0], cmd->arguments[1]);
}

/* RFC 3501 section 6.2.2; the second argument is RFC 4959's. */
static void
do_authenticate(struct gate_client *c, const struct imap_login_command *cmd)
{
	if (!may_login(c, cmd->tag))
		return;
	if (cmd->count < 1 || cmd->count > 2) {
		bad(c, cmd->tag, "BAD AUTHENTICATE takes a mechanism");
		return;
	}
	gate_authenticate(c, cmd->tag, cmd->arguments[0],
	    cmd->count == 2 ? &cmd->arguments[1] : NULL);
}

static const struct imap_row {
	const char	*name;
	imap_handler	*handle;
	bool		 alone;		/* without arguments */
} rows[] = {
	{ "CAPABILITY", do_capability, true },
	{ "NOOP", do_noop, true },
	{ "LOGOUT", do_logout, true },
	{ "LOGIN", do_login, false },
	{ "AUTHENTICATE", do_authenticate, false },
	{ "ID", do_id, false },
	{ "STARTTLS", do_starttls, false },	/* which looks by itself */
};

/* For a clear answer to what is only out of place. */
static const char *const later[] = {
#define X(name, ...) #name,
	IMAP_COMMANDS(X)
#undef X
	"UID",
};

static void
dispatch(struct gate_client *c, const struct imap_login_command *cmd)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (slice_equal_nocase(cmd->name, slice_str(rows[i].name))) {
			if (rows[i].alone && cmd->count > 0)
				bad(c, cmd->tag, "BAD it takes no arguments");
			else
				rows[i].handle(c, cmd);
			return;
		}
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (slice_equal_nocase(cmd->name, slice_str(later[i]))) {
			bad(c, cmd->tag, "BAD log in first");
			return;
		}
	bad(c, cmd->tag, "BAD no such command");
}

static void
faulty(struct gate_client *c, const struct imap_login_command *cmd,
    enum imap_login_fault fault)
{
	switch (fault) {
	case IMAP_FAULT_TAG:
		gate_print(c, "* BAD no tag\r\n");
		gate_bad_command(c);
		break;
	case IMAP_FAULT_SYNTAX:
		bad(c, cmd->tag, "BAD syntax error");
		break;
	case IMAP_FAULT_LITERAL:
		bad(c, cmd->tag, "NO [TOOBIG] literal too large before login");
		break;
	case IMAP_FAULT_STREAM:
		gate_print(c, "* BYE [TOOBIG] literal too large\r\n");
		gate_close(c);
		break;
	}
}

static size_t
sasl_line(struct gate_client *c, const char *at, size_t len)
{
	struct slice line = slice_of(at, len);

	if (at[len - 1] != '\n')
		return 0;
	while (line.len > 0 && (line.at[line.len - 1] == '\n' ||
	    line.at[line.len - 1] == '\r'))
		line.len--;
	gate_sasl_line(c, line);
	return len;
}

/* A line that is longer than commands are, and no AUTHENTICATE. */
static bool
too_long(const struct gate_client *c, const char *at, size_t len)
{
	const char *space = memchr(at, ' ', len);

	return len > LINE_MAX_OCTETS && !gate_in_sasl(c) && (space == NULL ||
	    !slice_starts_nocase(slice_of(space, len - (size_t)(space - at)),
		SLICE_LITERAL(" AUTHENTICATE ")));
}

static size_t
on_input(struct gate_client *c, char *at, size_t len)
{
	struct authentication *a = gate_client_state(c);
	struct imap_login_command cmd;
	enum imap_login_fault fault;

	if (too_long(c, at, len)) {
		gate_line_too_long(c);
		return len;
	}
	if (gate_in_sasl(c))
		return sasl_line(c, at, len);
	switch (imap_login_command_parse(at, len, &cmd, &fault)) {
	case PARSE_MORE:
		while (a->continuations < cmd.continuations) {
			gate_print(c, "+ go on\r\n");
			a->continuations++;
		}
		return 0;
	case PARSE_BAD:
		a->continuations = 0;
		faulty(c, &cmd, fault);
		return cmd.used;
	default:
		a->continuations = 0;
		dispatch(c, &cmd);
		return cmd.used;
	}
}

static void
greet(struct gate_client *c)
{
	gate_print(c, "* OK [");
	print_capabilities(c);
	gate_print(c, "] %s IMAP ready\r\n", gate_hostname(c));
}

static void
on_refused(struct gate_client *c, enum gate_refusal why)
{
	/* RFC 5530. */
	static const char *const replies[] = {
		[GATE_DENIED] = "NO [AUTHENTICATIONFAILED] name or password "
		    "is wrong",
		[GATE_UNAVAILABLE] = "NO [UNAVAILABLE] cannot log you in now, "
		    "try later",
		[GATE_BUSY] = "NO [LIMIT] too many sessions",
	};

	tagged(c, gate_client_tag(c), replies[why]);
}

static void
on_sasl_failed(struct gate_client *c, enum gate_sasl why)
{
	/* RFC 3501 section 6.2.2: cancelled is BAD. */
	static const char *const replies[] = {
		[GATE_SASL_MECHANISM] = "NO [CANNOT] no such mechanism",
		[GATE_SASL_MALFORMED] = "BAD not a response of this mechanism",
		[GATE_SASL_CANCELLED] = "BAD AUTHENTICATE cancelled",
		[GATE_SASL_IDENTITY] =
		    "NO [AUTHORIZATIONFAILED] nobody may act for another",
	};

	bad(c, gate_client_tag(c), replies[why]);
}

static void
goodbye(struct gate_client *c, enum gate_goodbye why)
{
	static const char *const replies[] = {
		[GATE_TIMEOUT] = "* BYE too slow to log in\r\n",
		[GATE_TOO_MANY_ERRORS] = "* BYE too many errors\r\n",
		[GATE_LINE_TOO_LONG] = "* BYE command too long\r\n",
		[GATE_STOPPING] = "* BYE [UNAVAILABLE] shutting down\r\n",
	};

	gate_write(c, slice_str(replies[why]));
}

static void
settings(const void *v, struct gate_settings *out)
{
	const struct imapd_settings *values = v;

	*out = (struct gate_settings){ GATE_SETTINGS(GATE_COPY) };
}

const struct gate_protocol imap_protocol = {
	.role = IPC_IMAPD, .name = "imap", .schema = &imapd_schema, .settings = settings,
	.state_size = sizeof(struct authentication),
	.input_max = GATE_SASL_LINE_MAX,
	.full = "* BYE [UNAVAILABLE] too many connections, try later\r\n",
	.greet = greet, .input = on_input, .refused = on_refused,
	.sasl_failed = on_sasl_failed,
	.goodbye = goodbye,
};
