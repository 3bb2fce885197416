/* bulkhead status: one row for each process. */
#include "bulkhead/control.h"

#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

struct tally {
	unsigned	processes, not_ready;
};

/* "35s", "12m", "3h05m", "2d04h". */
static void
print_age(uint64_t s)
{
	if (s < 60)
		printf("%10" PRIu64 "s", s);
	else if (s < 3600)
		printf("%10" PRIu64 "m", s / 60);
	else if (s < 86400)
		printf("%7" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
	else
		printf("%7" PRIu64 "d%02" PRIu64 "h", s / 86400,
		    s / 3600 % 24);
}

static void
print_row(void *ctx, const struct operator_process *p)
{
	static const char *const states[] = { "down", "starting", "ready",
		"stopping" };
	struct tally *t = ctx;
	struct account account = { (enum account_kind)p->account_kind,
		p->account_number };
	char text[ACCOUNT_TEXT];

	if (t->processes++ == 0)
		printf("%-24s %-9s %8s %11s %8s %11s  %s\n", "process", "state",
		    "pid", "uid", "restarts", "since", "account");
	t->not_ready += p->state != OPERATOR_STATE_READY;
	printf("%-24s %-9s %8" PRIu32 " %11" PRIu32 " %8" PRIu32 " ",
	    ipc_role_name(p->role), states[p->state], p->pid, p->uid,
	    p->restarts);
	print_age(p->seconds);
	printf("  %s\n", p->account_kind == 0 ? "-" :
	    account_text(account, text));
}

int
do_status(struct bulkhead *b, int argc, char *argv[])
{
	struct tally tally = { 0 };
	struct control_answer answer;
	int fd, status;

	(void)argc, (void)argv;
	if ((fd = control_connect(b)) == -1) {
		printf("%s is not running\n", b->conf_dir);
		return EXIT_NOT_RUNNING;
	}
	if (fd < 0)
		return EX_NOPERM;
	status = control_ask(fd, OPERATOR_STATUS, OPERATOR_ALL, print_row,
	    &tally, &answer);
	close(fd);
	if (status != 0)
		return status;
	return tally.not_ready == 0 ? 0 : 1;
}
