/* The client's side of the control socket. */
#ifndef BULKHEAD_CONTROL_H
#define BULKHEAD_CONTROL_H

#include "bulkhead/bulkhead.h"
#include "common/ipc/operator.h"

/* How long an answer may take; stopping waits for sessions to finish. */
enum { CONTROL_PATIENCE_S = 600 };

/*
 * Connect.  Returns the socket; -1 when the instance is not running (nothing
 * is printed), -2 for another reason, which has been printed.
 */
int control_connect(const struct bulkhead *);

/* The same, and 0 with *fd, or an exit status with the reason printed. */
int control_open(const struct bulkhead *, int *fd);

/* What came with the answer. */
struct control_answer {
	enum operator_result	 result;
	int			 fd;	/* the caller's, or -1 */
};

/*
 * Ask, and wait for the answer.  each, if not NULL, sees every process row
 * before it.  Returns 0, or an exit status with the reason printed.
 */
int control_ask(int fd, enum operator_command, unsigned role,
    void (*each)(void *ctx, const struct operator_process *), void *ctx,
    struct control_answer *);

/*
 * Connect, ask, and turn every answer but OPERATOR_DONE into a sentence and
 * an exit status.  what: how the subject is called in it.
 */
int control_command(const struct bulkhead *, enum operator_command,
    unsigned role, const char *what);

/* The role of a stage that an operator may name.  -1 with a sentence. */
int control_stage(const char *name);

#endif
