/*
 * A session process: one client, logged in, and its mailbox's owner.  What
 * the sessions of POP3 and IMAP share: their start, the connection from the
 * gate, settings, and the end.
 */
#ifndef COMMON_SESSION_SESSION_H
#define COMMON_SESSION_SESSION_H

#include "common/ipc/roles.h"
#include "common/ipc/start.h"
#include "common/net/stream.h"
#include "common/session/handoff.h"
#include "common/settings/settings.h"
#include "common/stage/stage.h"

struct session;

struct session_program {
	enum ipc_role	 role;
	const struct settings_schema *schema;
	/* For the connection; its owner is the ctx of session_run. */
	const struct stream_kind *kind;
	/* The connection is there, and s has all its members: greet.  The
	 * login command itself is still unanswered. */
	void	(*begin)(void *ctx, struct session *s);
	/* Told to stop: say so to the client, then session_finish(). */
	void	(*stop)(void *ctx);
};

struct session {
	struct stage		 stage;
	struct stream_loop	*loop;
	struct stream		*stream;	/* NULL before begin() */
	uint64_t		 id;		/* the gate's, for the log */
	struct net_address	 client;
	char			 tag[HANDOFF_TAG_MAX + 1];
	char			 user[HANDOFF_USER_MAX + 1];	/* see handoff.h */
	uint8_t			 flags;		/* HANDOFF_... */
	const void		*values;	/* the schema's struct */
	struct start_quota quota;               /* of the account */
	int			 home_fd;	/* of the owner: our root; or -1 */
	/* private */
	const struct session_program *program;
	struct stage_hooks	 hooks;
	struct settings		*settings;
	struct event		*patience;
	void			*ctx;
};

/* Log, from the descriptors of exec; the sandbox comes after this. */
void session_open(int argc, char *argv[], enum ipc_role);
/* Until the client has gone or we are told to stop; the exit status. */
int session_run(struct session *, const struct session_program *, void *ctx);
/* The process ends when what is written has been sent. */
void session_finish(struct session *);
/* From the stream's ended(): the process ends now. */
void session_end(struct session *);

#endif
