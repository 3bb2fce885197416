/* bulkhead restart: asked for, and waited for until the stage serves again. */
#include "bulkhead/check.h"
#include "bulkhead/control.h"

#include <stdio.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
	LOOK_EVERY_MS	= 100,
	/* Above the patience that supervisor has with sessions of a stage. */
	RESTART_MOST_S	= 60,
	INSTANCES_MAX	= 64,
};

/* The processes of one stage at one moment. */
struct running {
	enum ipc_role	role;
	size_t		n;
	uint32_t	pids[INSTANCES_MAX];
	bool		all_ready;
};

static void
take_row(void *ctx, const struct operator_process *p)
{
	struct running *now = ctx;

	/* Those of an account are not the stage's own. */
	if (p->role != now->role || p->account_kind != 0)
		return;
	now->all_ready = now->all_ready && p->state == OPERATOR_STATE_READY;
	if (now->n < INSTANCES_MAX)
		now->pids[now->n++] = p->pid;
}

static int
look(const struct bulkhead *b, unsigned role, struct running *now)
{
	struct control_answer answer;
	int fd, status = control_open(b, &fd);

	*now = (struct running){ .role = (enum ipc_role)role,
		.all_ready = true };
	if (status != 0)
		return status;
	status = control_ask(fd, OPERATOR_STATUS, OPERATOR_ALL, take_row, now,
	    &answer);
	close(fd);
	return status;
}

static bool
is_new(const struct running *before, const struct running *now)
{
	for (size_t i = 0; i < now->n; i++)
		for (size_t k = 0; k < before->n; k++)
			if (now->pids[i] == before->pids[k])
				return false;
	return now->n > 0 && now->all_ready;
}

/*
 * Its sockets are bound anew by the next process, so whoever goes on after
 * this command must find them.
 */
static int
wait_for_new(const struct bulkhead *b, unsigned role, const char *name,
    const struct running *before)
{
	const struct timespec pause = { .tv_nsec = LOOK_EVERY_MS * 1000000L };
	struct running now;
	int status;

	for (int i = 0; i < RESTART_MOST_S * 1000 / LOOK_EVERY_MS; i++) {
		if ((status = look(b, role, &now)) != 0)
			return status;
		if (is_new(before, &now))
			return 0;
		nanosleep(&pause, NULL);
	}
	return fail(EX_TEMPFAIL,
	    "%s: not ready again after %d seconds; the log says why", name,
	    RESTART_MOST_S);
}

int
do_restart(struct bulkhead *b, int argc, char *argv[])
{
	int role = control_stage(argv[0]), status;
	struct running before;

	(void)argc;
	if (role == -1)
		return EX_USAGE;
	if ((status = check_quietly(b, CHECK_RUNNING)) != 0 ||
	    (status = look(b, (unsigned)role, &before)) != 0 ||
	    (status = control_command(b, OPERATOR_RESTART, (unsigned)role,
	     argv[0])) != 0)
		return status;
	return wait_for_new(b, (unsigned)role, argv[0], &before);
}
