/*
 * A channel to a sibling that we ask things, and the requests that wait there
 * for an answer.  The channel may go and come back at any time; a request
 * that can no longer be answered, or was not in time, fails.  What a failure
 * means is the asker's to say (for mail: 451, and the client tries again).
 */
#ifndef COMMON_IPC_SIBLING_H
#define COMMON_IPC_SIBLING_H

#include <stdbool.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "common/ipc/ipc.h"
#include "common/ipc/pending.h"

/* One request, inside whatever asks it. */
struct ask {
	TAILQ_ENTRY(ask) order;
	uint64_t	 id;		/* 0: nothing is being asked */
	enum ipc_type	 type;		/* what was asked last */
	uint64_t	 since_ms;
	void		(*failed)(struct ask *);
};

TAILQ_HEAD(asks, ask);

struct sibling {
	struct ipc_channel *ch;		/* NULL: not there */
	struct ipc_pending *pending;
	struct asks	 asked;		/* oldest first */
};

/* At most max requests at once.  -1 with errno. */
int sibling_init(struct sibling *, unsigned max);

/* From now on this channel; the requests on the former one fail. */
void sibling_connect(struct sibling *, struct ipc_channel *);
/* The channel has gone: every request on it fails. */
void sibling_gone(struct sibling *);

/*
 * Send a request; descriptors are the channel's from here on.  -1: there is no
 * channel, or too many requests wait; failed() is then not called.
 */
int sibling_ask(struct sibling *, struct ask *, uint64_t now_ms,
    enum ipc_type, struct slice body, const int *fds, unsigned nfds);

/* The request that an answer belongs to, once; NULL: nobody waits for it. */
struct ask *sibling_answered(struct sibling *, struct ipc_channel *,
    uint64_t id);

/* Nobody wants the answer any more.  Fine for an ask that does not wait. */
void sibling_forget(struct sibling *, struct ask *);

/* Fail what was asked before this time. */
void sibling_expire(struct sibling *, uint64_t before_ms);

#endif
