/*
 * The TRANSACTION state of one session, and its UPDATE at QUIT.
 *
 * 1. Nothing is removed before QUIT, and nothing at all without it.
 * 2. Numbers and sizes are those of the moment of login (RFC 1939 section 5)
 *    whatever happens in the directory meanwhile.
 * 3. While a response is being produced no command is read.
 * 4. Of messages that are retrieved in turn the next one is opened while the
 *    client reads the last; that is never seen by him.
 */
#ifndef POP3D_SESSION_TRANSACTION_H
#define POP3D_SESSION_TRANSACTION_H

#include "common/session/session.h"
#include "pop3d/session/maildrop.h"
#include "pop3d/session/retrieve.h"

struct transaction {
	struct session	 session;
	struct maildrop	 maildrop;
	unsigned	 bad_commands;
	bool		 finishing;
	bool		 released;	/* the maildrop is */
	struct event	*wait;		/* for a maildrop that is locked */
	unsigned	 waits;
	/*
	 * A response too long to write at once: called until it answers
	 * false, whenever the client has read enough of what there was.
	 */
	bool		 (*produce)(struct transaction *);
	unsigned long	 cursor;	/* of LIST and UIDL: next number */
	struct retrieve	 retrieve;	/* of RETR and TOP */
	unsigned long retrieved;        /* by the last RETR; 0: none yet */
	bool in_turn;        /* that was the one after the one before */
	unsigned long ahead; /* what retrieve has ready; 0: nothing */
	struct event *idle;  /* the response is out: look ahead */
};

extern const struct session_program pop3_session_program;

/* ---- for commands.c ---- */
void transaction_say(struct transaction *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Begin a long response: invariant 3. */
void transaction_produce(struct transaction *,
    bool (*produce)(struct transaction *));
/* A message is written whole. */
void transaction_sent(struct transaction *);
/* The client said goodbye, or must go; how is for the log. */
void transaction_finish(struct transaction *, const char *how);

/* ---- commands.c ---- */
/* One line of input without its line end. */
void command_run(struct transaction *, struct slice line);
/* Open the message after the last one retrieved. */
void command_ahead(struct transaction *);

#endif
