/*
 * Logins: LOGIN, SASL_START and their answers between a gate (or
 * smtpd-submit) and authd, VERIFY between authd and its verifiers,
 * PAM_ATTEMPT between authd and a PAM helper.
 *
 * Which service a login is for is a property of the channel that it came on.
 * Whoever encodes a password wipes the buffer after ipc_send; decoders give
 * slices into the body, which the channel wipes with its buffer.
 *
 * encode answers the length of the body, or 0 when a field is over its
 * limit; decode answers 0, or -1 when malformed.
 */
#ifndef COMMON_IPC_AUTH_H
#define COMMON_IPC_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/accounts/account.h"
#include "common/accounts/passwords.h"
#include "common/accounts/username.h"
#include "common/ipc/start.h"
#include "common/slice/slice.h"

enum {
	AUTH_BODY_MAX = 4096,		/* all with a password or message */
	AUTH_ANSWER_MAX = 512,		/* the other answers */
	AUTH_SESSION_MAX = 32,		/* octets of a session id */
	/* What a client may send; only 1 to PASSWORD_MAX can be right, and a
	 * longer one is refused in the same time as a wrong one. */
	AUTH_NAME_MAX = 512,
	AUTH_PASSWORD_MAX = 1024,
	AUTH_MESSAGE_MAX = 2048,	/* a message of SCRAM */
	AUTH_BINDING_MAX = 64,		/* octets of channel binding data */
	AUTH_TIMESTAMP_MAX = 320,	/* of APOP, with its brackets */
	AUTH_DIGEST_LEN = 16
};

/* Which accounts a listener is for (its setting "accounts"). */
enum auth_accounts {
	AUTH_ALL_ACCOUNTS,
	AUTH_VIRTUAL_ACCOUNTS	/* no system user logs in there */
};

/*
 * A client's address as 16 octets: IPv6, or IPv4 mapped into it
 * (RFC 4291 section 2.5.5.2).
 */
struct auth_client {
	uint8_t	octets[16];
};

/* LOGIN.  name is as the client sent it: any octets. */
struct auth_login {
	struct slice		session;	/* the gate's id, for the log */
	struct auth_client	client;
	enum auth_accounts	accounts;
	struct slice		name;
	struct slice		password;
};

size_t auth_login_encode(const struct auth_login *, void *buf);
int auth_login_decode(struct slice body, struct auth_login *);

/*
 * LOGIN_APOP: digest is MD5 of the greeting's timestamp and the secret (RFC
 * 1939 section 7).
 */
struct auth_apop {
	struct slice		session;
	struct auth_client	client;
	enum auth_accounts	accounts;
	struct slice		name;
	struct slice		timestamp;
	uint8_t			digest[AUTH_DIGEST_LEN];
};

size_t auth_apop_encode(const struct auth_apop *, void *buf);
int auth_apop_decode(struct slice body, struct auth_apop *);

/* LOGIN_TICKET: hand the ticket to supervisor within 30 seconds.  name is
 * the canonical one, for the log. */
size_t auth_ticket_encode(const struct ticket *, struct slice name, void *buf);
int auth_ticket_decode(struct slice body, struct ticket *, struct slice *name);

/* LOGIN_ACCOUNT: who it is, and the canonical name. */
size_t auth_account_encode(const struct account *, struct slice name,
    void *buf);
int auth_account_decode(struct slice body, struct account *,
    struct slice *name);

/* LOGIN_REFUSED: what the client may be told. */
enum auth_refusal {
	AUTH_DENIED = 1,	/* name or password wrong; which one, nobody
				 * is told (RFC 5530: AUTHENTICATIONFAILED) */
	AUTH_UNAVAILABLE,	/* cannot be checked now (UNAVAILABLE) */
	AUTH_MALFORMED		/* a message that is none of SCRAM's */
};

size_t auth_refusal_encode(enum auth_refusal, void *buf);
int auth_refusal_decode(struct slice body, enum auth_refusal *);

/*
 * SASL_START: SCRAM's first message, as the client sent it, and what there is
 * of TLS below to bind to (each empty where there is none).
 */
struct auth_sasl_start {
	struct slice		session;
	struct auth_client	client;
	enum auth_accounts	accounts;
	bool			plus;		/* SCRAM-SHA-256-PLUS chosen */
	bool			plus_offered;
	struct slice		exporter;	/* RFC 9266 */
	struct slice		unique;		/* RFC 5929 section 3 */
	struct slice		end_point;	/* RFC 5929 section 4 */
	struct slice		message;
};

size_t auth_sasl_start_encode(const struct auth_sasl_start *, void *buf);
int auth_sasl_start_decode(struct slice body, struct auth_sasl_start *);

/*
 * SASL_CHALLENGE, SASL_RESPONSE: a further message of a conversation, whose
 * number authd gave it; a response is answered once, and only on the channel
 * on which the conversation began.
 */
size_t auth_sasl_message_encode(uint64_t conversation, struct slice message,
    void *buf);
int auth_sasl_message_decode(struct slice body, uint64_t *conversation,
    struct slice *message);

/* SASL_ABORT */
size_t auth_sasl_abort_encode(uint64_t conversation, void *buf);
int auth_sasl_abort_decode(struct slice body, uint64_t *conversation);

/* LOGIN_OFFER: a set.  Each account of ..., who can log in at all, has a
 * verifier for SCRAM. */
enum auth_offer {
	AUTH_OFFER_ALL = 1u << 0,	/* AUTH_ALL_ACCOUNTS */
	AUTH_OFFER_VIRTUAL = 1u << 1,	/* AUTH_VIRTUAL_ACCOUNTS */
	AUTH_OFFER_APOP = 1u << 2,	/* some account has a secret for it */
	AUTH_OFFERS_KNOWN = (1u << 3) - 1
};

size_t auth_offer_encode(unsigned set, void *buf);
int auth_offer_decode(struct slice body, unsigned *set);

/* VERIFY: does the password fit the stored hash?  VERIFIED: yes or no. */
size_t auth_verify_encode(struct slice hash, struct slice password, void *buf);
int auth_verify_decode(struct slice body, struct slice *hash,
    struct slice *password);
size_t auth_verified_encode(bool good, void *buf);
int auth_verified_decode(struct slice body, bool *good);

/*
 * PAM_ATTEMPT: a name in username.h's grammar, without a domain, and in
 * small letters; the client's address.  PAM_VERDICT: what came of it.
 */
enum pam_verdict {
	PAM_VERDICT_GOOD = 1,	/* authenticated, and the account may be used */
	PAM_VERDICT_DENIED,
	PAM_VERDICT_UNAVAILABLE	/* PAM itself failed */
};

struct auth_pam_attempt {
	struct slice		name;
	struct slice		password;
	struct auth_client	client;
};

size_t auth_pam_attempt_encode(const struct auth_pam_attempt *, void *buf);
int auth_pam_attempt_decode(struct slice body, struct auth_pam_attempt *);
size_t auth_pam_verdict_encode(enum pam_verdict, void *buf);
int auth_pam_verdict_decode(struct slice body, enum pam_verdict *);

#endif
