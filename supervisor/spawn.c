/*
 * From supervisor's root to the uid of a stage.  The order matters and is
 * all in become(): what needs a privilege comes before the privilege goes,
 * and every step that fails ends the child before it runs anything.
 *
 * One ambient capability, CAP_SYS_CHROOT, survives the exec; the program's
 * own sandbox uses it and drops it (a dynamic program could not be loaded
 * from inside an empty jail).
 */
#include "supervisor/supervisor.h"

#include <linux/capability.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/stage/stage.h"

/* Above everything that the program finds after exec. */
enum { FD_PROGRAM = STAGE_FD_FIRST_FREE, FD_SPARE = 64 };

struct plan {
	const struct identity *id;
	bool	root;		/* the PAM helper by pam_as_root: keeps uid 0 */
	bool	jail;
	int	oom_score;
	uint64_t locked_memory;
	int	program, channel, log, jail_fd, netns, in, out;
	char	form[2];
	const char *name;
};

static void __attribute__((noreturn))
child_failed(const char *step)
{
	const char *text = strerrorname_np(errno);

	log_error("cannot-start-process", LOG_CSTR("step", step),
	    LOG_CSTR("error", text != NULL ? text : "?"));
	_exit(71);	/* EX_OSERR */
}

/* Move a descriptor out of the way of the fixed numbers, then onto its own. */
static int
lift(int fd)
{
	int up = fcntl(fd, F_DUPFD_CLOEXEC, FD_SPARE);

	if (up == -1)
		child_failed("dup");
	return up;
}

static void
place(int fd, int at, bool keep)
{
	if (dup3(fd, at, keep ? 0 : O_CLOEXEC) == -1)
		child_failed("dup");
}

static void
arrange_descriptors(const struct plan *p)
{
	int program = lift(p->program), channel = lift(p->channel);
	int log = lift(p->log), in = lift(p->in), out = lift(p->out);
	int jail = p->jail ? lift(p->jail_fd) : -1;

	place(in, 0, true);
	place(in, 1, true);
	place(out, 2, true);
	place(channel, STAGE_FD_SUPERVISOR, true);
	place(log, STAGE_FD_LOG, true);
	/* Ours goes with close_range; what fails after it is still told. */
	log_renew(STAGE_FD_LOG, (enum log_form)(p->form[0] - '0'));
	if (jail != -1)
		place(jail, STAGE_FD_JAIL, true);
	else
		close(STAGE_FD_JAIL);
	place(program, FD_PROGRAM, false);
	if (close_range(FD_PROGRAM + 1, ~0U, 0) == -1)
		child_failed("close_range");
}

static int
set_capabilities(uint32_t permitted, uint32_t inheritable)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ permitted, permitted, inheritable }, { 0, 0, 0 } };

	return (int)syscall(SYS_capset, &head, data);
}

/*
 * A capability can become inheritable only while the bounding set holds it,
 * and ambient only when it is inheritable.  All else stays as it is.
 */
static void
make_inheritable(uint32_t bits)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) == -1)
		child_failed("capget");
	data[0].inheritable |= bits;
	if (syscall(SYS_capset, &head, data) == -1)
		child_failed("inheritable capability");
}

/* What the bounding set lacks, no exec can ever give back. */
static void
drop_bounding_set(void)
{
	for (unsigned long cap = 0; cap < 64; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1) {
			if (errno == EINVAL)
				break;	/* behind the last one */
			child_failed("bounding set");
		}
	}
}

static void
set_ids(const struct identity *id)
{
	uid_t r, e, s;

	if (setgroups(id->group != 0, &id->group) == -1)
		child_failed("setgroups");
	if (setresgid(id->gid, id->gid, id->gid) == -1)
		child_failed("setresgid");
	if (setresuid(id->uid, id->uid, id->uid) == -1)
		child_failed("setresuid");
	if (getresuid(&r, &e, &s) == -1 || r != id->uid || e != id->uid ||
	    s != id->uid)
		child_failed("getresuid");
}

static void
become(const struct plan *p)
{
	const uint32_t chroot_bit = 1U << CAP_SYS_CHROOT;

	if (p->netns != -1 && setns(p->netns, CLONE_NEWNET) == -1)
		child_failed("setns");
	arrange_descriptors(p);
	if (!p->root) {
		make_inheritable(p->jail ? chroot_bit : 0);
		drop_bounding_set();
		if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1)
			child_failed("keepcaps");
	}
	set_ids(p->id);
	if (!p->root) {
		if (set_capabilities(p->jail ? chroot_bit : 0,
		    p->jail ? chroot_bit : 0) == -1)
			child_failed("capset");
		if (p->jail && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE,
		    CAP_SYS_CHROOT, 0, 0) == -1)
			child_failed("ambient capability");
		if (setuid(0) != -1) {
			errno = EPERM;
			child_failed("root could be had again");
		}
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		child_failed("no_new_privs");
}

/* A wish, too: above the hard limit only CAP_SYS_RESOURCE leads. */
static void
set_locked_memory(uint64_t octets)
{
	struct rlimit want = { octets, octets }, have;

	if (octets == 0 || setrlimit(RLIMIT_MEMLOCK, &want) == 0 ||
	    getrlimit(RLIMIT_MEMLOCK, &have) == -1)
		return;
	have.rlim_cur = have.rlim_max;
	if (setrlimit(RLIMIT_MEMLOCK, &have) == -1)
		log_debug("locked-memory-kept", LOG_ERRNO(errno));
}

/* A wish: without CAP_SYS_RESOURCE it cannot be lowered. */
static void
set_oom_score(int score)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd == -1)
		return;
	if (dprintf(fd, "%d", score) < 0)
		log_debug("oom-score-kept", LOG_ERRNO(errno));
	close(fd);
}

static void
reset_process(void)
{
	struct rlimit none = { 0, 0 };
	sigset_t empty;

	sigemptyset(&empty);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigprocmask(SIG_SETMASK, &empty, NULL);
	setrlimit(RLIMIT_CORE, &none);
	umask(077);
	setsid();
	if (chdir("/") == -1)
		child_failed("chdir");
}

static void __attribute__((noreturn))
child(const struct plan *p)
{
	char *const argv[] = { (char *)(uintptr_t)p->name,
		(char *)(uintptr_t)p->form, NULL };
	char *const envp[] = { NULL };

	reset_process();
	set_oom_score(p->oom_score);
	set_locked_memory(p->locked_memory);
	become(p);
	fexecve(FD_PROGRAM, argv, envp);
	child_failed("exec");
}

/*
 * As fork(2), into a process namespace of its own, or without one where the
 * host does not let us.
 */
static pid_t
fork_alone(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0,
	    0);

	return pid == -1 ? fork() : pid;
}

pid_t
spawn(const struct supervisor *sv, const struct map_process *map,
    const struct identity *id, int channel_fd)
{
	struct plan p = {
		.id = id, .root = id->uid == 0, .jail = map->jail != JAIL_NONE,
		.oom_score = map->oom_score,
		.locked_memory = map->locked_memory, .channel = channel_fd, .log = sv->log_fd,
		.jail_fd = id->jail_fd,
		.netns = map->network ? -1 : sv->netns_fd,
		.in = sv->null_fd,
		.out = sv->foreground ? STDERR_FILENO : sv->null_fd,
		.form = { (char)('0' + sv->log_form), '\0' },
		.name = ipc_role_name(map->role),
	};
	pid_t pid;
	int saved;

	/* Only what the map allows is ever root. */
	if (p.root && map->role != IPC_AUTHD_PAM) {
		errno = EPERM;
		return -1;
	}
	p.program = openat(sv->program_fd, map->program,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (p.program == -1)
		return -1;
	if ((pid = map->alone ? fork_alone() : fork()) == 0)
		child(&p);
	saved = errno;
	close(p.program);
	errno = saved;
	return pid;
}
