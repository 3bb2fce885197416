/* Making one TCP connection, without waiting for it. */
#ifndef REMOTE_RELAY_DIAL_H
#define REMOTE_RELAY_DIAL_H

#include "common/net/address.h"

struct dial;
struct event_base;

/* fd: connected, non-blocking, the callee's; or -1 and error. */
typedef void dial_done(void *ctx, int fd, int error);

/*
 * To address and its port; from source unless that is NULL.  done is called
 * once, never before this returns, after which the dial is gone.  NULL with
 * errno when nothing could be begun.
 */
struct dial *dial_start(struct event_base *, const struct net_address *to,
    const struct net_address *source, unsigned timeout_ms, dial_done *,
    void *ctx);
/* Give it up; done is not called.  NULL is fine. */
void dial_cancel(struct dial *);

#endif
