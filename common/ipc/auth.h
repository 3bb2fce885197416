/*
 * Logins: LOGIN and its answers between a gate and authd, VERIFY between
 * authd and its verifiers, PAM_ATTEMPT between authd and a PAM helper.
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

#include "common/accounts/passwords.h"
#include "common/accounts/username.h"
#include "common/ipc/start.h"
#include "common/slice/slice.h"

enum {
	AUTH_BODY_MAX = 4096,		/* LOGIN, VERIFY, PAM_ATTEMPT */
	AUTH_ANSWER_MAX = 512,		/* LOGIN_TICKET, LOGIN_REFUSED */
	AUTH_SESSION_MAX = 32,		/* octets of a session id */
	/* What a client may send; only 1 to PASSWORD_MAX can be right, and a
	 * longer one is refused in the same time as a wrong one. */
	AUTH_NAME_MAX = 512,
	AUTH_PASSWORD_MAX = 1024
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
	struct slice		name;
	struct slice		password;
};

size_t auth_login_encode(const struct auth_login *, void *buf);
int auth_login_decode(struct slice body, struct auth_login *);

/* LOGIN_TICKET: hand the ticket to supervisor within 30 seconds.  name is
 * the canonical one, for the log. */
size_t auth_ticket_encode(const struct ticket *, struct slice name, void *buf);
int auth_ticket_decode(struct slice body, struct ticket *, struct slice *name);

/* LOGIN_REFUSED: what the client may be told. */
enum auth_refusal {
	AUTH_DENIED = 1,	/* name or password wrong; which one, nobody
				 * is told (RFC 5530: AUTHENTICATIONFAILED) */
	AUTH_UNAVAILABLE	/* cannot be checked now (UNAVAILABLE) */
};

size_t auth_refusal_encode(enum auth_refusal, void *buf);
int auth_refusal_decode(struct slice body, enum auth_refusal *);

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
