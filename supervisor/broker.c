/*
 * Channels between stages: a fresh pair for each edge of the map.  The end of
 * a peer that died goes with it, and the other side is given a new one.
 */
#include "supervisor/supervisor.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/stage/fields.h"

int
broker_give(struct process *p, enum ipc_role peer, unsigned instance, int fd)
{
	char body[STAGE_BODY_MAX];

	return ipc_send(p->channel, IPC_STAGE_CHANNEL, 0, slice_of(body,
	    stage_channel_encode(peer, instance, body)), &fd, 1);
}

static void
join(struct process *a, struct process *b)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1) {
		log_error("cannot-make-channel", LOG_ERRNO(errno));
		return;
	}
	broker_give(a, b->map->role, b->instance, pair[0]);
	broker_give(b, a->map->role, a->instance, pair[1]);
}

void
broker_connect(struct process *p)
{
	struct process *q;

	TAILQ_FOREACH(q, &p->sv->processes, entry)
		if (q != p && q->channel != NULL &&
		    q->map->start == START_ALWAYS &&
		    map_has_edge(p->map->role, q->map->role))
			join(p, q);
}
