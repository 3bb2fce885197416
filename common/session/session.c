#include "common/session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log/log.h"

enum { READ_SIZE = 16384, LINGER_MS = 2000 };

/* supervisor gives the connection at once; longer, and something is wrong. */
static const struct timeval patience = { .tv_sec = 30 };

void
session_open(int argc, char *argv[], enum ipc_role role)
{
	struct stage_hooks hooks = { .role = role };

	stage_open(argc, argv, &hooks);
}

static int
on_settings(void *ctx, int shared_fd, int own_fd)
{
	struct session *s = ctx;
	struct settings_errors errors = { 0 };

	(void)shared_fd;
	if (s->settings != NULL)
		return 0;	/* a session keeps what it began with */
	s->settings = settings_read(s->program->schema, own_fd, &errors);
	for (size_t i = 0; i < errors.n; i++)
		log_error("bad-setting", LOG_CSTR("at", errors.at[i]));
	if (s->settings == NULL)
		return -1;
	s->values = settings_values(s->settings);
	return 0;
}

static int
take_record(struct session *s, int fd)
{
	char buf[HANDOFF_MAX];
	struct handoff h;

	if (handoff_read(fd, buf, &h) == -1)
		return -1;
	s->id = h.session;
	s->client = h.client;
	s->flags = h.flags;
	return slice_copy_str(h.tag, s->tag, sizeof(s->tag)) == -1 ? -1 :
	    slice_copy_str(h.user, s->user, sizeof(s->user));
}

static int
take_connection(struct session *s, int fd)
{
	s->loop = stream_loop_new(s->stage.base, READ_SIZE);
	if (s->loop == NULL || fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		return -1;
	s->stream = stream_new(s->loop, fd, s->program->kind, s->ctx);
	return s->stream != NULL ? 0 : -1;
}

static int
on_give(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct session *s = ctx;
	int fd;

	(void)ch;
	if (s->stream != NULL || s->values == NULL)
		return -1;
	fd = ipc_message_take_fd(m, 0);
	if (take_record(s, m->fds[1]) == -1 || take_connection(s, fd) == -1) {
		log_error("handoff-refused", LOG_ERRNO(errno));
		close(fd);
		stage_finished(&s->stage, 1);
		return 0;
	}
	event_del(s->patience);
	s->program->begin(s->ctx, s);
	return 0;
}

static int
on_quota(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct session *s = ctx;

	(void)ch;
	return s->stream != NULL ? -1 : start_quota_decode(m->body, &s->quota);
}

static const struct ipc_handler more_handlers[] = {
	{ IPC_SESSION_GIVE, on_give },
	{ IPC_OWNER_QUOTA, on_quota },
};

static void
on_stop(void *ctx)
{
	struct session *s = ctx;

	if (s->stream == NULL)
		stage_finished(&s->stage, 0);
	else
		s->program->stop(s->ctx);
}

static void
on_patience(int fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd, (void)what;
	log_error("no-connection-given");
	stage_finished(&s->stage, 1);
}

int
session_run(struct session *s, const struct session_program *program,
    void *ctx)
{
	int status;

	*s = (struct session){ .program = program, .ctx = ctx,
		.home_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	s->hooks = (struct stage_hooks){ .role = program->role,
		.settings = on_settings,
		.stop = on_stop,
		.more = more_handlers,
		.more_count = 2 };
	stage_attach(&s->stage, &s->hooks, s);
	s->patience = event_new(s->stage.base, -1, 0, on_patience, s);
	if (s->patience == NULL || event_add(s->patience, &patience) == -1)
		return 71;
	status = stage_run(&s->stage);
	settings_free(s->settings);
	return status;
}

void
session_finish(struct session *s)
{
	stream_finish(s->stream, LINGER_MS);
}

void
session_end(struct session *s)
{
	stage_finished(&s->stage, 0);
}
