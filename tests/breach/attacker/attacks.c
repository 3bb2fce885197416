#include "tests/breach/attacker/attacks.h"

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Every way to a file: by its path, and climbing out of the jail. */
static int
open_any(const char *path)
{
	char up[512];
	int fd, refusal;

	if ((fd = open(path, O_RDONLY)) != -1)
		return fd;
	refusal = errno;
	snprintf(up, sizeof(up), "../../../../../../../..%s", path);
	if ((fd = openat(AT_FDCWD, up, O_RDONLY)) != -1)
		return fd;
	for (int from = 0; from < 16; from++)
		if ((fd = openat(from, up, O_RDONLY)) != -1)
			return fd;
	errno = refusal;
	return -1;
}

static int
reach(const char *path)
{
	return open_any(path) == -1 ? -1 : 0;
}

static int
try_spool(const struct targets *t)
{
	return reach(t->spool);
}

static int
try_mail(const struct targets *t)
{
	return reach(t->mail);
}

static int
try_passwords(const struct targets *t)
{
	return reach(t->passwords);
}

static int
try_key(const struct targets *t)
{
	return reach(t->key);
}

static int
try_shadow(const struct targets *t)
{
	(void)t;
	return reach("/etc/shadow");
}

static int
try_etc(const struct targets *t)
{
	(void)t;
	return reach("/etc/passwd");
}

static int
try_proc(const struct targets *t)
{
	(void)t;
	return reach("/proc/self/mem");
}

static int
try_connect(const struct targets *t)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)t->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd == -1 ? -1 : connect(fd, (struct sockaddr *)&in, sizeof(in));
}

static int
try_udp(const struct targets *t)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)t->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return fd == -1 || sendto(fd, "x", 1, 0, (struct sockaddr *)&in,
	    sizeof(in)) == -1 ? -1 : 0;
}

static int
try_unix_socket(const struct targets *t)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX,
		.sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	(void)t;
	return fd == -1 ? -1 : connect(fd, (struct sockaddr *)&sun,
	    sizeof(sun));
}

static int
try_exec(const struct targets *t)
{
	char *const argv[] = { (char[]){ "sh" }, (char[]){ "-c" },
		(char[]){ "exit 0" }, NULL };

	(void)t;
	return execv("/bin/sh", argv);
}

static int
try_memfd_exec(const struct targets *t)
{
	char *const argv[] = { (char[]){ "x" }, NULL };
	int fd = memfd_create("x", 0);

	(void)t;
	if (fd == -1)
		return -1;
	return (int)syscall(SYS_execveat, fd, "", argv, NULL, AT_EMPTY_PATH);
}

static int
try_fork(const struct targets *t)
{
	pid_t pid = fork();

	(void)t;
	if (pid == 0)
		_exit(0);
	return pid == -1 ? -1 : 0;
}

static int
try_code(const struct targets *t)
{
	(void)t;
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static int
try_mprotect(const struct targets *t)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)t;
	return p == MAP_FAILED ? -1 : mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static int
try_ptrace(const struct targets *t)
{
	return ptrace(PTRACE_ATTACH, t->sibling, NULL, NULL) == -1 ? -1 : 0;
}

static int
try_vm_read(const struct targets *t)
{
	char buf[8];
	struct iovec local = { buf, sizeof(buf) }, remote = { buf,
		sizeof(buf) };

	return process_vm_readv(t->sibling, &local, 1, &remote, 1, 0) == -1 ?
	    -1 : 0;
}

static int
try_signal(const struct targets *t)
{
	return kill(t->sibling, SIGKILL);
}

static int
try_root(const struct targets *t)
{
	(void)t;
	return setresuid(0, 0, 0);
}

static int
try_chroot(const struct targets *t)
{
	(void)t;
	return chroot("..");
}

static int
try_mount(const struct targets *t)
{
	(void)t;
	return mount("proc", "/", "proc", 0, NULL);
}

static int
try_user_namespace(const struct targets *t)
{
	(void)t;
	return unshare(CLONE_NEWUSER);
}

static int
try_bpf(const struct targets *t)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4, .value_size = 4, .max_entries = 1 };

	(void)t;
	return (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static int
try_io_uring(const struct targets *t)
{
	char params[256] = { 0 };

	(void)t;
	return (int)syscall(SYS_io_uring_setup, 1, params);
}

static int
try_dumpable(const struct targets *t)
{
	(void)t;
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static int
try_old_calls(const struct targets *t)
{
	(void)t;
#ifdef __x86_64__
	long result;

	/* The 32-bit door: number 20 there is getpid. */
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
	return result > 0 ? 0 : -1;
#else
	errno = ENOSYS;
	return -1;
#endif
}

const struct attack attacks[] = {
	{ "spool", "open the spool", try_spool },
	{ "mailboxes", "open the mail root", try_mail },
	{ "passwords", "open the password table", try_passwords },
	{ "passwords", "open /etc/shadow", try_shadow },
	{ "keys", "open the private key", try_key },
	{ "host", "open /etc/passwd", try_etc },
	{ "host", "open /proc", try_proc },
	{ "network", "connect by TCP", try_connect },
	{ "network", "send by UDP", try_udp },
	{ "network", "connect to /dev/log", try_unix_socket },
	{ "code", "execute /bin/sh", try_exec },
	{ "code", "execute from memory", try_memfd_exec },
	{ "code", "fork", try_fork },
	{ "code", "map writable code", try_code },
	{ "code", "make data code", try_mprotect },
	{ "keys", "ptrace tlskeyd", try_ptrace },
	{ "keys", "read tlskeyd's memory", try_vm_read },
	{ "siblings", "kill tlskeyd", try_signal },
	{ "root", "become root", try_root },
	{ "root", "chroot again", try_chroot },
	{ "root", "mount", try_mount },
	{ "kernel", "make a user namespace", try_user_namespace },
	{ "kernel", "load BPF", try_bpf },
	{ "kernel", "io_uring", try_io_uring },
	{ "kernel", "be dumpable", try_dumpable },
	{ "kernel", "32-bit system calls", try_old_calls },
};
const unsigned attack_count = sizeof(attacks) / sizeof(attacks[0]);
