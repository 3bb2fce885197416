/*
 * Connections to milters: made here, since paths of the host lead there and
 * milterd has neither paths nor a network.  It names a block of milterd.conf,
 * in a fixed number of octets that are compared and not read.
 */
#include "supervisor/supervisor.h"

#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "common/instance/milter.h"
#include "common/ipc/milter.h"

int
milters_load(struct supervisor *sv)
{
	static const struct settings_schema schema = { .file = "milterd.conf",
		.blocks = milter_block,
		.n_blocks = 1,
		.only_blocks = true };
	struct settings_errors errors = { 0 };
	struct settings *s;
	int fd = load_open(sv, schema.file);

	if (fd == -1)
		return -1;
	s = settings_read(&schema, fd, &errors);
	close(fd);
	for (size_t i = 0; i < errors.n; i++)
		log_error("bad-setting", LOG_CSTR("at", errors.at[i]));
	if (s == NULL)
		return -1;
	settings_free(sv->milters);
	sv->milters = s;
	return 0;
}

static const struct milter_settings *
find(const struct supervisor *sv, struct slice name)
{
	for (size_t i = 0; i < settings_n_groups(sv->milters); i++) {
		const struct settings_group *g = settings_group(sv->milters, i);
		char padded[MILTER_NAME_MAX];

		if (milter_name_encode(slice_str(g->name), padded) == 0 &&
		    slice_equal(name, slice_of(padded, sizeof(padded))))
			return g->values;
	}
	return NULL;
}

/* Non-blocking: a Unix socket is connected at once or not at all. */
static int
dial(const struct milter_settings *m)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int one = 1, error, fd;

	if (milter_socket_parse(m->socket, &ss, &len) == -1) {
		errno = EINVAL;
		return -1;
	}
	fd =
	    socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (ss.ss_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (const struct sockaddr *)&ss, len) == 0 ||
	    errno == EINPROGRESS)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

int
milters_connect(void *arg, struct ipc_channel *ch, struct ipc_message *m)
{
	struct process *p = arg;
	const struct milter_settings *to;
	char body[MILTER_SMALL_MAX];
	int fd;

	/* One that asks and does not listen gets nothing more. */
	if (m->body.len != MILTER_NAME_MAX || ipc_channel_full(ch))
		return -1;
	to = find(p->sv, m->body);
	fd = to == NULL ? -1 : dial(to);
	if (fd != -1)
		ipc_send(
		    ch, IPC_MILTER_CONNECTED, m->id, slice_of("", 0), &fd, 1);
	else
		ipc_send(ch, IPC_MILTER_UNREACHABLE, m->id,
		    slice_of(body,
			milter_error_encode(to == NULL ? ENOENT : errno, body)),
		    NULL, 0);
	return 0;
}
