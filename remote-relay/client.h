/*
 * One connection to another host, from its greeting to QUIT: SMTP (RFC 5321)
 * or LMTP (RFC 2033) as a client speaks it, message after message.
 *
 * The peer may be anybody.  What always holds:
 *
 * C1  A reply is counted only for the command that it answers; one that
 *     nobody waits for, or that cannot answer what was asked, ends the
 *     connection.
 * C2  A recipient is "delivered" only by a 2yz reply to the end of its data.
 * C3  When the connection is lost after the end of the data was written and
 *     before its reply, the outcome is unknown, never delivered or failed.
 * C4  A job that was begun is always given back, once.
 * C5  Every wait has a deadline that the peer's octets do not move.
 */
#ifndef REMOTE_RELAY_CLIENT_H
#define REMOTE_RELAY_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/net/stream.h"
#include "common/smtp/capabilities.h"
#include "common/tls/tls.h"
#include "remote-relay/conversion.h"
#include "remote-relay/job.h"
#include "remote-relay/outcome.h"
#include "remote-relay/settings.h"

struct client;

enum client_end {
	/* It never came to a message: try another host. */
	CLIENT_REFUSED,
	/* The same, because TLS failed: without it, it may go. */
	CLIENT_INSECURE,
	/* Lost with a job, which was given back before. */
	CLIENT_LOST,
	/* Ended between two messages: nothing is wrong. */
	CLIENT_CLOSED
};

/*
 * What the owner hears, always from the event loop or from inside
 * client_send().  He may free the client in ready() and in ended().
 */
struct client_events {
	/* It can take a message now. */
	void	(*ready)(void *owner);
	/* What became of recipient i, which is JOB_DONE now.  The job stays
	 * the client's until it is returned. */
	void	(*answered)(void *owner, struct job *, unsigned i,
		    const struct outcome *);
	/*
	 * The job is the owner's again.  Recipients that are JOB_OPEN were not
	 * delivered and may be tried elsewhere; ended(CLIENT_LOST) follows
	 * then.  Otherwise ready() or ended() does.
	 */
	void	(*returned)(void *owner, struct job *);
	/* It is of no more use; only client_free() is left. */
	void	(*ended)(void *owner, enum client_end, const struct outcome *);
};

/* What all clients of the process share; see client_shared_init(). */
struct client_shared {
	struct stream_loop *loop;
	struct stream_kind  kind;
	const struct remote_relay_settings *set;
	struct tls_client *tls;		/* borrowed; may be NULL without TLS */
	char		*block;		/* CONTENT_BLOCK: as read */
	char		*stuffed;	/* twice that: as sent */
	struct turns turns;
	struct conversions conversions;
};

enum tls_policy {
	TLS_POLICY_NONE,
	TLS_POLICY_MAY,		/* STARTTLS where it is offered */
	TLS_POLICY_MUST		/* or nothing is sent */
};

/* How to speak to this host; what it points to lives as long as the client. */
struct client_manner {
	const char	*helo;		/* our name */
	const char	*host;		/* its name, for the log */
	enum tls_policy	 tls;
	bool		 wrapped;	/* from the first octet */
	const struct tls_expect *expect; /* where tls is not NONE */
	const char	*user;		/* to log in as; "": nobody */
	const char	*password;
	bool		 lmtp;
	bool		 pipelining;	/* use it where it is offered */
	bool		 chunking;
};

/* -1 with errno.  The settings may be replaced later with _use. */
int client_shared_init(
    struct client_shared *, struct event_base *, struct stream_loop *);
void client_shared_use(struct client_shared *,
    const struct remote_relay_settings *);
void client_shared_clear(struct client_shared *);

/*
 * On a connected, non-blocking socket, which becomes the client's whatever
 * happens.  NULL with errno.
 */
struct client *client_new(struct client_shared *, int fd,
    const struct client_manner *, const struct client_events *, void *owner);
/* Drops the connection as it is; a job under way is not given back. */
void client_free(struct client *);

/*
 * After ready(): send this message to its open recipients.  False when that
 * was settled at once (answered() and returned() were called, as the peer
 * cannot take it): the client is ready as before.
 */
bool client_send(struct client *, struct job *);

/* Say QUIT and go; the client is freed when the peer has answered or time is
 * up, and the owner hears no more of it. */
void client_quit(struct client *);

/* Messages begun on this connection. */
unsigned client_messages(const struct client *);
/* The most that the peer takes on one connection; 0: it did not say. */
unsigned client_messages_max(const struct client *);
/* The job under way, or NULL. */
struct job *client_job(const struct client *);
/* Milliseconds since it was made, and since it became ready. */
uint64_t client_age_ms(const struct client *);
uint64_t client_idle_ms(const struct client *);

#endif
