/*
 * One client's connection: RFC 5321 section 3.1.
 *
 * The stream hands octets to session_input(), which takes command lines, or
 * the data of a message, from them.  Replies leave in the order of the
 * commands; while recipients are being looked up only further RCPT commands
 * are taken (RFC 2920 section 3.2).
 */
#ifndef SMTPD_SESSION_H
#define SMTPD_SESSION_H

#include "common/accounts/account.h"
#include "common/accounts/username.h"
#include "common/log/log.h"
#include "smtpd/replies.h"
#include "smtpd/smtpd.h"
#include "smtpd/transaction.h"

/* What the client may do next; bits, for the table of commands. */
enum session_state {
	S_START = 1 << 0,	/* no HELO yet */
	S_READY = 1 << 1,	/* no transaction */
	S_MAIL = 1 << 2,	/* a reverse-path, no recipient yet */
	S_RCPT = 1 << 3,	/* at least one recipient */
	S_CHUNKS = 1 << 4,	/* and a first chunk of the message */
	S_ANY = S_START | S_READY | S_MAIL | S_RCPT | S_CHUNKS
};

enum session_phase {
	PHASE_TLS,		/* shaking hands; no command can come */
	PHASE_GREETING,		/* waiting to greet */
	PHASE_COMMAND,
	PHASE_LONG_LINE,	/* passing over the rest of one */
	PHASE_DATA,
	PHASE_AUTH,		/* a response to 334 (RFC 4954) */
	PHASE_CHUNK,		/* the octets behind a BDAT */
	PHASE_END		/* the last reply is on its way */
};

/* Why input rests; bits. */
enum session_pause {
	WAIT_RECIPIENTS = 1 << 0,
	WAIT_QUEUE = 1 << 1,
	WAIT_OUTPUT = 1 << 2,
	WAIT_GREETING = 1 << 3,
	WAIT_POLICY = 1 << 4,
	WAIT_VERIFY = 1 << 5,
	WAIT_AUTH = 1 << 6,
	WAIT_SENDER = 1 << 7,
	WAIT_MILTER = 1 << 8
};

/* Who has logged in (RFC 4954). */
struct session_login {
	struct account	 account;
	char		 name[USERNAME_SIZE];	/* canonical */
	const char	*mechanism;	/* by which */
};

struct session {
	TAILQ_ENTRY(session) all;
	struct smtpd	*d;
	struct stream	*stream;
	struct door	*door;
	struct client	*client;	/* in the table of clients */
	struct transaction *t;		/* NULL: none */
	struct verify	*verify;	/* a VRFY or EXPN under way, or NULL */
	struct etrn	*etrn;		/* an ETRN under way, or NULL */
	struct recipients asked;	/* RCPTs without their reply yet */
	char		*helo;		/* NULL: not said */
	struct session_login *login;	/* NULL: nobody */
	struct screen	*screen;	/* NULL: nothing to check */
	struct auth_dialogue *auth;	/* AUTH under way, or NULL */
	struct milter	*milter;	/* NULL: none looks at its mail */
	struct event	*greet;		/* the delay before the greeting */
	struct tls	*tls;		/* the stream's; NULL: clear text */
	uint64_t	 id;
	uint64_t	 began_ms;
	uint64_t	 data_end_ms;	/* when the message must be here */
	uint64_t	 chunk_left;	/* octets of a BDAT to come */
	struct net_address peer;
	uint32_t	 n_asked;
	uint32_t	 errors, idle_commands, messages, refused;
	uint8_t		 http_lines;
	uint8_t		 phase;		/* enum session_phase */
	uint16_t	 waits;		/* enum session_pause */
	bool		 esmtp;
	bool		 more_waits;	/* behind the command that is done */
	bool		 chunk_last;
	int		 chunk_fault;	/* enum smtpd_reply: it is discarded */
	bool		 permitted;	/* by a rule: no limits */
	bool		 relay_network;	/* the peer is in relay_networks */
	uint32_t	 auth_failures;
};

/* Take over a connection; closes fd where that fails. */
void session_new(struct smtpd *, struct door *, int fd,
    const struct net_address *, struct client *, bool permitted);
void session_free(struct session *);
/* What the settings say of streams, into d->kind. */
void session_kind(struct smtpd *);

enum session_state session_state(const struct session *);

/* RFC 6409: its messages are completed, and lose what is not for others. */
static inline bool
session_is_submission(const struct session *s)
{
	return door_kind(s->door) == DOOR_SUBMISSION ||
	    door_kind(s->door) == DOOR_INJECT;
}

static inline bool
session_is_lmtp(const struct session *s)
{
	return door_kind(s->door) == DOOR_LMTP;
}

static inline bool
session_is_injection(const struct session *s)
{
	return door_kind(s->door) == DOOR_INJECT;
}

/* RFC 821: it said HELO, so it has no extension of any kind (RFC 5321 section
 * 2.2.1). */
static inline bool
session_is_plain(const struct session *s)
{
	return s->helo != NULL && !s->esmtp;
}

/* Give this last reply, which is logged, and close. */
void session_close(struct session *, enum smtpd_reply);
/* Finish quietly: the last reply is written already. */
void session_finish(struct session *, unsigned linger_ms);

void session_reply(struct session *, enum smtpd_reply);
/*
 * Refuse, log the reason, count an error, and close after too many.  what is
 * the command or the thing refused; detail its argument, perhaps empty.
 */
void session_refuse(struct session *, enum smtpd_reply, const char *what,
    struct slice detail);
/* The same with a status that somebody else decided. */
void session_refuse_status(struct session *, uint16_t code,
    const uint8_t enhanced[3], struct slice text, const char *reason,
    const char *what, struct slice detail);

/* The parts of it, for who gives the reply otherwise: the line in the log,
 * and the error, after too many of which it closes. */
void session_note_refusal(struct session *, uint16_t code,
    const uint8_t enhanced[3], const char *reason, const char *what,
    struct slice detail);
void session_count_error(struct session *);

/* The same without an error to count: the client has done nothing wrong. */
void session_turn_down(struct session *, uint16_t code,
    const uint8_t enhanced[3], struct slice text, const char *reason,
    const char *what, struct slice detail);

/* Input rests until resumed for every reason. */
void session_wait(struct session *, enum session_pause);
void session_go_on(struct session *, enum session_pause);

/* The mail transaction is over, whatever became of it. */
void session_transaction_end(struct session *);
/* The reply to the final dot has been given. */
void session_message_done(struct session *);
void session_deadline_command(struct session *);

/* Client, for the log. */
const char *session_client(const struct session *, char *out);

/* doors.c: let a client in who is at fd, or turn it away; fd goes with it. */
void door_admit(struct door *, int fd, const struct net_address *);
void door_turn_away(struct smtpd *, int fd, const struct net_address *,
    enum smtpd_reply);

/* commands.c: do one command line, without its CRLF. */
void command_line(struct session *, struct slice line);
/* May this line be taken while replies to RCPT are still owed? */
bool command_line_may_overtake(struct slice line);

/*
 * Take a path as the settings and the kind of listener want it, from the
 * front of args; as smtp_path_parse(), but a domain becomes A-labels.
 */
enum parse command_path(const struct session *, struct slice args,
    unsigned flags, struct smtp_address *, size_t *used,
    enum smtp_path_fault *why);

/* bdat.c: BDAT, and its octets; returns how many of them were used. */
void bdat_command(struct session *, struct slice args);
size_t bdat_input(struct session *, char *at, size_t len);

/* ---- lmtp.c ---- */

/* Is this a client of that listener? */
bool lmtp_may_connect(const struct door *, const struct net_address *);
/* The reply to this message is one for each recipient. */
bool lmtp_answers_each(const struct session *);
/* Give them, and end the transaction.  counts: they are an error's. */
void lmtp_answer(struct session *, uint16_t code, const uint8_t enhanced[3],
    struct slice text, bool counts);
/* The same for a refusal, with its line in the log. */
void lmtp_refuse(struct session *, uint16_t code, const uint8_t enhanced[3],
    struct slice text, const char *reason);
/* The client has read some. */
void lmtp_go_on(struct session *);

/* ehlo.c: the reply to EHLO and LHLO. */
void ehlo_reply(struct session *);

/* commands.c: DATA goes on: 354. */
void data_go_on(struct session *);

/* session.c: greet, at once or after the delay. */
void session_greet(struct session *);

/* ---- starttls.c ---- */

void starttls_command(struct session *, struct slice args);
/* Announced to this client? */
bool starttls_offered(const struct session *);
/* The listener wants TLS first, and there is none yet (RFC 3207 section 4). */
bool starttls_is_missing(const struct session *);
/* The listener speaks TLS from the first octet. */
bool starttls_is_implicit(const struct session *);
/* From here on it is TLS; false: it cannot be. */
bool starttls_begin(struct session *);
/* The connection has ended before it was secured: log why. */
void starttls_ended(struct session *);
bool session_is_secured(const struct session *);
/* For the stream: the handshake is done. */
void session_secured(void *owner);
/* ---- auth.c ---- */

void auth_command(struct session *, struct slice args);
/* A response to 334; how much of it was used. */
size_t auth_input(struct session *, char *at, size_t len);
/* It was too long, and has ended. */
void auth_line_long(struct session *);
/* The exchange is over, the session perhaps, too. */
void auth_forget(struct session *);
/* session.c: a line that is none; how much of it was used. */
size_t session_bad_line(struct session *, enum smtp_line_fault,
    const char *at, size_t len);
/* For EHLO. */
bool auth_offered(const struct session *);
void auth_text(const struct session *, char *out, size_t size);
/* RFC 3848: "ESMTPA" and so on. */
const char *session_protocol(const struct session *);

/* May it send to recipients that are not ours? */
bool session_may_relay(const struct session *);

/* recipients.c */
void recipient_command(struct session *, struct slice args);

#endif
