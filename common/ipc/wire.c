#include "common/ipc/wire.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/ipc/codec.h"

/* A sibling that sends more than it may: still received, to be closed. */
enum { FDS_SPACE = 16 };

union fds_control {
	char		room[CMSG_SPACE(FDS_SPACE * sizeof(int))];
	struct cmsghdr	align;
};

void
ipc_wire_head(uint8_t head[IPC_HEAD_LEN], enum ipc_type type, uint64_t id,
    size_t len)
{
	struct ipc_writer w;

	ipc_writer_init(&w, head, IPC_HEAD_LEN);
	ipc_put_u8(&w, IPC_VERSION);
	ipc_put_u8(&w, 0);
	ipc_put_u16(&w, (uint16_t)type);
	ipc_put_u32(&w, (uint32_t)len);
	ipc_put_u64(&w, id);
}

static int
refuse(const char **why, const char *text)
{
	*why = text;
	return -1;
}

int
ipc_wire_check(struct slice octets, enum ipc_role from, enum ipc_role to,
    struct ipc_message *m, const char **why)
{
	struct ipc_reader r;
	unsigned version, flags, type;
	size_t len;

	ipc_reader_init(&r, octets);
	version = ipc_get_u8(&r);
	flags = ipc_get_u8(&r);
	type = ipc_get_u16(&r);
	len = ipc_get_u32(&r);
	m->id = ipc_get_u64(&r);
	if (r.failed)
		return refuse(why, "shorter than a head");
	if (version != IPC_VERSION)
		return refuse(why, "unknown version");
	if (flags != 0)
		return refuse(why, "unknown flags");
	if (len != r.in.len)
		return refuse(why, "length disagrees");
	if ((m->rule = ipc_rule(type)) == NULL)
		return refuse(why, "unknown type");
	if ((m->rule->from & IPC_BIT(from)) == 0 ||
	    (m->rule->to & IPC_BIT(to)) == 0)
		return refuse(why, "not for these two to say");
	if (len > m->rule->max)
		return refuse(why, "body too long");
	if (m->nfds < m->rule->fds_min || m->nfds > m->rule->fds_max)
		return refuse(why, "wrong number of descriptors");
	m->body = r.in;
	return 0;
}

int
ipc_wire_send(int fd, const uint8_t head[IPC_HEAD_LEN], struct slice body,
    const int *fds, unsigned nfds, int flags)
{
	union fds_control control;
	struct iovec iov[2] = {
		{ (void *)(uintptr_t)head, IPC_HEAD_LEN },
		{ (void *)(uintptr_t)body.at, body.len },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = body.len ? 2 : 1 };
	ssize_t n;

	if (nfds > 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.room;
		msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	do
		n = sendmsg(fd, &msg, flags | MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return n == -1 ? -1 : 0;
}

/* Does it carry descriptors?  A look without room for them makes none. */
static bool
carries_descriptors(int fd)
{
	uint8_t head[IPC_HEAD_LEN];
	struct iovec iov = { head, sizeof(head) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return recvmsg(fd, &msg, MSG_PEEK | MSG_DONTWAIT) != -1 &&
	    (msg.msg_flags & MSG_CTRUNC) != 0;
}

/* By an epoll of its own: the filters of many processes have no poll(2), and to
 * read says nothing before all that was said has been read. */
bool
ipc_wire_has_ended(int fd)
{
	struct epoll_event ev = { .events = 0 }; /* EPOLLHUP, always */
	int look = epoll_create1(EPOLL_CLOEXEC);
	bool ended;

	if (look == -1)
		return false;
	ended = epoll_ctl(look, EPOLL_CTL_ADD, fd, &ev) == 0 &&
		epoll_wait(look, &ev, 1, 0) == 1 && (ev.events & EPOLLHUP) != 0;
	close(look);
	return ended;
}

bool
ipc_wire_has_room(int fd)
{
	int spare[IPC_FDS_MAX];
	unsigned n = 0;

	if (!carries_descriptors(fd))
		return true;
	while (n < IPC_FDS_MAX &&
	    (spare[n] = fcntl(fd, F_DUPFD_CLOEXEC, 0)) != -1)
		n++;
	for (unsigned i = 0; i < n; i++)
		close(spare[i]);
	return n == IPC_FDS_MAX;
}

/* Collect what came along; what is over IPC_FDS_MAX is closed and counted. */
static unsigned
take_descriptors(struct msghdr *msg, struct ipc_message *m)
{
	unsigned total = 0;

	m->nfds = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	    c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			total++;
			if (m->nfds < IPC_FDS_MAX)
				m->fds[m->nfds++] = fd;
			else
				close(fd);
		}
	}
	return total;
}

ssize_t
ipc_wire_receive(int fd, void *buf, size_t size, struct ipc_message *m,
    int flags)
{
	union fds_control control;
	struct iovec iov = { buf, size };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	unsigned total;
	ssize_t n;

	do
		n = recvmsg(fd, &msg, flags | MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return -1;
	total = take_descriptors(&msg, m);
	if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
	    total > IPC_FDS_MAX) {
		while (m->nfds > 0)
			close(m->fds[--m->nfds]);
		/* There was room for more: it was the table of our own
		 * descriptors that was full. */
		errno = (msg.msg_flags & MSG_CTRUNC) != 0 &&
		    total <= IPC_FDS_MAX ? ENFILE : EMSGSIZE;
		return -1;
	}
	return n;
}
