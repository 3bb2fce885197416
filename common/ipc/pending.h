/*
 * Requests that wait for their answer: from the id in a message's head to
 * what the asker keeps.  An id is 64 bits and never used again in the life of
 * the process, and an answer counts only when it comes on the channel that
 * was asked (an answer to a forged or stale id finds nothing).
 */
#ifndef COMMON_IPC_PENDING_H
#define COMMON_IPC_PENDING_H

#include <stdbool.h>
#include <stdint.h>

struct ipc_channel;
struct ipc_pending;

/* At most max requests at once.  NULL with errno when memory is short. */
struct ipc_pending *ipc_pending_new(unsigned max);
/* Frees the table, not what the entries point to. */
void ipc_pending_free(struct ipc_pending *);

/*
 * Keep ctx (not NULL) until the answer from ch.  Returns the id to send with
 * the request, or 0 when max requests wait.
 */
uint64_t ipc_pending_add(struct ipc_pending *, const struct ipc_channel *ch,
    void *ctx);
/* The request's ctx, once; NULL when no such request waits at ch. */
void *ipc_pending_take(struct ipc_pending *, const struct ipc_channel *ch,
    uint64_t id);
/* The same, while more parts of the answer are to come: it goes on waiting. */
void *ipc_pending_peek(struct ipc_pending *, const struct ipc_channel *ch,
    uint64_t id);
/* Any request that waits at ch, for when ch has gone; NULL at the end. */
void *ipc_pending_take_any(struct ipc_pending *, const struct ipc_channel *ch);
unsigned ipc_pending_count(const struct ipc_pending *);
bool ipc_pending_full(const struct ipc_pending *);

#endif
