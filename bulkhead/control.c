/* Asking supervisor.  See control.h. */
#include "bulkhead/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/ipc/ipc.h"
#include "common/settings/nearest.h"

static int
cannot(int fd, const char *path)
{
	int error = errno;

	if (fd != -1)
		close(fd);
	if (error == ENOENT || error == ECONNREFUSED)
		return -1;
	if (error == EACCES)
		fail(0, "%s: only root and members of the group bh-admin may "
			"give commands", path);
	else
		fail(0, "%s: %s", path, strerror(error));
	return -2;
}

int
control_connect(const struct bulkhead *b)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = CONTROL_PATIENCE_S };
	int fd, len;

	len = snprintf(to.sun_path, sizeof(to.sun_path), "%s/control",
	    b->instance->run_dir);
	if (len < 0 || (size_t)len >= sizeof(to.sun_path))
		return -1;	/* `check` complains; there is no such socket */
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		sizeof(patience)) == -1 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) == -1)
		return cannot(fd, to.sun_path);
	return fd;
}

int
control_open(const struct bulkhead *b, int *fd)
{
	*fd = control_connect(b);
	if (*fd == -1)
		return fail(EXIT_NOT_RUNNING, "%s is not running",
		    b->conf_dir);
	return *fd < 0 ? EX_NOPERM : 0;
}

static int
bad_answer(int got)
{
	if (got == 0)
		return fail(EX_PROTOCOL, "supervisor closed the connection");
	return fail(EX_PROTOCOL, "supervisor's answer: %s",
	    errno == EAGAIN ? "none in time" : strerror(errno));
}

/* 1: go on, 0: that was the answer, -1: nonsense. */
static int
take(const struct ipc_message *m,
    void (*each)(void *ctx, const struct operator_process *), void *ctx,
    struct control_answer *answer)
{
	struct operator_process row;

	if (m->rule->type == IPC_CONTROL_PROCESS) {
		if (operator_process_decode(m->body, &row) == -1)
			return -1;
		if (each != NULL)
			each(ctx, &row);
		return 1;
	}
	if (m->rule->type != IPC_CONTROL_ANSWER)
		return -1;
	return operator_answer_decode(m->body, &answer->result);
}

int
control_ask(int fd, enum operator_command command, unsigned role,
    void (*each)(void *ctx, const struct operator_process *), void *ctx,
    struct control_answer *answer)
{
	char body[OPERATOR_BODY_MAX], buf[1024];
	size_t len = operator_ask_encode(command, (uint8_t)role, body);
	struct ipc_message m;
	int got, more = 1;

	*answer = (struct control_answer){ .fd = -1 };
	if (ipc_send_blocking(fd, IPC_CONTROL, IPC_SUPERVISOR, IPC_CONTROL_ASK,
		1, slice_of(body, len), NULL, 0) == -1)
		return bad_answer(-1);
	while (more == 1) {
		got = ipc_receive_blocking(fd, IPC_CONTROL, IPC_SUPERVISOR, buf,
		    sizeof(buf), &m);
		if (got != 1)
			return bad_answer(got);
		more = take(&m, each, ctx, answer);
		if (m.nfds > 0 && more == 0)
			answer->fd = m.fds[0];
	}
	errno = EBADMSG;
	return more == -1 ? bad_answer(-1) : 0;
}

int
control_command(const struct bulkhead *b, enum operator_command command,
    unsigned role, const char *what)
{
	struct control_answer answer;
	int fd, status = control_open(b, &fd);

	if (status != 0)
		return status;
	status = control_ask(fd, command, role, NULL, NULL, &answer);
	close(fd);
	if (status != 0)
		return status;
	if (answer.fd != -1)
		close(answer.fd);
	switch (answer.result) {
	case OPERATOR_DONE:
		return 0;
	case OPERATOR_UNKNOWN_STAGE:
		return fail(EX_USAGE, "%s: not a stage that can be meant",
		    what);
	case OPERATOR_NOT_RUNNING:
		return fail(EXIT_NOT_RUNNING, "%s is not running now", what);
	case OPERATOR_FAILED:
		break;
	}
	return fail(EX_TEMPFAIL, "%s: supervisor could not; the log says why",
	    what);
}

int
control_stage(const char *name)
{
	struct slice wanted = slice_str(name);
	size_t best = nearest_limit(wanted.len) + 1;
	const char *guess = NULL;

	for (int role = 0; role < IPC_ROLE_COUNT; role++) {
		const char *known = ipc_role_name((enum ipc_role)role);
		size_t distance = nearest_distance(wanted, slice_str(known));

		if (role == IPC_SUPERVISOR || role == IPC_CONTROL)
			continue;
		if (distance == 0)
			return role;
		if (distance < best) {
			best = distance;
			guess = known;
		}
	}
	if (guess != NULL)
		return fail(-1, "there is no stage %s: did you mean %s?", name,
		    guess);
	return fail(-1, "there is no stage %s: `bulkhead status` lists them",
	    name);
}
