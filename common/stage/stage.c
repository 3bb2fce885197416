#include "common/stage/stage.h"

#include <sys/stat.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/log/log.h"
#include "common/stage/fields.h"

static const char *const table_names[STAGE_TABLE_COUNT] = {
#define X(name, file) [STAGE_TABLE_##name] = file,
	STAGE_TABLES(X)
#undef X
};

const char *
stage_table_name(enum stage_table table)
{
	assert(table < STAGE_TABLE_COUNT);
	return table_names[table];
}

/* A refusal is remembered: the commit that follows answers for the batch. */
static int
remember(struct stage *st, int answer)
{
	if (answer == -1)
		st->refused = true;
	return 0;
}

static int
on_settings(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	struct stage *st = arg;

	(void)ch;
	if (st->hooks->settings == NULL ||
	    slice_copy_str(m->body, st->hostname, sizeof(st->hostname)) == -1)
		return -1;
	return remember(st,
	    st->hooks->settings(st->ctx, m->fds[0], m->fds[1]));
}

static int
on_table(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	struct stage *st = arg;
	enum stage_table table;

	(void)ch;
	if (st->hooks->table == NULL ||
	    stage_table_decode(m->body, &table) == -1)
		return -1;
	return remember(st, st->hooks->table(st->ctx, table, m->fds[0]));
}

/* The body is the list's name. */
static int
on_list(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	struct stage *st = arg;

	(void)ch;
	if (st->hooks->list == NULL || m->body.len == 0 ||
	    memchr(m->body.at, '\0', m->body.len) != NULL)
		return -1;
	return remember(st, st->hooks->list(st->ctx, m->body, m->fds[0]));
}

static int
on_listener(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	struct stage *st = arg;
	char name[STAGE_NAME_MAX + 1];

	(void)ch;
	if (st->hooks->listener == NULL ||
	    stage_listener_decode(m->body, name) == -1)
		return -1;
	return remember(st, st->hooks->listener(st->ctx, name,
	    ipc_message_take_fd(m, 0)));
}

/* What is kept of a peer: its last channel's, or a new place; NULL: full. */
static struct stage_channel *
channel_of(struct stage *st, enum ipc_role role, unsigned instance)
{
	struct stage_channel *c = st->channels;

	for (; c < st->channels + st->channel_count; c++)
		if (c->peer.role == role && c->peer.instance == instance)
			return c;
	if (st->channel_count == STAGE_CHANNELS_MAX)
		return NULL;
	st->channel_count++;
	c->fd = -1;
	return c;
}

static int
on_channel(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	struct stage *st = arg;
	struct stage_channel *c = NULL;
	struct stage_peer peer;
	bool once;

	(void)ch;
	if (st->hooks->channel == NULL ||
	    stage_channel_decode(m->body, &peer) == -1)
		return -1;
	/* One without a serial is for once and is not replaced. */
	once = st->committed && peer.serial == 0;
	if (!once && (c = channel_of(st, peer.role, peer.instance)) == NULL)
		return -1;
	if (c != NULL)
		c->peer = peer;
	if (c == NULL || st->committed)
		return remember(st, st->hooks->channel(st->ctx, peer.role,
		    peer.instance, ipc_message_take_fd(m, 0)));
	if (c->fd != -1)
		close(c->fd);
	c->fd = ipc_message_take_fd(m, 0);
	return 0;
}

/* The daemon has its settings: now it may hear its peers. */
static bool
open_held(struct stage *st)
{
	bool good = true;

	for (unsigned i = 0; i < st->channel_count; i++) {
		struct stage_channel *c = &st->channels[i];
		int fd = c->fd;

		c->fd = -1;
		if (fd != -1 && st->hooks->channel(st->ctx, c->peer.role,
		    c->peer.instance, fd) == -1)
			good = false;
	}
	for (unsigned i = 0; i < st->channel_count; )
		if (st->channels[i].peer.serial == 0)
			st->channels[i] = st->channels[--st->channel_count];
		else
			i++;
	return good;
}

void
stage_channel_lost(struct stage *st, enum ipc_role peer, unsigned instance)
{
	char body[STAGE_BODY_MAX];

	for (unsigned i = 0; i < st->channel_count; i++)
		if (st->channels[i].peer.role == peer &&
		    st->channels[i].peer.instance == instance &&
		    st->supervisor != NULL)
			ipc_send(st->supervisor, IPC_STAGE_CHANNEL_LOST, 0,
			    slice_of(body, stage_channel_encode(
			    &st->channels[i].peer, body)), NULL, 0);
}

static int
on_log(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	int form, old;

	(void)arg, (void)ch;
	if (stage_log_decode(m->body, &form) == -1)
		return -1;
	old = log_renew(ipc_message_take_fd(m, 0), (enum log_form)form);
	if (old != -1)
		close(old);
	return 0;
}

static int
on_commit(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	struct stage *st = arg;
	bool first = !st->committed;
	bool good = !st->refused;

	if (m->body.len != 0)
		return -1;
	if (good && st->hooks->commit != NULL)
		good = st->hooks->commit(st->ctx, first) == 0;
	if (good && first)
		good = open_held(st);
	st->refused = false;
	if (good)
		st->committed = true;
	ipc_send(ch, good ? IPC_STAGE_READY : IPC_STAGE_REFUSED, m->id,
	    slice_of("", 0), NULL, 0);
	if (!good && first)
		stage_finished(st, 78);	/* EX_CONFIG: nothing to fall back on */
	return 0;
}

static int
on_stop(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	struct stage *st = arg;

	(void)ch;
	if (m->body.len != 0)
		return -1;
	if (st->stopping)
		return 0;
	st->stopping = true;
	if (st->hooks->stop == NULL || !st->committed)
		stage_finished(st, 0);
	else
		st->hooks->stop(st->ctx);
	return 0;
}

/* A message that is the daemon's own: with the daemon's ctx. */
static int
on_more(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	struct stage *st = arg;

	for (unsigned i = 0; i < st->hooks->more_count; i++)
		if (st->hooks->more[i].type == m->rule->type)
			return st->hooks->more[i].handle(st->ctx, ch, m);
	return -1;
}

/* Without it nobody would ever restart or stop us.  Nothing more is done: the
 * other stages go, too, and none of them has failed. */
static void
end_at_once(struct stage *st)
{
	st->over = true;
	log_error("supervisor-gone");
	st->status = 1;
	event_base_loopbreak(st->base);
}

static void
on_supervisor_gone(void *arg, struct ipc_channel *ch)
{
	struct stage *st = arg;

	(void)ch;
	st->supervisor = NULL;
	if (!st->over)
		end_at_once(st);
}

bool
stage_is_over(struct stage *st)
{
	if (!st->over && ipc_channel_has_ended(st->supervisor))
		end_at_once(st);
	return st->over;
}

static const struct ipc_handler stage_handlers[] = {
	{ IPC_STAGE_SETTINGS, on_settings },
	{ IPC_STAGE_TABLE, on_table },
	{ IPC_STAGE_LIST, on_list },
	{ IPC_STAGE_LISTENER, on_listener },
	{ IPC_STAGE_CHANNEL, on_channel },
	{ IPC_STAGE_LOG, on_log },
	{ IPC_STAGE_COMMIT, on_commit },
	{ IPC_STAGE_STOP, on_stop },
};
enum { STAGE_HANDLERS = sizeof(stage_handlers) / sizeof(stage_handlers[0]) };

/*
 * supervisor puts the role into argv[0] (one program may have several) and
 * how log lines are to look, one digit, into argv[1].
 */
void
stage_open(int argc, char *argv[], const struct stage_hooks *hooks)
{
	struct stat sb;

	if (argc != 2 || ipc_role_by_name(argv[0]) != hooks->role ||
	    argv[1][0] < '0' || argv[1][0] > '2' || argv[1][1] != '\0' ||
	    fstat(STAGE_FD_SUPERVISOR, &sb) == -1 || !S_ISSOCK(sb.st_mode)) {
		fprintf(stderr, "%s: is started by supervisor(8), "
		    "not by hand; see bulkhead(8)\n",
		    ipc_role_name(hooks->role));
		exit(64);
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	log_open(ipc_role_name(hooks->role), STAGE_FD_LOG,
	    (enum log_form)(argv[1][0] - '0'));
}

void
stage_attach(struct stage *st, const struct stage_hooks *hooks, void *ctx)
{
	assert(hooks->more_count <= STAGE_MORE_MAX);
	*st = (struct stage){ .hooks = hooks, .ctx = ctx };
	memcpy(st->handlers, stage_handlers, sizeof(stage_handlers));
	for (unsigned i = 0; i < hooks->more_count; i++)
		st->handlers[STAGE_HANDLERS + i] = (struct ipc_handler){
			hooks->more[i].type, on_more };
	st->events = (struct ipc_events){ .handlers = st->handlers,
		.count = STAGE_HANDLERS + hooks->more_count,
		.closed = on_supervisor_gone };
	if ((st->base = event_base_new()) == NULL ||
	    (st->supervisor = ipc_channel_new(st->base, STAGE_FD_SUPERVISOR,
	    hooks->role, IPC_SUPERVISOR, &st->events, st)) == NULL) {
		log_error("cannot-start", LOG_ERRNO(errno));
		exit(71);
	}
}

int
stage_run(struct stage *st)
{
	event_base_dispatch(st->base);
	ipc_channel_free(st->supervisor);
	event_base_free(st->base);
	return st->status;
}

void
stage_finished(struct stage *st, int status)
{
	st->status = status;
	event_base_loopexit(st->base, NULL);
}
