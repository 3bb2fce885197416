/*
 * One RELAY of queue-manager's: a message and its recipients at one
 * destination.
 */
#ifndef REMOTE_RELAY_JOB_H
#define REMOTE_RELAY_JOB_H

#include <bsd/sys/queue.h>

#include "common/ipc/relay.h"

enum job_state {
	JOB_OPEN,		/* not tried on this connection */
	JOB_SENT,		/* its RCPT is */
	JOB_ACCEPTED,		/* and was answered with 250 */
	JOB_DONE		/* queue-manager has its RELAYED */
};

struct job_recipient {
	struct relay_recipient r;	/* points into the job's body */
	enum job_state	 state;
};

struct job {
	TAILQ_ENTRY(job) entry;		/* while it waits for a connection */
	uint64_t	 id;		/* queue-manager's */
	unsigned	 from;		/* which of its channels */
	int		 fd;		/* content */
	unsigned	 tries;		/* connections that were lost with it */
	struct relay	 y;		/* points into body */
	unsigned	 n, open;	/* recipients; those not JOB_DONE */
	struct job_recipient *rcpt;	/* n of them */
	char		 body[];
};

TAILQ_HEAD(jobs, job);

/*
 * From the body of a RELAY; fd becomes the job's.  NULL with errno: EBADMSG
 * when it is malformed, ENOMEM; fd is then the caller's.
 */
struct job *job_new(struct slice body, int fd);
void job_free(struct job *);

/* Whoever is not JOB_DONE is JOB_OPEN again. */
void job_reopen(struct job *);

#endif
