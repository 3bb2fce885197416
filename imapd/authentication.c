#include "imapd/authentication.h"

#include "common/sasl/base64.h"
#include "common/sasl/plain.h"
#include "imapd/login_command.h"
#include "imapd/settings.h"

enum { LINE_MAX_OCTETS = 8192, SASL_MAX = 3072 };

struct authentication {
	unsigned	continuations;	/* "+ " said for this command */
	bool		sasl;		/* the next line is a SASL response */
	uint8_t		tag_len;
	char		tag[IMAP_TAG_MAX];
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

static void
print_capabilities(struct gate_client *c)
{
	gate_print(c, "CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID%s%s",
	    gate_starttls_offered(c) ? " STARTTLS" : "",
	    gate_login_allowed(c) ? " AUTH=PLAIN" : " LOGINDISABLED");
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

/* The client's response of AUTHENTICATE PLAIN, in base64. */
static void
plain_response(struct gate_client *c, struct slice tag, struct slice base64)
{
	struct sasl_plain plain;
	char message[SASL_MAX];
	size_t len;

	if (base64.len / 4 * 3 > sizeof(message) ||
	    sasl_base64_decode(base64, message, &len) == -1 ||
	    sasl_plain_parse(slice_of(message, len), &plain) != PARSE_OK)
		bad(c, tag, "BAD not a response of PLAIN");
	else if (plain.authzid.len > 0 &&
	    !slice_equal(plain.authzid, plain.authcid))
		bad(c, tag, "NO [AUTHORIZATIONFAILED] nobody may act for "
		    "another here");
	else
		gate_login(c, tag, plain.authcid, plain.password);
	explicit_bzero(message, sizeof(message));
}

static void
do_authenticate(struct gate_client *c, const struct imap_login_command *cmd)
{
	struct authentication *a = gate_client_state(c);
	struct slice initial;

	if (!may_login(c, cmd->tag))
		return;
	if (cmd->count < 1 || cmd->count > 2) {
		bad(c, cmd->tag, "BAD AUTHENTICATE takes a mechanism");
		return;
	}
	if (!slice_equal_nocase(cmd->arguments[0], slice_str("PLAIN"))) {
		bad(c, cmd->tag, "NO [CANNOT] no such mechanism");
		return;
	}
	if (cmd->count == 2) {	/* RFC 4959 section 3; "=" is empty */
		initial = cmd->arguments[1];
		if (slice_equal(initial, slice_str("=")))
			initial.len = 0;
		plain_response(c, cmd->tag, initial);
		return;
	}
	a->sasl = true;
	a->tag_len = (uint8_t)cmd->tag.len;
	memcpy(a->tag, cmd->tag.at, cmd->tag.len);
	gate_print(c, "+ \r\n");
}

static const struct imap_row {
	const char	*name;
	imap_handler	*handle;
} rows[] = {
	{ "CAPABILITY", do_capability },
	{ "NOOP", do_noop },
	{ "LOGOUT", do_logout },
	{ "LOGIN", do_login },
	{ "AUTHENTICATE", do_authenticate },
	{ "ID", do_id },
	{ "STARTTLS", do_starttls },
};

static const char *const later[] = { "SELECT", "EXAMINE", "CREATE", "DELETE",
	"RENAME", "SUBSCRIBE", "UNSUBSCRIBE", "LIST", "LSUB", "STATUS",
	"APPEND", "CHECK", "CLOSE", "EXPUNGE", "SEARCH", "FETCH", "STORE",
	"COPY", "MOVE", "UID", "IDLE", "NAMESPACE", "UNSELECT" };

static void
dispatch(struct gate_client *c, const struct imap_login_command *cmd)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (slice_equal_nocase(cmd->name, slice_str(rows[i].name))) {
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

/* The line after "+ ": base64, or "*" to stop (RFC 3501 section 6.2.2). */
static size_t
sasl_line(struct gate_client *c, char *at, size_t len)
{
	struct authentication *a = gate_client_state(c);
	struct slice tag = slice_of(a->tag, a->tag_len);
	struct slice line = slice_of(at, len);

	if (at[len - 1] != '\n')
		return 0;
	while (line.len > 0 && (line.at[line.len - 1] == '\n' ||
	    line.at[line.len - 1] == '\r'))
		line.len--;
	a->sasl = false;
	if (slice_equal(line, slice_str("*")))
		bad(c, tag, "BAD AUTHENTICATE cancelled");
	else
		plain_response(c, tag, line);
	return len;
}

static size_t
on_input(struct gate_client *c, char *at, size_t len)
{
	struct authentication *a = gate_client_state(c);
	struct imap_login_command cmd;
	enum imap_login_fault fault;

	if (a->sasl)
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
	gate_print(c, "] %s IMAP4rev1 ready\r\n", gate_hostname(c));
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
	.input_max = LINE_MAX_OCTETS,
	.full = "* BYE [UNAVAILABLE] too many connections, try later\r\n",
	.greet = greet, .input = on_input, .refused = on_refused,
	.goodbye = goodbye,
};
