#include "tests/breach/attacker/forgeries.h"

#include <sys/socket.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/codec.h"
#include "common/ipc/wire.h"

enum { RAW_FORGERIES = 6, TYPES = 224, SHAPES = 4 };

unsigned
forgery_count(void)
{
	return RAW_FORGERIES + TYPES * SHAPES;
}

static void
send_octets(int fd, const void *at, size_t len)
{
	if (send(fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL) == -1)
		return;	/* the peer has closed: that is the point */
}

static void
raw(int fd, unsigned n)
{
	static char big[200000];
	uint8_t head[IPC_HEAD_LEN];

	ipc_wire_head(head, IPC_STAGE_STOP, 1, 0);
	switch (n) {
	case 0:		/* no message at all */
		send_octets(fd, "x", 1);
		break;
	case 1:		/* as much as a socket takes */
		send_octets(fd, big, sizeof(big));
		break;
	case 2:		/* a version from the future */
		head[0] = 77;
		send_octets(fd, head, sizeof(head));
		break;
	case 3:		/* flags nobody knows */
		head[1] = 1;
		send_octets(fd, head, sizeof(head));
		break;
	case 4:		/* more than there is */
		head[4] = 200;
		send_octets(fd, head, sizeof(head));
		break;
	default: {	/* more descriptors than any message has */
		int fds[8];

		for (unsigned i = 0; i < 8; i++)
			fds[i] = 0;
		ipc_wire_send(fd, head, slice_of("", 0), fds, 8,
		    MSG_DONTWAIT);
	}
	}
}

/*
 * Type t in four shapes: empty, a few octets, random, as long as can be; with
 * as many descriptors as its rule asks for, none of them what it should be.
 */
static void
typed(int fd, unsigned type, unsigned shape)
{
	static char body[IPC_BODY_MAX + 1];
	static const size_t lens[SHAPES] = { 0, 8, 200, IPC_BODY_MAX };
	const struct ipc_rule *rule = ipc_rule(type);
	unsigned nfds = rule != NULL ? rule->fds_max : 0;
	uint8_t head[IPC_HEAD_LEN];
	int fds[IPC_FDS_MAX];
	size_t len = lens[shape];

	if (rule != NULL && shape != 3 && len > rule->max)
		len = rule->max;
	if (shape == 2)
		arc4random_buf(body, len);
	for (unsigned i = 0; i < nfds && i < IPC_FDS_MAX; i++)
		fds[i] = 0;	/* /dev/null: neither memfd nor socket */
	ipc_wire_head(head, (enum ipc_type)type, arc4random(), len);
	ipc_wire_send(fd, head, slice_of(body, len), fds, nfds, MSG_DONTWAIT);
}

void
forgery_send(int fd, unsigned n)
{
	if (n < RAW_FORGERIES) {
		raw(fd, n);
		return;
	}
	n -= RAW_FORGERIES;
	typed(fd, n / SHAPES, n % SHAPES);
}
