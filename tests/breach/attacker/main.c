/*
 * The attacker: takes the place of any program of the suite, is started by
 * the real supervisor as that program's uid, and then
 *
 * - for each attack forks a child that enters the sandbox of its role by
 *   sandbox_enter() and tries it; how that ends is logged;
 * - or sends forgeries: one, drawn at random, on every channel that it was
 *   given, and the next one when it has been started again.
 *
 * What to attack stands in the stage's own settings file, which means
 * something else to the program whose place it took.
 */
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/start.h"
#include "common/log/log.h"
#include "common/sandbox/sandbox.h"
#include "common/stage/stage.h"
#include "tests/breach/attacker/attacks.h"
#include "tests/breach/attacker/forgeries.h"

struct attacker {
	struct stage	stage;
	enum ipc_role	role;
	struct targets	targets;
	bool		armed, done;
	unsigned	tickets;	/* made-up ones to present */
	bool		forge;		/* instead of the attacks */
	unsigned	forgery;
};

static void
parse_line(struct attacker *a, const char *line)
{
	int pid;

	/* Each stands in a comment, so that any program's file may have it. */
	sscanf(line, "#spool=%255s", a->targets.spool);
	sscanf(line, "#mail=%255s", a->targets.mail);
	sscanf(line, "#passwords=%255s", a->targets.passwords);
	sscanf(line, "#key=%255s", a->targets.key);
	sscanf(line, "#port=%d", &a->targets.port);
	sscanf(line, "#tickets=%u", &a->tickets);
	if (strcmp(line, "#forge") == 0)
		a->forge = true;
	if (sscanf(line, "#sibling=%d", &pid) == 1) {
		a->targets.sibling = pid;
		a->armed = true;
	}
}

static int
on_settings(void *ctx, int shared_fd, int own_fd)
{
	struct attacker *a = ctx;
	char text[8192], *line, *rest = text;
	ssize_t n = pread(own_fd, text, sizeof(text) - 1, 0);

	(void)shared_fd;
	if (n == -1)
		return -1;
	text[n] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL)
		parse_line(a, line);
	return 0;
}

static int
on_table(void *ctx, enum stage_table table, int fd)
{
	(void)ctx, (void)table, (void)fd;
	return 0;
}

static int
on_listener(void *ctx, const char *name, int fd)
{
	(void)ctx, (void)name, (void)fd;
	return 0;
}

static int
on_channel(void *ctx, enum ipc_role peer, unsigned instance, int fd)
{
	struct attacker *a = ctx;

	(void)instance;
	if (!a->forge)
		return 0;
	forgery_send(fd, a->forgery);
	log_info("forged", LOG_CSTR("peer", ipc_role_name(peer)),
	    LOG_NUM("forgery", a->forgery));
	return 0;
}

static void
run_child(const struct attacker *a, const struct attack *attack)
{
	static const uint16_t dns = 53;
	int result;

	sandbox_enter(a->role);
	if (a->role == IPC_RESOLVER)	/* as it does before all questions */
		sandbox_connect_only(&dns, 1);
	result = attack->run(&a->targets);
	_exit(result == 0 ? 0 : errno == 0 ? 255 : errno);
}

static void
report(const struct attack *attack, int status)
{
	char text[64];

	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "%s", WTERMSIG(status) == SIGSYS ?
		    "killed" : strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == 0)
		snprintf(text, sizeof(text), "BREACH");
	else
		snprintf(text, sizeof(text), "%s",
		    strerrorname_np(WEXITSTATUS(status)) != NULL ?
		    strerrorname_np(WEXITSTATUS(status)) : "?");
	log_info("attack", LOG_CSTR("asset", attack->asset),
	    LOG_CSTR("attack", attack->name), LOG_CSTR("result", text));
}

static void
attack_all(const struct attacker *a)
{
	for (unsigned i = 0; i < attack_count; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			run_child(a, &attacks[i]);
		if (pid == -1 || waitpid(pid, &status, 0) == -1) {
			log_error("cannot-attack", LOG_ERRNO(errno));
			continue;
		}
		report(&attacks[i], status);
	}
	log_info("attacked", LOG_NUM("attacks", attack_count));
}

/* The right message with a ticket that nobody issued. */
static void
present_tickets(struct attacker *a)
{
	enum ipc_type type = a->role == IPC_LOCAL_DELIVERY ?
	    IPC_WORKER_START : IPC_SESSION_START;
	unsigned nfds = type == IPC_SESSION_START ? 2 : 0;
	char body[START_BODY_MAX];
	struct ticket ticket;

	for (; a->tickets > 0; a->tickets--) {
		int fds[2] = { dup(0), dup(0) };

		if (nfds == 0) {
			close(fds[0]);
			close(fds[1]);
		}
		arc4random_buf(&ticket, sizeof(ticket));
		ipc_send(a->stage.supervisor, type, a->tickets, slice_of(body,
		    start_ticket_encode(&ticket, body)), fds, nfds);
	}
}

static int
on_refusal(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	(void)ctx, (void)ch, (void)m;
	log_info("ticket-refused");
	return 0;
}

static int
on_success(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	(void)ctx, (void)ch, (void)m;
	log_info("ticket-accepted");
	return 0;
}

/* A program that stands in for one that is given chains, keys or a quota. */
static int
on_given(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	(void)ctx, (void)ch, (void)m;
	return 0;
}

static const struct ipc_handler answers[] = {
	{ IPC_STAGE_CERTIFICATE, on_given },
	{ IPC_STAGE_KEY, on_given },
	{ IPC_OWNER_QUOTA, on_given },
	{ IPC_SESSION_REFUSED, on_refusal },
	{ IPC_WORKER_REFUSED, on_refusal },
	{ IPC_SESSION_STARTED, on_success },
	{ IPC_WORKER_STARTED, on_success },
};

static int
on_commit(void *ctx, bool first)
{
	struct attacker *a = ctx;

	(void)first;
	if (a->armed && !a->done && !a->forge) {
		a->done = true;
		attack_all(a);
	}
	present_tickets(a);
	if (a->forge)
		forgery_send(STAGE_FD_SUPERVISOR, a->forgery);
	return 0;
}

int
main(int argc, char *argv[])
{
	struct attacker a = { .role = ipc_role_by_name(argv[0]),
		.forgery = arc4random_uniform(forgery_count()) };
	struct stage_hooks hooks = { .role = a.role, .settings = on_settings,
		.table = on_table, .listener = on_listener,
		.channel = on_channel, .commit = on_commit,
		.more = answers, .more_count = sizeof(answers) /
		    sizeof(answers[0]) };

	if (a.role == IPC_ROLE_COUNT)
		return 64;
	stage_open(argc, argv, &hooks);
	stage_attach(&a.stage, &hooks, &a);
	return stage_run(&a.stage);
}
