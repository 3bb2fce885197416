/*
 * One message to and from a SOCK_SEQPACKET socket: the head, the descriptors
 * and the rules of the table.  Used by channels and by blocking helpers.
 */
#ifndef COMMON_IPC_WIRE_H
#define COMMON_IPC_WIRE_H

#include <sys/types.h>

#include "common/ipc/ipc.h"

/* Write the head of a message with a body of len octets. */
void ipc_wire_head(uint8_t head[IPC_HEAD_LEN], enum ipc_type, uint64_t id,
    size_t len);

/*
 * The message in octets: head and body, with m->fds and m->nfds already set
 * by the caller.  On success rule, id and body are set.  On failure *why is
 * what was wrong and -1 is returned: unknown version or type, a sender or
 * receiver that the rule does not name, a length that disagrees, too long,
 * too many or too few descriptors.
 */
int ipc_wire_check(struct slice octets, enum ipc_role from, enum ipc_role to,
    struct ipc_message *m, const char **why);

/* sendmsg with descriptors; 0 or -1 with errno.  Never a short send. */
int ipc_wire_send(int fd, const uint8_t head[IPC_HEAD_LEN], struct slice body,
    const int *fds, unsigned nfds, int flags);

/*
 * May the next message be received?  False when descriptors come with it and
 * this process has no IPC_FDS_MAX free ones: the message stays where it is,
 * for ipc_wire_receive would lose it.  True also when there is none, or when
 * the socket has failed: the receiver finds out.
 */
bool ipc_wire_has_room(int fd);
/* Has the other end been closed?  What it said before may still be to be read.
 * false also where there is no free descriptor. */
bool ipc_wire_has_ended(int fd);

/*
 * recvmsg into buf.  Returns the octets received (0 at the end) or -1 with
 * errno; EMSGSIZE when the message or its descriptors did not fit, which
 * only a peer that breaks the rules can cause; ENFILE when this process had
 * no free descriptor for one that came: the message is lost.  Descriptors
 * land in m.
 */
ssize_t ipc_wire_receive(int fd, void *buf, size_t size,
    struct ipc_message *m, int flags);

#endif
