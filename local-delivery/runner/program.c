/*
 * A program, run by argument vector as this user: message on its standard
 * input, a pipe of ours behind the other two, a session of its own, limits,
 * a deadline.  When it ends, or its time does, everything in its process
 * group is killed; what has left that group ends with us, where supervisor
 * could give us a process namespace: there we are process 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/log/log.h"
#include "common/mailbox/deliver_content.h"
#include "common/mailbox/dirs.h"
#include "common/accounts/command_line.h"
#include "local-delivery/runner/runner.h"

enum { OUTPUT_KEPT = 1024, EXIT_CANNOT_RUN = 126 };

struct program {
	struct task	*t;
	pid_t		 pid;
	int		 pid_fd, output_fd;
	bool		 timed_out;
	struct event	*ended, *output, *timer;
	size_t		 output_len;
	char		 kept[OUTPUT_KEPT];	/* the first of its output */
};

/* ---- the message ---- */

static int
to_fd(void *ctx, const char *octets, size_t len)
{
	return write_all(*(int *)ctx, octets, len);
}

/* A memory file: what fills up is our limit, not somebody's disk. */
static int
message_file(const struct task *t)
{
	char from[FROM_LINE_MAX];
	size_t len = from_line(t->ask.delivery.reverse_path, time(NULL), from);
	int fd = memfd_create("message", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		return -1;
	if (write_all(fd, from, len) == -1 ||
	    content_render(&t->ask.delivery, t->fd, to_fd, &fd) != 0 ||
	    lseek(fd, 0, SEEK_SET) == -1 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW |
	    F_SEAL_SHRINK | F_SEAL_SEAL) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

/* ---- in the child ---- */

struct launch {
	const struct runner	*rn;
	struct command_line	 line;
	struct environment	 env;
	int			 in, out;
	pid_t			 parent;
	char			 room[2 * FORWARD_COMMAND_MAX];
};

static void __attribute__((noreturn))
child_failed(const struct launch *l, const char *what)
{
	dprintf(STDERR_FILENO, "%s: %s: %s\n", l->line.argv[0], what,
	    strerror(errno));
	_exit(EXIT_CANNOT_RUN);
}

static void
child_limit(int resource, rlim_t most)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)resource, &now) == 0 &&
	    now.rlim_max < most)
		most = now.rlim_max;
	now.rlim_cur = now.rlim_max = most;
	(void)setrlimit((__rlimit_resource_t)resource, &now);
}

static void
child_become(const struct launch *l)
{
	const struct local_delivery_settings *set = l->rn->set;

	setsid();
	/* With us goes the program; in a namespace of ours, all of it does. */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != l->parent)
		_exit(EXIT_CANNOT_RUN);
	if (dup2(l->in, STDIN_FILENO) == -1 ||
	    dup2(l->out, STDOUT_FILENO) == -1 ||
	    dup2(l->out, STDERR_FILENO) == -1 ||
	    close_range(STDERR_FILENO + 1, ~0U, 0) == -1)
		_exit(EXIT_CANNOT_RUN);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	child_limit(RLIMIT_CPU, set->program_timeout);
	child_limit(RLIMIT_NPROC, set->program_processes);
#ifndef BULKHEAD_SANITIZE
	child_limit(RLIMIT_AS, set->program_memory);
#endif
	if (chdir(l->rn->user.home) == -1 && chdir("/") == -1)
		child_failed(l, "no directory to start in");
}

/* As execvpe(3), but never by way of a shell. */
static void __attribute__((noreturn))
child_exec(const struct launch *l)
{
	const char *name = l->line.argv[0], *path = l->rn->set->program_path;
	char file[4096];
	int found = ENOENT;

	if (strchr(name, '/') != NULL) {
		execve(name, l->line.argv, l->env.at);
		child_failed(l, "cannot be run");
	}
	while (*path != '\0') {
		size_t len = strcspn(path, ":");

		if (len > 0 && path[0] == '/' &&
		    (size_t)snprintf(file, sizeof(file), "%.*s/%s", (int)len,
		    path, name) < sizeof(file)) {
			execve(file, l->line.argv, l->env.at);
			if (errno != ENOENT && errno != ENOTDIR)
				found = errno;
		}
		path += len + (path[len] == ':');
	}
	errno = found;
	child_failed(l, "cannot be run");
}

/* ---- its end ---- */

static void
read_output(struct program *p)
{
	char more[4096];
	ssize_t n;

	/* What is more than we keep is read all the same, so that nobody
	 * waits for a full pipe; a bound for one turn of the loop. */
	for (int i = 0; i < 16; i++) {
		size_t room = OUTPUT_KEPT - p->output_len;

		n = read(p->output_fd, more, sizeof(more));
		if (n <= 0)
			break;
		if (room > (size_t)n)
			room = (size_t)n;
		memcpy(p->kept + p->output_len, more, room);
		p->output_len += room;
	}
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		event_del(p->output);
}

static void
on_output(int fd, short what, void *arg)
{
	(void)fd, (void)what;
	read_output(arg);
}

static void
program_free(struct program *p)
{
	if (p->ended != NULL)
		event_free(p->ended);
	if (p->output != NULL)
		event_free(p->output);
	if (p->timer != NULL)
		event_free(p->timer);
	if (p->pid_fd != -1)
		close(p->pid_fd);
	if (p->output_fd != -1)
		close(p->output_fd);
	free(p);
}

/*
 * Process 1 of a namespace inherits what programs have left behind, and has
 * to wait for it.  A program of another task comes to its end by on_ended().
 */
static void
reap_orphans(const struct runner *rn)
{
	const struct task *t;
	siginfo_t si;

	for (;;) {
		si.si_pid = 0;
		if (getpid() != 1 || waitid(P_ALL, 0, &si,
		    WEXITED | WNOHANG | WNOWAIT) == -1 || si.si_pid == 0)
			return;
		TAILQ_FOREACH(t, &rn->tasks, entry)
			if (t->program != NULL && t->program->pid == si.si_pid)
				return;
		waitpid(si.si_pid, NULL, WNOHANG);
	}
}

/* The group's number is not used again before its leader is waited for. */
static int
kill_and_wait(struct program *p)
{
	int status = 0;

	kill(p->pid, SIGKILL);
	kill(-p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) == -1 && errno == EINTR)
		;
	return status;
}

static void
on_ended(int fd, short what, void *arg)
{
	struct program *p = arg;
	struct task *t = p->t;
	struct outcome o;
	int status;

	(void)fd, (void)what;
	status = kill_and_wait(p);
	read_output(p);
	if (p->timed_out)
		outcome_set(&o, 451, 4, 3, 0,
		    "the program did not end in time");
	else
		program_outcome(status, slice_of(p->kept, p->output_len), &o);
	t->program = NULL;
	program_free(p);
	reap_orphans(t->rn);
	task_step_done(t, &o);
}

static void
on_deadline(int fd, short what, void *arg)
{
	struct program *p = arg;

	(void)fd, (void)what;
	p->timed_out = true;
	kill(p->pid, SIGKILL);
	kill(-p->pid, SIGKILL);
}

void
program_abort(struct program *p)
{
	kill_and_wait(p);
	program_free(p);
}

/* ---- its beginning ---- */

static int
watch(struct program *p)
{
	struct task *t = p->t;
	struct event_base *base = t->rn->stage.base;
	uint64_t now = runner_now_ms();
	uint64_t left = t->deadline_ms > now ? t->deadline_ms - now : 1;
	struct timeval tv = { .tv_sec = (time_t)(left / 1000),
		.tv_usec = (suseconds_t)(left % 1000 * 1000) };

	p->ended = event_new(base, p->pid_fd, EV_READ, on_ended, p);
	p->output = event_new(base, p->output_fd, EV_READ | EV_PERSIST,
	    on_output, p);
	p->timer = event_new(base, -1, 0, on_deadline, p);
	if (p->ended == NULL || p->output == NULL || p->timer == NULL ||
	    event_add(p->ended, NULL) == -1 ||
	    event_add(p->output, NULL) == -1 ||
	    event_add(p->timer, &tv) == -1)
		return -1;
	return 0;
}

/* Takes output_fd. */
static bool
start(struct task *t, const struct launch *l, int output_fd)
{
	struct program *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		close(output_fd);
		return false;
	}
	p->t = t;
	p->pid_fd = -1;
	p->output_fd = output_fd;
	p->pid = fork();
	if (p->pid == 0) {
		child_become(l);
		child_exec(l);
	}
	if (p->pid == -1) {
		program_free(p);
		return false;
	}
	p->pid_fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (p->pid_fd == -1 || watch(p) == -1) {
		int saved = errno;

		program_abort(p);
		errno = saved;
		return false;
	}
	t->program = p;
	return true;
}

static bool
prepare_and_start(struct task *t, struct launch *l)
{
	int output[2];
	bool good;

	if (environment_make(t, &l->env) == -1)
		return false;
	l->in = message_file(t);
	good = l->in != -1 && pipe2(output, O_CLOEXEC) == 0;
	if (good) {
		(void)fcntl(output[0], F_SETFL, O_NONBLOCK);
		l->out = output[1];
		good = start(t, l, output[0]);
		close(output[1]);
	}
	if (l->in != -1)
		close(l->in);
	environment_clear(&l->env);
	return good;
}

bool
program_start(struct task *t, const struct step *s, struct outcome *why)
{
	struct launch *l = calloc(1, sizeof(*l));
	enum command_fault fault;
	bool good = false;

	errno = ENOMEM;
	if (l != NULL) {
		l->rn = t->rn;
		l->parent = getpid();
		fault = command_line_split(slice_str(s->text), &l->line,
		    l->room, sizeof(l->room));
		if (fault != COMMAND_OK) {
			log_warning("forward-refused",
			    LOG_QID(t->ask.delivery.queue_id),
			    LOG_CSTR("user", t->rn->user.name),
			    LOG_NUM("line", s->line),
			    LOG_CSTR("reason", command_fault_text(fault)));
			outcome_set(why, 451, 4, 3, 5, "the recipient's "
			    ".forward is not in order: line %u: %s", s->line,
			    command_fault_text(fault));
			free(l);
			return false;
		}
		good = prepare_and_start(t, l);
	}
	if (!good && errno == ENOTSUP)
		outcome_set(why, 554, 5, 6, 3, "binary content that must not "
		    "be encoded cannot be given to a program");
	else if (!good)
		outcome_set(why, 451, 4, 3, 0,
		    "the program could not be started: %s", strerror(errno));
	free(l);
	return good;
}
