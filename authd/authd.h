/*
 * authd: is this who they say?  It holds the password tables, answers gates
 * with a one-time ticket or a refusal, and lets supervisor redeem the
 * tickets.  It computes no hash and calls no PAM itself: verifiers and
 * helpers do, so that its loop never waits.
 *
 *	logins.c	a login from LOGIN to its answer
 *	conversations.c	SCRAM, whose answers are computed here
 *	apop.c		APOP, whose digest is
 *	offers.c	tells the gates whether SCRAM makes sense
 *	verifiers.c	hands hashes to the authd-verifier processes
 *	helpers.c	one authd-pam process for each attempt of a system user
 *	delays.c	how long who fails has to wait
 */
#ifndef AUTHD_AUTHD_H
#define AUTHD_AUTHD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "authd/delays.h"
#include "authd/settings.h"
#include "common/accounts/account.h"
#include "common/ipc/auth.h"
#include "common/ipc/ipc.h"
#include "common/ipc/pending.h"
#include "common/settings/settings.h"
#include "common/stage/stage.h"
#include "common/tables/tables.h"
#include "common/tickets/tickets.h"

struct apop;
struct authd;
struct conversation;
struct gate;
struct helper;
struct event;

enum login_state {
	LOGIN_WAITING,		/* may not begin yet (delays.h) */
	LOGIN_QUEUED,		/* for a verifier or a helper */
	LOGIN_CHECKING,		/* there */
	LOGIN_TALKING,		/* SCRAM: it is the client's turn */
	LOGIN_REFUSING		/* failed; the answer is held back */
};

/* What came of a check. */
enum check {
	CHECK_GOOD,
	CHECK_BAD,
	CHECK_UNAVAILABLE
};

struct login {
	TAILQ_ENTRY(login)	 all;
	TAILQ_ENTRY(login)	 queued;
	struct authd		*authd;
	struct gate		*gate;		/* NULL: it has gone */
	uint64_t		 id;		/* the gate's */
	enum login_state	 state;
	struct event		*timer;
	char			 session[AUTH_SESSION_MAX + 1];
	struct auth_client	 client;
	char			 name[USERNAME_SIZE];	/* canonical or empty */
	char			 password[PASSWORD_MAX + 1];
	size_t			 password_len;
	bool			 known;		/* account is set, and the
						 * password could be right */
	struct account		 account;
	bool			 pam;		/* by a helper, not a verifier */
	struct ipc_channel	*verifier;	/* that has it, and by */
	uint64_t		 verify_id;	/* which id */
	struct helper		*helper;
	struct conversation	*conversation;	/* SCRAM, or NULL */
	struct apop		*apop;		/* APOP, or NULL */
};
TAILQ_HEAD(logins, login);

/* A channel to a gate. */
struct gate {
	TAILQ_ENTRY(gate)	 entry;
	struct authd		*authd;
	struct ipc_channel	*channel;
	unsigned		 logins;
	int			 offered;	/* as it was told; -1: never */
};
TAILQ_HEAD(gates, gate);

/* A channel to a verifier. */
struct verifier {
	TAILQ_ENTRY(verifier)	 entry;
	struct authd		*authd;
	struct ipc_channel	*channel;
	unsigned		 instance;
	unsigned		 in_flight;
	bool			 replaced;	/* its end comes by itself */
};
TAILQ_HEAD(verifiers, verifier);

struct authd {
	struct stage		 stage;
	struct settings		*shared, *own;		/* in use */
	struct settings		*next_shared, *next_own; /* of this batch */
	struct tables		 tables;
	struct book		 book;		/* users only, no aliases */
	struct delays		*delays;
	struct tickets		*tickets;
	struct gates		 gates;
	struct logins		 logins;
	struct verifiers	 verifiers;
	struct ipc_pending	*verifying;	/* struct login */
	struct logins		 verify_queue;
	struct ipc_pending	*starting;	/* struct helper */
	struct logins		 pam_queue;
	unsigned		 helpers;	/* asked for or running */
	struct ipc_pending	*talking;	/* conversations: struct login */
	/* What salts of names that nobody has are made from while there is
	 * no file for it (common/sasl/secret.h): until the next start. */
	uint8_t			 secret[SASL_SECRET_LEN];
};

/* Seconds that a check may take, all told; then it is unavailable. */
enum { CHECK_SECONDS = 30 };
/* Seconds that a client has for its next message of SCRAM. */
enum { CONVERSATION_SECONDS = 120 };

/* 0, or -1 when memory is short. */
int authd_init(struct authd *);
void authd_clear(struct authd *);
const struct authd_settings *authd_settings(const struct authd *);

/* logins.c */
int logins_open_gate(struct authd *, int fd, enum ipc_role peer);
/* A verifier or a helper has done with it; may free it. */
void login_checked(struct login *, enum check);
int logins_redeem(void *ctx, struct ipc_channel *, struct ipc_message *);
/*
 * A login that has no password yet, or NULL: too many, or no tables; that
 * has then been answered and logged.
 */
struct login *login_open(struct gate *, uint64_t id, struct slice session,
    const struct auth_client *, struct slice name, enum auth_accounts);
/* Its time may begin, at once or after a delay. */
void login_begin(struct login *);
void login_log(const struct login *, const char *event, const char *reason);
void login_answer(const struct login *, enum ipc_type, const void *body,
    size_t len);
/* Answer, and free. */
void login_grant(struct login *);
void login_drop(struct login *, enum auth_refusal);
/* Nobody waits for it any more. */
void login_forget(struct login *);
void login_arm(struct login *, uint64_t ms);

/* conversations.c */
int conversation_on_start(void *gate, struct ipc_channel *,
    struct ipc_message *);
int conversation_on_response(void *gate, struct ipc_channel *,
    struct ipc_message *);
int conversation_on_abort(void *gate, struct ipc_channel *,
    struct ipc_message *);
/* The delays let it go on: judge the proof; login_checked follows. */
void conversation_check(struct login *);
/* The proof was good: the server proves itself. */
void conversation_settle(struct login *);
/* Its client has said nothing for too long, or has gone. */
void conversation_forget(struct login *);
void conversation_free(struct conversation *);

/* apop.c */
int apop_on_login(void *gate, struct ipc_channel *, struct ipc_message *);
/* The delays let it go on: judge the digest; login_checked follows. */
void apop_check(struct login *);
void apop_free(struct apop *);

/* offers.c: tell this gate, or all, if it has changed. */
void offer_tell(struct gate *);
void offers_tell(struct authd *);

/* verifiers.c: login_checked follows, never at once. */
int verifiers_open(struct authd *, unsigned instance, int fd);
void verifiers_check(struct login *);
/* Its time is over: forget it. */
void verifiers_forget(struct login *);

/* helpers.c: the same. */
void helpers_check(struct login *);
void helpers_forget(struct login *);
/* Answers of supervisor. */
int helpers_started(void *ctx, struct ipc_channel *, struct ipc_message *);
int helpers_refused(void *ctx, struct ipc_channel *, struct ipc_message *);

#endif
