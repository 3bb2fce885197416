/*
 * Log descriptors: opened here, since a jail has no /dev/log, and renewed
 * everywhere when the logger has been restarted.
 */
#include "supervisor/supervisor.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <bsd/string.h>
#include <event2/event.h>

#include "common/stage/fields.h"

enum { LOG_AUTO, LOG_SYSLOG, LOG_STDERR };

static const struct timeval look_again = { .tv_sec = 1 };

/*
 * Which socket has the logger's name?  Its inode may have the number of the one
 * before, so its time counts, too: to connect once more because somebody has
 * changed its mode harms nobody.
 */
static int
which_socket(const struct supervisor *sv, struct log_socket *s)
{
	struct stat sb;

	*s = (struct log_socket){ 0 };
	if (stat(sv->instance->log_socket, &sb) == -1)
		return -1;
	*s = (struct log_socket){ sb.st_dev, sb.st_ino, sb.st_ctim };
	return 0;
}

static bool
is_same(const struct log_socket *a, const struct log_socket *b)
{
	return a->dev == b->dev && a->inode == b->inode &&
	       a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

/* *which is from before it is connected to: one that takes its place meanwhile
 * is seen to be another. */
static int
connect_syslog(const struct supervisor *sv, struct log_socket *which)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	strlcpy(sun.sun_path, sv->instance->log_socket, sizeof(sun.sun_path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	if (which_socket(sv, which) == -1 ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * A descriptor of our own on the same pipe, file or terminal, if possible, so
 * that O_NONBLOCK does not change what the shell that started us reads.
 */
static int
reopen_stderr(void)
{
	int fd = open("/proc/self/fd/2",
	    O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	return fd != -1 ? fd : fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
}

void
logger_open(struct supervisor *sv)
{
	int target = sv->instance->log;

	if (target == LOG_AUTO)
		target = sv->foreground ? LOG_STDERR : LOG_SYSLOG;
	if (target == LOG_STDERR) {
		sv->log_fd = reopen_stderr();
		sv->log_form = getenv("JOURNAL_STREAM") != NULL ?
		    LOG_FORM_JOURNAL : LOG_FORM_LINES;
	} else {
		sv->log_fd = connect_syslog(sv, &sv->log_socket);
		sv->log_form = LOG_FORM_SYSLOG;
		/* No logger yet: one is looked for every second. */
		if (sv->log_fd == -1)
			sv->log_fd = fcntl(sv->null_fd, F_DUPFD_CLOEXEC, 3);
	}
	log_open("supervisor", sv->log_fd, sv->log_form);
}

static void
pass_on(struct supervisor *sv)
{
	char body[STAGE_BODY_MAX];
	size_t len = stage_log_encode(sv->log_form, body);
	struct process *p;

	TAILQ_FOREACH(p, &sv->processes, entry) {
		int fd;

		if (p->channel == NULL)
			continue;
		if ((fd = fcntl(sv->log_fd, F_DUPFD_CLOEXEC, 3)) == -1)
			return;
		ipc_send(p->channel, IPC_STAGE_LOG, 0, slice_of(body, len),
		    &fd, 1);
	}
}

static void
on_timer(int unused, short what, void *arg)
{
	struct supervisor *sv = arg;
	struct log_socket now;
	int fd, old;

	(void)unused, (void)what;
	if (!log_is_dead() && which_socket(sv, &now) == 0 &&
	    is_same(&now, &sv->log_socket))
		return;
	if ((fd = connect_syslog(sv, &now)) == -1)
		return;
	old = log_renew(fd, sv->log_form);
	if (old != -1)
		close(old);
	sv->log_fd = fd;
	sv->log_socket = now;
	log_notice("logger-found-again");
	pass_on(sv);
}

void
logger_watch(struct supervisor *sv)
{
	if (sv->log_form != LOG_FORM_SYSLOG)
		return;
	sv->log_timer = event_new(sv->base, -1, EV_PERSIST, on_timer, sv);
	if (sv->log_timer != NULL)
		event_add(sv->log_timer, &look_again);
}
