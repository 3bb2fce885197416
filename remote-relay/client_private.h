/* The inside of a client, for the files client*.c. */
#ifndef REMOTE_RELAY_CLIENT_PRIVATE_H
#define REMOTE_RELAY_CLIENT_PRIVATE_H

#include "common/sasl/client.h"
#include "remote-relay/client.h"
#include "remote-relay/content.h"
#include "remote-relay/conversion.h"
#include "remote-relay/plan.h"

/* What a reply answers. */
enum expect {
	EXPECT_GREETING,
	EXPECT_EHLO,		/* or LHLO */
	EXPECT_HELO,
	EXPECT_STARTTLS,
	EXPECT_AUTH,
	EXPECT_RSET,
	EXPECT_MAIL,
	EXPECT_RCPT,
	EXPECT_DATA,
	EXPECT_FINAL,		/* the end of the data, or the last BDAT */
	EXPECT_COUNT
};

/* Replies that are to come, in their order; several of a kind in a row. */
enum { EXPECTED_MAX = 8 };

struct expected {
	enum expect	kind;
	unsigned	count;
};

enum client_phase {
	CLIENT_OPENING,		/* greeting to the last of the preliminaries */
	CLIENT_READY,
	CLIENT_BUSY,		/* with a job */
	CLIENT_OVER		/* the owner was told of the end */
};

/* Where a mail transaction is; it moves on when no reply is to come. */
enum step {
	STEP_CONVERT,
	STEP_RSET,
	STEP_MAIL,
	STEP_RCPT,
	STEP_DATA,
	STEP_CONTENT,
	STEP_FINAL
};

struct transaction {
	struct job	*job;
	struct plan	 plan;
	struct content content;
	bool		 in_line;	/* stuffing: see smtp/stuff.h */
	bool		 after_cr;
	enum step	 step;
	unsigned	 next_rcpt;	/* to send */
	unsigned	 next_answer;	/* recipient of the next RCPT reply */
	unsigned	 next_final;	/* LMTP: of the next final reply */
	unsigned	 sent, accepted;
	bool		 mail_refused;
	/* The end of the data is written: from here on the outcome is the
	 * peer's to know. */
	bool		 ended;
};

struct client {
	struct client_shared *shared;
	struct stream	*s;
	struct client_manner manner;
	const struct client_events *on;
	void		*owner;
	enum client_phase phase;
	struct smtp_reply_read reply;	/* the one that is coming in */
	struct smtp_capabilities caps, fresh;
	struct expected	 expected[EXPECTED_MAX];
	unsigned	 n_expected;
	struct transaction t;
	struct conversion conversion; /* of its content, where the plan says
				       * so */
	struct turn turn;             /* more content is to be written */
	unsigned	 messages;
	uint64_t	 since_ms, ready_ms;
	bool		 dirty;		/* RSET before the next MAIL */
	bool		 pipelining;	/* offered, and wanted */
	struct tls	*tls;		/* the stream's; NULL: in clear */
	struct sasl_client *sasl;	/* while logging in */
	bool		 securing;	/* the handshake is under way */
	bool		 insecure;	/* it has failed */
	bool		 logged_in;
	unsigned	 working;	/* calls of ours on the stack */
	bool		 gone;		/* freed meanwhile */
};

/* ---- client.c ---- */

void client_expect(struct client *, enum expect, unsigned count);
void client_write(struct client *, struct slice);
/* Around everything in which the owner may free the client. */
void client_enter(struct client *);
void client_leave(struct client *);
/* The connection is of no more use. */
void client_fail(struct client *, const struct outcome *);
/* A text for what is being waited for: "the reply to MAIL". */
const char *client_waits_for(const struct client *);
void client_become_ready(struct client *);
/* EHLO or LHLO. */
void client_say_hello(struct client *);

/* ---- client_security.c ---- */

bool security_wants_tls(const struct client *);
/* STARTTLS, or what happens without. */
void security_start_tls(struct client *);
void security_starttls_reply(struct client *);
void security_handshake(struct client *);
void security_secured(struct client *);
void security_failed(struct client *);
/* AUTH, or ready at once. */
void security_log_in(struct client *);
void security_auth_reply(struct client *);

/* ---- client_transaction.c ---- */

/* A reply to one of its commands; the reply is in c->reply. */
void transaction_reply(struct client *, enum expect);
/* A reply that came while the content is being sent. */
void transaction_early_reply(struct client *);
/* No reply is to come: go on. */
void transaction_advance(struct client *);
/* The stream takes more content. */
void transaction_drained(struct client *);
/* The client is about to go: nothing of it is queued for a turn any more. */
void transaction_stop(struct client *);
/* The connection is lost: settle the recipients and give the job back. */
void transaction_lost(struct client *, const struct outcome *);

#endif
