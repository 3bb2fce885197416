/*
 * Every profile is entered, as supervisor would have it, and what it must
 * not do is done, one child for each attempt.  Takes root; without it only
 * the table is checked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <lmdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/log/log.h"
#include "common/sandbox/sandbox.h"

enum { UID = 64123 };	/* nobody's */

#define REFUSED	100	/* exit status: answered with an error */
#define DONE	0	/* exit status: it worked */
#define KILLED	(-SIGSYS)

struct place {
	char	root[64];	/* the test's directory */
	int	empty, tree;	/* jails */
	int	log[2];		/* pipe */
};

typedef void action(void);

static void
result(long r)
{
	_exit(r == -1 ? REFUSED : DONE);
}

static void
raise_inheritable(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) == -1)
		_exit(90);
	data[0].inheritable |= 1U << CAP_SYS_CHROOT;
	if (syscall(SYS_capset, &head, data) == -1)
		_exit(91);
}

/* What supervisor does before exec; see supervisor/spawn.c. */
static void
become(bool capable)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	raise_inheritable();
	for (unsigned long cap = 0; cap < 64; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1 ||
	    setgroups(0, NULL) == -1 || setresgid(UID, UID, UID) == -1 ||
	    setresuid(UID, UID, UID) == -1)
		_exit(92);
	if (capable)
		data[0].effective = data[0].permitted = data[0].inheritable =
		    1U << CAP_SYS_CHROOT;
	if (syscall(SYS_capset, &head, data) == -1 ||
	    (capable && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE,
		CAP_SYS_CHROOT, 0, 0) == -1) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		_exit(93);
}

static void
arrange(const struct place *p, const struct sandbox *profile)
{
	int jail = fcntl(profile->jail == SANDBOX_TREE ? p->tree : p->empty,
	    F_DUPFD_CLOEXEC, 64);
	int log = fcntl(p->log[1], F_DUPFD_CLOEXEC, 64);

	if (dup2(0, 3) == -1 || dup2(log, 4) == -1 || dup2(jail, 5) == -1)
		_exit(94);
	close_range(6, ~0U, 0);
	signal(SIGSYS, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	log_open("test", 4, LOG_FORM_LINES);
}

/* Run act inside the sandbox of role; how the child ended. */
static int
inside(const struct place *p, enum ipc_role role, action *act)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		arrange(p, sandbox_profile(role));
		become(true);
		sandbox_enter(role);
		act();
		_exit(DONE);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* ---- what nobody may do ---- */

static void
try_socket(void)
{
	result(socket(AF_INET, SOCK_STREAM, 0));
}

static void
try_socket_unix(void)
{
	result(socket(AF_UNIX, SOCK_STREAM, 0));
}

static void
try_connect(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = 1 };

	result(connect(3, (struct sockaddr *)&sin, sizeof(sin)));
}

static void
try_sendto(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = 1 };

	result(sendto(3, "x", 1, 0, (struct sockaddr *)&sin, sizeof(sin)));
}

static void
try_exec(void)
{
	char *const none[] = { NULL };

	result(execve("/bin/sh", none, none));
}

static void
try_fork(void)
{
	result(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static void
try_thread(void)
{
	result(syscall(SYS_clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, 0,
	    0, 0, 0));
}

static void
try_kill(void)
{
	result(kill(getpid(), 0));
}

static void
try_tgkill(void)
{
	result(syscall(SYS_tgkill, 1, 1, SIGTERM));
}

static void
try_ptrace(void)
{
	result(ptrace(PTRACE_TRACEME, 0, 0, 0));
}

static void
try_mmap_exec(void)
{
	result(mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
}

static void
try_mprotect_exec(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	result(mprotect(at, 4096, PROT_READ | PROT_EXEC));
}

static void
try_ioctl(void)
{
	result(ioctl(0, TIOCSTI, "x"));
}

static void
try_setown(void)
{
	result(fcntl(3, F_SETOWN, 1));
}

#define TRY(name, ...) \
	static void try_##name(void) { result(syscall(SYS_##name, ##__VA_ARGS__)); }
TRY(prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)
TRY(setuid, 0)
TRY(setresuid, 0, 0, 0)
TRY(chroot, "/")
TRY(unshare, 0)
TRY(setns, 3, 0)
TRY(mount, "x", "/", "tmpfs", 0, NULL)
TRY(bpf, 0, NULL, 0)
TRY(io_uring_setup, 1, NULL)
TRY(userfaultfd, 0)
TRY(keyctl, 0, 0, 0, 0, 0)
TRY(perf_event_open, NULL, 0, 0, 0, 0)
TRY(process_vm_readv, 1, NULL, 0, NULL, 0, 0)
TRY(name_to_handle_at, -1, "/", NULL, NULL, 0)
TRY(open_by_handle_at, -1, NULL, 0)
TRY(pidfd_open, 1, 0)
TRY(kexec_load, 0, 0, NULL, 0)
TRY(init_module, NULL, 0, "")
TRY(reboot, 0, 0, 0, NULL)
TRY(seccomp, 0, 0, NULL)
TRY(memfd_secret, 0)
TRY(mknodat, -1, "x", 0, 0)
TRY(symlinkat, "/", -1, "x")
TRY(chmod, "/", 0777)
TRY(shmget, 1, 4096, 0)
TRY(personality, 0)
TRY(execveat, -1, "", NULL, NULL, 0)

#ifdef __x86_64__
static void
try_int80(void)
{
	int r;

	/* 20 is getpid there. */
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory");
	result(r);
}

static void
try_x32(void)
{
	result(syscall(0x40000000 + SYS_getpid));
}
#endif

static const struct {
	const char	*name;
	action		*act;
	bool		 pam;	/* the PAM helper may */
} forbidden[] = {
	{ "socket", try_socket, true },
	{ "socket unix", try_socket_unix, true },
	{ "connect", try_connect, true },
	{ "sendto with an address", try_sendto, true },
	{ "execve", try_exec, true },
	{ "execveat", try_execveat, false },
	{ "fork", try_fork, true },
	{ "thread", try_thread, true },
	{ "kill", try_kill, false },
	{ "tgkill", try_tgkill, false },
	{ "ptrace", try_ptrace, false },
	{ "mmap executable", try_mmap_exec, true },
	{ "mprotect executable", try_mprotect_exec, true },
	{ "ioctl", try_ioctl, true },
	{ "fcntl F_SETOWN", try_setown, true },
	{ "prctl", try_prctl, false },
	{ "setuid", try_setuid, true },
	{ "setresuid", try_setresuid, true },
	{ "chroot", try_chroot, false },
	{ "unshare", try_unshare, false },
	{ "setns", try_setns, false },
	{ "mount", try_mount, false },
	{ "bpf", try_bpf, false },
	{ "io_uring_setup", try_io_uring_setup, false },
	{ "userfaultfd", try_userfaultfd, false },
	{ "keyctl", try_keyctl, false },
	{ "perf_event_open", try_perf_event_open, false },
	{ "process_vm_readv", try_process_vm_readv, false },
	{ "name_to_handle_at", try_name_to_handle_at, false },
	{ "open_by_handle_at", try_open_by_handle_at, false },
	{ "pidfd_open", try_pidfd_open, false },
	{ "kexec_load", try_kexec_load, false },
	{ "init_module", try_init_module, false },
	{ "reboot", try_reboot, false },
	{ "seccomp", try_seccomp, false },
	{ "memfd_secret", try_memfd_secret, false },
	{ "mknodat", try_mknodat, false },
	{ "symlinkat", try_symlinkat, false },
	{ "chmod", try_chmod, false },
	{ "shmget", try_shmget, false },
	{ "personality", try_personality, false },
#ifdef __x86_64__
	{ "int 0x80", try_int80, false },
	{ "x32", try_x32, false },
#endif
};

/* What a sanitizer's relaxation allows is tested in the production build. */
static bool
relaxed(const char *name)
{
#ifdef BULKHEAD_SANITIZE
	return strstr(name, "executable") != NULL || strcmp(name, "ioctl") == 0;
#else
	(void)name;
	return false;
#endif
}

static void
need_root(void)
{
	if (geteuid() != 0) {
		print_message("takes root\n");
		skip();
	}
}

/* Who connects does; resolver's sockets are not of one type alone. */
static bool
is_its_work(const struct sandbox *profile, const char *name)
{
	if (strcmp(name, "connect") == 0)
		return (profile->groups & (CALLS_CONNECT | CALLS_DNS)) != 0;
	return (profile->groups & CALLS_DNS) != 0 &&
	    (strcmp(name, "socket") == 0 ||
	    strcmp(name, "sendto with an address") == 0);
}

static void
test_forbidden(void **state)
{
	const struct place *p = *state;

	need_root();
	for (int role = 0; role < IPC_ROLE_COUNT; role++) {
		const struct sandbox *profile =
		    sandbox_profile((enum ipc_role)role);

		/* Of the runner's more below. */
		if (profile == NULL || profile->jail == SANDBOX_USER)
			continue;
		for (size_t i = 0; i < sizeof(forbidden) /
		    sizeof(forbidden[0]); i++) {
			int r;

			if ((forbidden[i].pam && profile->jail ==
			    SANDBOX_HOST) || relaxed(forbidden[i].name) ||
			    is_its_work(profile, forbidden[i].name))
				continue;
			r = inside(p, (enum ipc_role)role, forbidden[i].act);
			if (r != KILLED)
				fail_msg("%s: %s: %d",
				    ipc_role_name((enum ipc_role)role),
				    forbidden[i].name, r);
		}
	}
}

/*
 * A program that a user names may do what that user may, but gets nothing of
 * the kernel's that only root should touch, and no namespace.
 */
TRY(clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)

static void
test_runner(void **state)
{
	static const struct {
		const char	*name;
		action		*act;
	} refused[] = {
		{ "user namespace", try_clone }, { "ptrace", try_ptrace },
		{ "setuid", try_setuid }, { "setresuid", try_setresuid },
		{ "chroot", try_chroot }, { "unshare", try_unshare },
		{ "setns", try_setns }, { "mount", try_mount },
		{ "bpf", try_bpf }, { "io_uring_setup", try_io_uring_setup },
		{ "userfaultfd", try_userfaultfd }, { "keyctl", try_keyctl },
		{ "perf_event_open", try_perf_event_open },
		{ "process_vm_readv", try_process_vm_readv },
		{ "open_by_handle_at", try_open_by_handle_at },
		{ "kexec_load", try_kexec_load },
		{ "init_module", try_init_module }, { "reboot", try_reboot },
		{ "seccomp", try_seccomp }, { "memfd_secret", try_memfd_secret },
	};
	const struct place *p = *state;

	need_root();
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (inside(p, IPC_RUNNER, refused[i].act) != REFUSED)
			fail_msg("%s was not refused", refused[i].name);
	assert_int_equal(inside(p, IPC_RUNNER, try_fork), DONE);
	assert_int_equal(inside(p, IPC_RUNNER, try_socket_unix), DONE);
#ifdef __x86_64__
	assert_int_equal(inside(p, IPC_RUNNER, try_int80), KILLED);
#endif
}

/* ---- files ---- */

static void
open_passwd(void)
{
	result(open("/etc/passwd", O_RDONLY));
}

static void
open_above(void)
{
	int fd = open("/../../etc/passwd", O_RDONLY);

	result(fd);
}

static void
make_file(void)
{
	result(open("/new", O_CREAT | O_WRONLY, 0600));
}

static void
test_files(void **state)
{
	const struct place *p = *state;

	need_root();
	for (int i = 0; i < IPC_ROLE_COUNT; i++) {
		enum ipc_role role = (enum ipc_role)i;
		const struct sandbox *profile = sandbox_profile(role);
		bool tree;
		int want;

		if (profile == NULL || profile->jail == SANDBOX_HOST ||
		    profile->jail == SANDBOX_USER)
			continue;
		tree = profile->jail == SANDBOX_TREE;
		want = tree ? REFUSED : KILLED;
#ifdef BULKHEAD_SANITIZE
		want = REFUSED;
#endif
		assert_int_equal(inside(p, role, open_passwd), want);
		assert_int_equal(inside(p, role, open_above), want);
		assert_int_equal(inside(p, role, make_file),
		    tree ? DONE : want);
	}
}

/* ---- what works ---- */

static int
by_value(const void *a, const void *b)
{
	return memcmp(a, b, 8);
}

/* Events, memory of every size, sorting, time, random numbers, the log. */
static void
daily_work(void)
{
	struct event_base *base = event_base_new();
	char *big = malloc(40 << 20), *small;
	struct timeval soon = { 0, 1000 };
	time_t now = time(NULL);
	struct tm tm;

	if (base == NULL || big == NULL)
		_exit(1);
	memset(big, 1, 40 << 20);
	arc4random_buf(big, 1 << 16);
	qsort(big, 8192, 8, by_value);
	big = realloc(big, 80 << 20);
	small = strdup("x");
	free(small);
	free(big);
	localtime_r(&now, &tm);
	event_base_loopexit(base, &soon);
	event_base_dispatch(base);
	event_base_free(base);
	log_notice("worked");
}

static void
memory_file(void)
{
	int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	result(fd != -1 && pwrite(fd, "x", 1, 0) == 1 && fcntl(fd, F_ADD_SEALS,
	    F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0 ?
	    0 : -1);
}

static void
many_memory_files(void)
{
	int fd = memfd_create("x", MFD_CLOEXEC);

	result(pwrite(fd, "x", 1, 1 << 30));
}

static void
file_work(void)
{
	int dir = open("/", O_RDONLY | O_DIRECTORY);
	int fd = openat(dir, "a", O_CREAT | O_RDWR, 0600);
	struct stat sb;

	if (dir == -1 || fd == -1 || mkdirat(dir, "d", 0700) == -1 ||
	    write(fd, "x", 1) != 1 || fsync(fd) == -1 ||
	    flock(dir, LOCK_EX) == -1 ||
	    renameat(dir, "a", dir, "d/b") == -1 ||
	    linkat(dir, "d/b", dir, "c", 0) == -1 ||
	    fstatat(dir, "c", &sb, AT_SYMLINK_NOFOLLOW) == -1 ||
	    unlinkat(dir, "c", 0) == -1 || unlinkat(dir, "d/b", 0) == -1 ||
	    unlinkat(dir, "d", AT_REMOVEDIR) == -1 || fsync(dir) == -1)
		_exit(REFUSED);
}

static void
index_work(void)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi db;

	if (mkdirat(AT_FDCWD, "/index", 0700) == -1 && errno != EEXIST)
		_exit(REFUSED);
	if (mdb_env_create(&env) != 0 ||
	    mdb_env_set_mapsize(env, 1 << 30) != 0 ||
	    mdb_env_set_maxdbs(env, 4) != 0 ||
	    mdb_env_open(env, "/index", 0, 0600) != 0 ||
	    mdb_txn_begin(env, NULL, 0, &txn) != 0 ||
	    mdb_dbi_open(txn, "x", MDB_CREATE, &db) != 0)
		_exit(REFUSED);
	for (int i = 0; i < 20000; i++) {
		char octets[100] = { 0 };
		MDB_val k = { sizeof(i), &i }, v = { sizeof(octets), octets };

		if (mdb_put(txn, db, &k, &v, 0) != 0)
			_exit(REFUSED);
	}
	if (mdb_txn_commit(txn) != 0 ||
	    mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0)
		_exit(REFUSED);
	mdb_txn_abort(txn);
	mdb_env_close(env);
}

static void
watch_work(void)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	result(inotify_add_watch(fd, "/", IN_CREATE));
}

static void
give_up(void)
{
	abort();
}

static void
clone3_is_absent(void)
{
	_exit(syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS ? 0 : 1);
}

static void
limits_hold(void)
{
	/* Without prlimit64 they can only be felt. */
	for (int i = 0; i < 70000; i++)
		if (fcntl(0, F_DUPFD_CLOEXEC, 3) == -1)
			_exit(errno == EMFILE ? 0 : 1);
	_exit(1);
}

static void
test_allowed(void **state)
{
	const struct place *p = *state;

	need_root();
	for (int i = 0; i < IPC_ROLE_COUNT; i++) {
		enum ipc_role role = (enum ipc_role)i;
		const struct sandbox *profile = sandbox_profile(role);
		unsigned g;

		if (profile == NULL)
			continue;
		g = profile->groups;
		assert_int_equal(inside(p, role, daily_work), DONE);
		assert_int_equal(inside(p, role, clone3_is_absent), DONE);
		assert_int_equal(inside(p, role, limits_hold), DONE);
		assert_int_equal(inside(p, role, give_up), -SIGABRT);
		if (g & CALLS_MEMFD)
			assert_int_equal(inside(p, role, memory_file), DONE);
		if (g & CALLS_FILES && profile->jail == SANDBOX_TREE)
			assert_int_equal(inside(p, role, file_work), DONE);
		if (g & CALLS_LMDB)
			assert_int_equal(inside(p, role, index_work), DONE);
		if (g & CALLS_WATCH)
			assert_int_equal(inside(p, role, watch_work), DONE);
	}
	assert_int_equal(inside(p, IPC_POP3D, many_memory_files), -SIGXFSZ);
}

/* ---- connections ---- */

/* To a listening socket on loopback; DONE when it was reached. */
static void
connect_to(int listener)
{
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (getsockname(listener, (struct sockaddr *)&sa, &len) == -1)
		_exit(96);
	if (connect(fd, (struct sockaddr *)&sa, len) == -1 &&
	    errno != EINPROGRESS)
		_exit(errno == EACCES ? REFUSED : 97);
	_exit(DONE);
}

static int
listener(uint16_t *port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	*port = ntohs(sa.sin_port);
	return fd;
}

/* Standard input, which the sandbox leaves open, is the listener. */
static int
connect_inside(const struct place *p, int to, uint16_t only, action *act)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		dup2(to, 0);
		arrange(p, sandbox_profile(IPC_REMOTE_RELAY));
		become(true);
		sandbox_enter(IPC_REMOTE_RELAY);
		if (!sandbox_connect_only(&only, 1))
			_exit(98);
		act();
		_exit(DONE);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void
connect_to_stdin(void)
{
	connect_to(0);
}

static void
bind_a_port(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons(42),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	result(bind(fd, (struct sockaddr *)&sa, sizeof(sa)));
}

static void
bind_an_address(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	result(bind(fd, (struct sockaddr *)&sa, sizeof(sa)));
}

static void
open_udp(void)
{
	result(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

static void
test_connections(void **state)
{
	const struct place *p = *state;
	uint16_t port, other;
	int to, away;

	need_root();
	to = listener(&port);
	away = listener(&other);
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) < 4)
		skip();
	assert_int_equal(connect_inside(p, to, port, connect_to_stdin), DONE);
	assert_int_equal(connect_inside(p, away, port, connect_to_stdin),
	    REFUSED);
	assert_int_equal(connect_inside(p, to, port, bind_an_address), DONE);
	assert_int_equal(connect_inside(p, to, port, bind_a_port), REFUSED);
	assert_int_equal(connect_inside(p, to, port, open_udp), KILLED);
	assert_int_equal(connect_inside(p, to, port, try_socket_unix), KILLED);
	close(to);
	close(away);
}

/* ---- a thread made before the filter ---- */

static void *
thread_main(void *arg)
{
	int *go = arg;

	while (__atomic_load_n(go, __ATOMIC_ACQUIRE) == 0)
		usleep(1000);
	syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
	return NULL;
}

static int
make_thread(void *arg)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, thread_main, arg) == 0 ? 0 : -1;
}

static void
test_thread_is_filtered(void **state)
{
	const struct place *p = *state;
	int status;
	pid_t pid;

	need_root();
	if ((pid = fork()) == 0) {
		static int go;

		arrange(p, sandbox_profile(IPC_QUEUE_MANAGER));
		become(true);
		sandbox_enter_with(IPC_QUEUE_MANAGER, make_thread, &go);
		__atomic_store_n(&go, 1, __ATOMIC_RELEASE);
		for (;;)
			usleep(1000);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

/* ---- refusing to start ---- */

static void
starts_not(const struct place *p, enum ipc_role role, bool root, bool capable,
    const char *lacks)
{
	char text[4096];
	int status;
	ssize_t n;
	pid_t pid;

	while (read(p->log[0], text, sizeof(text)) > 0)
		;
	if ((pid = fork()) == 0) {
		arrange(p, sandbox_profile(IPC_SMTPD));
		if (!root)
			become(capable);
		else if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
			_exit(95);
		sandbox_enter(role);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 71);
	n = read(p->log[0], text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "event=sandbox-failed"));
	if (strstr(text, lacks) == NULL)
		fail_msg("%s, not: %s", text, lacks);
}

static void
test_refuses_to_start(void **state)
{
	const struct place *p = *state;

	need_root();
	starts_not(p, IPC_SMTPD, true, true, "lacks=\"a uid of its own\"");
	starts_not(p, IPC_SMTPD, false, false, "lacks=chroot");
	starts_not(p, IPC_SUPERVISOR, false, true,
	    "lacks=\"a profile for this role\"");
}

static void
test_writable_jail(void **state)
{
	struct place p = *(const struct place *)*state;

	need_root();
	p.empty = p.tree;
	starts_not(&p, IPC_SMTPD, false, true, "lacks=\"an empty jail\"");
}

/* ---- the table ---- */

static void
test_table(void **state)
{
	(void)state;
	for (int i = 0; i < IPC_ROLE_COUNT; i++) {
		enum ipc_role role = (enum ipc_role)i;
		const struct sandbox *s = sandbox_profile(role);

		if (role == IPC_SUPERVISOR || role == IPC_CONTROL) {
			assert_null(s);
			continue;
		}
		assert_non_null(s);
		assert_true(s->groups & CALLS_BASE);
		print_message("%-22s %zu calls\n", ipc_role_name(role),
		    sandbox_call_count(s->groups));
		if (s->groups & CALLS_CLIENTS) {
			assert_true(sandbox_call_count(s->groups) <= 46);
			assert_int_equal(s->jail, SANDBOX_EMPTY);
			assert_false(s->groups & CALLS_FILES);
		}
		assert_int_equal((s->groups & CALLS_PAM) != 0,
		    s->jail == SANDBOX_HOST);
		assert_int_equal(s->jail == SANDBOX_HOST,
		    role == IPC_AUTHD_PAM);
		assert_int_equal((s->groups & CALLS_PROGRAM) != 0,
		    s->jail == SANDBOX_USER);
		assert_int_equal(s->jail == SANDBOX_USER, role == IPC_RUNNER);
	}
}

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	char path[96];

	snprintf(p->root, sizeof(p->root), "/tmp/bulkhead-test-XXXXXX");
	if (mkdtemp(p->root) == NULL || chmod(p->root, 0755) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/empty", p->root);
	if (mkdir(path, 0755) == -1)
		return -1;
	p->empty = open(path, O_RDONLY | O_DIRECTORY);
	snprintf(path, sizeof(path), "%s/tree", p->root);
	if (mkdir(path, 0700) == -1 || (geteuid() == 0 &&
	    chown(path, UID, UID) == -1))
		return -1;
	p->tree = open(path, O_RDONLY | O_DIRECTORY);
	if (p->empty == -1 || p->tree == -1 ||
	    pipe2(p->log, O_NONBLOCK) == -1)
		return -1;
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", p->root);
	if (system(command) != 0)	/* NOLINT(cert-env33-c): ours */
		return -1;
	free(p);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_refuses_to_start),
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_runner),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_connections),
		cmocka_unit_test(test_thread_is_filtered),
		cmocka_unit_test(test_writable_jail),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
