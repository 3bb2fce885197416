/* bulkhead start: check, hand over to supervisor, wait until all is ready. */
#include "bulkhead/check.h"
#include "bulkhead/control.h"
#include "bulkhead/own_certificate.h"
#include "bulkhead/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum { LOG_STDERR = 2 };	/* of the setting log: auto|syslog|stderr */

static const char *
supervisor_path(const struct bulkhead *b, char *path, size_t size)
{
	snprintf(path, size, "%s/supervisor", b->instance->program_dir);
	return path;
}

static int
run_in_foreground(const struct bulkhead *b)
{
	char path[4096];

	supervisor_path(b, path, sizeof(path));
	execl(path, "supervisor", "-f", "-C", b->conf_dir, (char *)NULL);
	return fail(EX_OSFILE, "%s: %s", path, strerror(errno));
}

/* The child: a session of its own, and no terminal to write to. */
static void __attribute__((noreturn))
become_supervisor(const struct bulkhead *b, int ready)
{
	int null = open("/dev/null", O_RDWR), keep;
	char path[4096], number[16];

	setsid();
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (b->instance->log != LOG_STDERR)
		dup2(null, STDERR_FILENO);
	if (null > STDERR_FILENO)
		close(null);
	/* A duplicate is not close-on-exec. */
	keep = fcntl(ready, F_DUPFD, 3);
	snprintf(number, sizeof(number), "%d", keep);
	supervisor_path(b, path, sizeof(path));
	execl(path, "supervisor", "-C", b->conf_dir, "-r", number,
	    (char *)NULL);
	dprintf(ready, "%s: %s\n", path, strerror(errno));
	_exit(EX_OSFILE);
}

/* supervisor says READY, or why not, or nothing. */
static int
wait_until_ready(const struct bulkhead *b, int fd, pid_t child)
{
	char line[1024];
	size_t len = 0;
	ssize_t n;
	int status;

	while (len < sizeof(line) - 1 &&
	    (n = read(fd, line + len, sizeof(line) - 1 - len)) != 0) {
		if (n == -1 && errno != EINTR)
			break;
		if (n > 0)
			len += (size_t)n;
		if (len > 0 && line[len - 1] == '\n')
			break;
	}
	line[len] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (strcmp(line, "READY") == 0) {
		printf("%s is running, supervisor has pid %d\n", b->conf_dir,
		    (int)child);
		return 0;
	}
	if (len == 0 && waitpid(child, &status, WNOHANG) == child &&
	    WIFEXITED(status))
		return fail(EX_CONFIG, "supervisor ended with status %d; the "
				       "log says why", WEXITSTATUS(status));
	return fail(EX_CONFIG, "not started: %s",
	    len == 0 ? "supervisor died; the log says why" : line);
}

static int
run_in_background(const struct bulkhead *b)
{
	int ready[2], status;
	pid_t child;

	if (pipe2(ready, O_CLOEXEC) == -1 || (child = fork()) == -1)
		return fail(EX_OSERR, "%s", strerror(errno));
	if (child == 0)
		become_supervisor(b, ready[1]);
	close(ready[1]);
	status = wait_until_ready(b, ready[0], child);
	close(ready[0]);
	return status;
}

int
do_start(struct bulkhead *b, int argc, char *argv[])
{
	int fd, status;

	if (argc == 1 && strcmp(argv[0], "-f") != 0)
		return fail(EX_USAGE, "usage: bulkhead start [-f]");
	if (geteuid() != 0)
		return fail(EX_NOPERM, "only root can start a mail system");
	check_try_settings(b);
	if (b->instance != NULL && (fd = control_connect(b)) != -1) {
		if (fd < 0)
			return EX_NOPERM;
		close(fd);
		return fail(1, "%s is running already", b->conf_dir);
	}
	if ((status = check_quietly(b, CHECK_STOPPED)) != 0)
		return status;
	if ((status = own_certificate_ensure(b)) != 0 ||
	    (status = state_secret_ensure(b)) != 0)
		return status;
	return argc == 1 ? run_in_foreground(b) : run_in_background(b);
}
