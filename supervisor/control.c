/*
 * The control socket: an operator's commands, in numbers of fixed size.  Who
 * may open it, its mode says: root, and group bh-admin where that exists.
 */
#include "supervisor/supervisor.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bsd/string.h>
#include <event2/event.h>

#include "common/instance/host.h"
#include "common/ipc/operator.h"
#include "common/stage/fields.h"

enum { CLIENTS_MAX = 32, BACKLOG = 16 };

struct control {
	int			 fd;
	struct event		*acceptable;
	struct ipc_channel *client[CLIENTS_MAX];        /* NULL: a free place */
	uint32_t		 queue_channels;	/* numbers for them */
	struct ipc_events	 events;
};

static void
answer(struct ipc_channel *ch, uint64_t id, enum operator_result result,
    int fd)
{
	char body[OPERATOR_BODY_MAX];

	ipc_send(ch, IPC_CONTROL_ANSWER, id, slice_of(body,
	    operator_answer_encode(result, body)), &fd, fd != -1);
}

static void
send_process(struct ipc_channel *ch, uint64_t id, const struct process *p)
{
	char body[OPERATOR_BODY_MAX];
	struct operator_process row = {
		.role = p->map->role, .instance = p->instance,
		.state = (uint8_t)p->state, .pid = (uint32_t)p->pid,
		.uid = p->uid, .restarts = p->restarts,
		.seconds = p->pid ? (uint64_t)(life_now() - p->since) : 0,
		.account_kind = (uint8_t)p->account.kind,
		.account_number = p->account.number,
	};

	ipc_send(ch, IPC_CONTROL_PROCESS, id, slice_of(body,
	    operator_process_encode(&row, body)), NULL, 0);
}

static enum operator_result
do_status(struct supervisor *sv, struct ipc_channel *ch, uint64_t id)
{
	struct process *p;

	TAILQ_FOREACH(p, &sv->processes, entry)
		send_process(ch, id, p);
	return OPERATOR_DONE;
}

static enum operator_result
do_restart(struct supervisor *sv, uint8_t role)
{
	enum operator_result result = OPERATOR_UNKNOWN_STAGE;
	struct process *p;

	TAILQ_FOREACH(p, &sv->processes, entry)
		if (p->map->role == role && p->map->start == START_ALWAYS) {
			process_restart(p);
			result = OPERATOR_DONE;
		}
	return result;
}

static enum operator_result
do_reload(struct supervisor *sv, uint8_t role)
{
	const struct map_process *map;

	if (role == OPERATOR_ALL)
		return life_reload(sv, -1) > 0 ? OPERATOR_DONE :
		    OPERATOR_NOT_RUNNING;
	map = role < IPC_ROLE_COUNT ? map_process(role) : NULL;
	if (map == NULL || map->start != START_ALWAYS)
		return OPERATOR_UNKNOWN_STAGE;
	return life_reload(sv, role) > 0 ? OPERATOR_DONE :
	    OPERATOR_NOT_RUNNING;
}

/* The queue's text is no business of ours: the two talk by themselves. */
static enum operator_result
do_queue(struct supervisor *sv, int *fd)
{
	struct process *p;
	int pair[2];

	TAILQ_FOREACH(p, &sv->processes, entry)
		if (p->map->role == IPC_QUEUE_MANAGER)
			break;
	if (p == NULL || p->channel == NULL || p->state != PROCESS_READY)
		return OPERATOR_NOT_RUNNING;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return OPERATOR_FAILED;
	broker_give(p, IPC_CONTROL, sv->control->queue_channels++, pair[0]);
	*fd = pair[1];
	return OPERATOR_DONE;
}

static int
on_ask(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	static const char *const names[] = { "", "status", "stop", "reload",
		"restart", "queue" };
	struct supervisor *sv = arg;
	enum operator_result result = OPERATOR_DONE;
	enum operator_command command;
	uint8_t role;
	int fd = -1;

	if (operator_ask_decode(m->body, &command, &role) == -1)
		return -1;
	if (command != OPERATOR_STATUS && command != OPERATOR_QUEUE)
		log_notice("operator", LOG_CSTR("command", names[command]),
		    LOG_CSTR("stage", role < IPC_ROLE_COUNT ?
		    ipc_role_name(role) : "all"));
	switch (command) {
	case OPERATOR_STATUS:
		result = do_status(sv, ch, m->id);
		break;
	case OPERATOR_STOP:
		answer(ch, m->id, OPERATOR_DONE, -1);
		life_stop(sv);
		return 0;
	case OPERATOR_RELOAD:
		result = do_reload(sv, role);
		break;
	case OPERATOR_RESTART:
		result = do_restart(sv, role);
		break;
	case OPERATOR_QUEUE:
		result = do_queue(sv, &fd);
		break;
	}
	answer(ch, m->id, result, fd);
	return 0;
}

/* Where that client is, or NULL: a free place; NULL where there is none. */
static struct ipc_channel **
place_of(struct control *c, const struct ipc_channel *ch)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (c->client[i] == ch)
			return &c->client[i];
	return NULL;
}

static void
on_closed(void *arg, struct ipc_channel *ch)
{
	struct supervisor *sv = arg;

	*place_of(sv->control, ch) = NULL;
}

static const struct ipc_handler handlers[] = {
	{ IPC_CONTROL_ASK, on_ask },
};

static void
on_acceptable(int listener, short what, void *arg)
{
	struct supervisor *sv = arg;
	struct ipc_channel **place = place_of(sv->control, NULL);
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	(void)what;
	if (fd == -1)
		return;
	if (place == NULL) {
		close(fd);
		return;
	}
	*place = ipc_channel_new(sv->base, fd, IPC_SUPERVISOR, IPC_CONTROL,
	    &sv->control->events, sv);
}

static void __attribute__((noreturn))
refuse(const struct supervisor *sv, const char *path)
{
	log_error("cannot-start", LOG_CSTR("socket", path), LOG_ERRNO(errno));
	if (sv->ready_fd != -1)
		dprintf(sv->ready_fd, "%s: %s\n", path, strerror(errno));
	exit(71);
}

/* Where the sysusers file made it, its members may give commands. */
static void
open_for_admins(const struct supervisor *sv)
{
	gid_t admins;

	if (sv->instance->uid_base != 0 || !host_group("bh-admin", &admins))
		return;
	if (fchownat(sv->run_fd, "control", 0, admins, 0) == -1 ||
	    fchmodat(sv->run_fd, "control", 0660, 0) == -1)
		log_warning("control-for-root-only", LOG_ERRNO(errno));
}

void
control_open(struct supervisor *sv)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct control *c = calloc(1, sizeof(*c));
	mode_t old;

	if (c == NULL || snprintf(sun.sun_path, sizeof(sun.sun_path),
	    "%s/control", sv->instance->run_dir) >=
	    (int)sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		refuse(sv, sv->instance->run_dir);
	}
	sv->control = c;
	c->events = (struct ipc_events){ .handlers = handlers, .count = 1,
		.closed = on_closed };
	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	unlinkat(sv->run_fd, "control", 0);
	old = umask(077);
	if (c->fd == -1 ||
	    bind(c->fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(c->fd, BACKLOG) == -1)
		refuse(sv, sun.sun_path);
	umask(old);
	open_for_admins(sv);
	c->acceptable = event_new(sv->base, c->fd, EV_READ | EV_PERSIST,
	    on_acceptable, sv);
	if (c->acceptable == NULL || event_add(c->acceptable, NULL) == -1)
		refuse(sv, sun.sun_path);
}

void
control_close(struct supervisor *sv)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (sv->control->client[i] != NULL)
			ipc_channel_free(sv->control->client[i]);
	event_free(sv->control->acceptable);
	close(sv->control->fd);
	unlinkat(sv->run_fd, "control", 0);
	unlinkat(sv->run_fd, "inject", 0);
	free(sv->control);
}
