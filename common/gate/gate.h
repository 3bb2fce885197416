/*
 * A gate: the dialogue with clients before they have logged in, the same for
 * POP3 and IMAP.  The daemon supplies a protocol (greeting, commands, the
 * words of its replies); the gate does connections, limits, deadlines, the
 * question to authd, and the hand-over of the connection to a session
 * process, after which it knows nothing of that client any more.
 *
 * One process serves thousands of clients in one event loop.
 */
#ifndef COMMON_GATE_GATE_H
#define COMMON_GATE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/gate/settings.h"
#include "common/ipc/roles.h"
#include "common/slice/slice.h"

struct gate;
struct gate_client;

/* Why a login did not lead to a session. */
enum gate_refusal {
	GATE_DENIED,		/* name or password wrong */
	GATE_UNAVAILABLE,	/* cannot be checked, or no session, now */
	GATE_BUSY		/* too many sessions, of all or this account */
};

/* Why the gate closes a connection by itself. */
enum gate_goodbye {
	GATE_TIMEOUT,		/* too slow to log in */
	GATE_TOO_MANY_ERRORS,	/* failures or bad commands */
	GATE_LINE_TOO_LONG,
	GATE_STOPPING
};

/* Why an exchange of SASL (RFC 4422) ended before a login was tried. */
enum gate_sasl {
	GATE_SASL_MECHANISM,	/* not one that is offered here */
	GATE_SASL_MALFORMED,	/* not a response of it, or not base64 */
	GATE_SASL_CANCELLED,	/* "*" */
	GATE_SASL_IDENTITY	/* acting for another, which nobody may */
};

struct gate_protocol {
	enum ipc_role	 role;
	const char	*name;		/* for ALPN: "pop3", "imap" */
	const struct settings_schema *schema;
	/* Copy the gate's settings out of the schema's struct. */
	void	(*settings)(const void *values, struct gate_settings *out);
	size_t	 state_size;	/* octets of the protocol's own per client */
	size_t	 input_max;	/* longest line with its literals, octets */
	const char *full;	/* whole reply when no client can be taken */

	void	(*greet)(struct gate_client *);
	/*
	 * Input that waits: at most one line, whole where it ends in LF; the
	 * answer is how many octets were used, 0 to wait for more.  What is
	 * used may be overwritten.
	 */
	size_t	(*input)(struct gate_client *, char *at, size_t len);
	void	(*refused)(struct gate_client *, enum gate_refusal);
	/* A SASL exchange has failed; gate_client_tag() is that of its
	 * command.  Challenges are "+ ", base64 and CRLF in both protocols,
	 * and the gate's to write. */
	void	(*sasl_failed)(struct gate_client *, enum gate_sasl);
	void	(*goodbye)(struct gate_client *, enum gate_goodbye);
};

/*
 * The daemon's life, in the order of main(): descriptors and log; the
 * sandbox comes between (gate_open also loads the TLS library); then until
 * told to stop.  Both exit on error.
 */
void gate_open(int argc, char *argv[], const struct gate_protocol *);
int gate_run(const struct gate_protocol *);

/* The protocol's own octets for this client; zero at first. */
void *gate_client_state(struct gate_client *);
const char *gate_hostname(const struct gate_client *);
/* May this client send a password as things are?  Over TLS always, in clear as
 * cleartext_login and the listener say. */
bool gate_login_allowed(const struct gate_client *);

/* The schema's struct, as the settings are now. */
const void *gate_values(const struct gate_client *);
/* A number that nobody can guess, of this connection alone and for as long as
 * it lasts. */
uint64_t gate_client_nonce(const struct gate_client *);
/* Tell the session (HANDOFF_...); forgotten when TLS begins. */
void gate_flag(struct gate_client *, uint8_t flag);

void gate_write(struct gate_client *, struct slice);
void gate_print(struct gate_client *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Ask for a session.  tag is what the session's first reply begins with.
 * Until refused() is called nothing more is read.  name and password are
 * copied where they are needed; the caller wipes his.
 */
void gate_login(struct gate_client *, struct slice tag, struct slice name,
    struct slice password);

/*
 * The same by APOP (RFC 1939 section 7): digest is of timestamp, which the
 * greeting had, and the secret.  Is there an account that has a secret for it?
 */
enum { GATE_DIGEST_LEN = 16 };
void gate_login_apop(struct gate_client *, struct slice name,
    struct slice timestamp, const uint8_t digest[GATE_DIGEST_LEN]);
bool gate_apop_offered(const struct gate_client *);

/*
 * The same by SASL: RFC 5034, RFC 3501 section 6.2.2 with RFC 4959.  initial
 * is the initial response in base64, "=" for an empty one, NULL for none.
 * While gate_in_sasl(), lines of the client belong to gate_sasl_line(), their
 * line ends cut off.
 */
void gate_authenticate(struct gate_client *, struct slice tag,
    struct slice mechanism, const struct slice *initial);
bool gate_in_sasl(const struct gate_client *);
void gate_sasl_line(struct gate_client *, struct slice line);

enum { GATE_MECHANISMS_SIZE = 128, GATE_SASL_LINE_MAX = 12288 };
/*
 * What is offered to this client now, with prefix (at most 5 octets) before
 * each, a space between; out of GATE_MECHANISMS_SIZE octets.  Returns out.
 */
const char *gate_mechanisms(const struct gate_client *, const char *prefix,
    char *out);

/* The tag that gate_login was given, for refused(). */
struct slice gate_client_tag(const struct gate_client *);

/* ---- TLS ---- */

bool gate_is_secured(const struct gate_client *);
/* What STLS or STARTTLS is to be answered with. */
enum gate_starttls {
	GATE_TLS_READY,		/* yes: then gate_secure() */
	GATE_TLS_NONE,		/* no such command here */
	GATE_TLS_ALREADY,
	GATE_TLS_DOWN		/* not now */
};
enum gate_starttls gate_starttls(const struct gate_client *);
/* Is it to be named among the capabilities? */
bool gate_starttls_offered(const struct gate_client *);
/*
 * The reply has been written: what follows is TLS.  The protocol's own octets
 * are cleared, and what the client sent in clear behind its command is never
 * used.
 */
void gate_secure(struct gate_client *);

/* Count a command in error; true when that was one too many (goodbye said). */
bool gate_bad_command(struct gate_client *);
/* The line is longer than the protocol has: goodbye. */
void gate_line_too_long(struct gate_client *);
/* Close when everything written has been sent. */
void gate_close(struct gate_client *);

#endif
