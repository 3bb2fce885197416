/*
 * Channels between stages: a fresh pair for each edge of the map.  The end of
 * a peer that died goes with it, and the other side is given a new one.  Where
 * both live on without their channel, because one of them broke the rules of
 * it, they get a fresh one too, but only after a while: whoever breaks every
 * channel costs himself his service, and supervisor a pair a second.
 */
#include "supervisor/supervisor.h"

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/stage/fields.h"

enum { REJOIN_MS = 1000 };

/* The last channel between two processes that always run. */
struct joint {
	TAILQ_ENTRY(joint)	 entry;
	struct process		*a, *b;
	uint64_t		 serial;
	struct event		*again;		/* pending: lost */
};

static int
give(struct process *p, const struct stage_peer *peer, int fd)
{
	char body[STAGE_BODY_MAX];

	return ipc_send(p->channel, IPC_STAGE_CHANNEL, 0, slice_of(body,
	    stage_channel_encode(peer, body)), &fd, 1);
}

int
broker_give(struct process *p, enum ipc_role peer, unsigned instance, int fd)
{
	return give(p, &(struct stage_peer){ .role = peer,
	    .instance = instance }, fd);
}

static bool
live(const struct process *p)
{
	return p->channel != NULL && (p->state == PROCESS_STARTING ||
	    p->state == PROCESS_READY);
}

static void
join(struct joint *j)
{
	struct stage_peer a = { .role = j->a->map->role,
		.instance = j->a->instance };
	struct stage_peer b = { .role = j->b->map->role,
		.instance = j->b->instance };
	int pair[2];

	event_del(j->again);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1) {
		log_error("cannot-make-channel", LOG_ERRNO(errno));
		return;
	}
	a.serial = b.serial = j->serial = ++j->a->sv->channels_made;
	give(j->a, &b, pair[0]);
	give(j->b, &a, pair[1]);
}

static void
join_again(int fd, short what, void *arg)
{
	struct joint *j = arg;

	(void)fd, (void)what;
	/* The start of one that died meanwhile joins them by itself. */
	if (live(j->a) && live(j->b))
		join(j);
}

static struct joint *
joint_of(struct process *a, struct process *b)
{
	struct supervisor *sv = a->sv;
	struct joint *j;

	TAILQ_FOREACH(j, &sv->joints, entry)
		if ((j->a == a && j->b == b) || (j->a == b && j->b == a))
			return j;
	if ((j = calloc(1, sizeof(*j))) == NULL ||
	    (j->again = event_new(sv->base, -1, 0, join_again, j)) == NULL) {
		free(j);
		return NULL;
	}
	j->a = a;
	j->b = b;
	TAILQ_INSERT_TAIL(&sv->joints, j, entry);
	return j;
}

void
broker_connect(struct process *p)
{
	struct process *q;
	struct joint *j;

	TAILQ_FOREACH(q, &p->sv->processes, entry) {
		if (q == p || q->channel == NULL ||
		    q->map->start != START_ALWAYS ||
		    !map_has_edge(p->map->role, q->map->role))
			continue;
		if ((j = joint_of(p, q)) != NULL)
			join(j);
		else
			log_error("cannot-make-channel", LOG_ERRNO(ENOMEM));
	}
}

/* Only the last channel counts: news of a former one is old. */
int
broker_lost(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	static const struct timeval delay = { .tv_sec = REJOIN_MS / 1000 };
	struct process *p = arg;
	struct stage_peer peer;
	struct joint *j;

	(void)ch;
	if (stage_channel_decode(m->body, &peer) == -1)
		return -1;
	TAILQ_FOREACH(j, &p->sv->joints, entry) {
		const struct process *q = j->a == p ? j->b : j->a;

		if ((j->a != p && j->b != p) || j->serial != peer.serial ||
		    q->map->role != peer.role || q->instance != peer.instance ||
		    event_pending(j->again, EV_TIMEOUT, NULL))
			continue;
		event_add(j->again, &delay);
	}
	return 0;
}

void
broker_clear(struct supervisor *sv)
{
	struct joint *j;

	while ((j = TAILQ_FIRST(&sv->joints)) != NULL) {
		TAILQ_REMOVE(&sv->joints, j, entry);
		event_free(j->again);
		free(j);
	}
}
