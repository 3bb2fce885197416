#include "common/ipc/ipc.h"

#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "common/ipc/wire.h"

int
ipc_send_blocking(int fd, enum ipc_role self, enum ipc_role peer,
    enum ipc_type type, uint64_t id, struct slice body, const int *fds,
    unsigned nfds)
{
	const struct ipc_rule *rule = ipc_rule(type);
	uint8_t head[IPC_HEAD_LEN];

	assert(rule != NULL && (rule->from & IPC_BIT(self)) != 0 &&
	    (rule->to & IPC_BIT(peer)) != 0);
	assert(body.len <= rule->max && nfds >= rule->fds_min &&
	    nfds <= rule->fds_max);
	ipc_wire_head(head, type, id, body.len);
	return ipc_wire_send(fd, head, body, fds, nfds, 0);
}

int
ipc_receive_blocking(int fd, enum ipc_role self, enum ipc_role peer,
    void *buf, size_t size, struct ipc_message *m)
{
	const char *why;
	ssize_t n;

	memset(m, 0, sizeof(*m));
	if ((n = ipc_wire_receive(fd, buf, size, m, 0)) <= 0)
		return (int)n;
	if (ipc_wire_check(slice_of(buf, (size_t)n), peer, self, m, &why) ==
	    -1) {
		while (m->nfds > 0)
			close(m->fds[--m->nfds]);
		errno = EBADMSG;
		return -1;
	}
	return 1;
}
