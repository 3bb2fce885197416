/*
 * The allowed system calls, in groups.  What is not here kills the process;
 * clone3 alone answers ENOSYS, which glibc knows how to live with.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "common/sandbox/profiles.h"

#define ANY	CALL_ANY, 0, 0
#define CONNECTED	(CALLS_CLIENTS | CALLS_STREAM | CALLS_CONNECT)

static const struct sandbox_call calls[] = {
	/* ---- what it was given ---- */
	{ CALLS_BASE, "read", ANY },
	{ CALLS_BASE, "write", ANY },
	{ CALLS_BASE, "writev", ANY },		/* assert's last words */
	{ CALLS_BASE, "pread64", ANY },		/* settings, tables, contents */
	{ CALLS_BASE, "recvmsg", ANY },		/* channels */
	{ CALLS_BASE, "sendmsg", ANY },		/* channels, syslog */
	{ CALLS_BASE, "close", ANY },
	{ CALLS_BASE, "fstat", ANY },
	/* glibc's fstat is newfstatat of the empty path. */
	{ CALLS_BASE, "newfstatat", CALL_EQUAL, 3, AT_EMPTY_PATH },
	/* Not F_SETOWN, F_SETSIG, F_NOTIFY, which send signals. */
	{ CALLS_BASE, "fcntl", CALL_EQUAL, 1, F_GETFL },
	{ CALLS_BASE, "fcntl", CALL_EQUAL, 1, F_SETFL },
	{ CALLS_BASE, "fcntl", CALL_EQUAL, 1, F_GETFD },
	{ CALLS_BASE, "fcntl", CALL_EQUAL, 1, F_SETFD },
	{ CALLS_BASE, "fcntl", CALL_EQUAL, 1, F_DUPFD_CLOEXEC },
	{ CALLS_BASE, "fcntl", CALL_EQUAL, 1, F_GET_SEALS },
	/* ---- memory: never executable ---- */
	{ CALLS_BASE, "mmap", CALL_WITHOUT, 2, PROT_EXEC },
	{ CALLS_BASE, "mprotect", CALL_WITHOUT, 2, PROT_EXEC },
	{ CALLS_BASE, "munmap", ANY },
	{ CALLS_BASE, "mremap", ANY },
	{ CALLS_BASE, "brk", ANY },
	{ CALLS_BASE, "madvise", ANY },
	{ CALLS_BASE, "futex", ANY },
	{ CALLS_BASE, "sysinfo", ANY },		/* glibc's qsort asks */
	{ CALLS_BASE, "getrandom", ANY },
	/* ---- time and events ---- */
	{ CALLS_BASE, "clock_gettime", ANY },	/* where the vDSO has none */
	{ CALLS_BASE, "epoll_create1", ANY },
	{ CALLS_BASE, "epoll_ctl", ANY },
#ifdef SYS_epoll_wait
	{ CALLS_BASE, "epoll_wait", ANY },
#else
	{ CALLS_BASE, "epoll_pwait", ANY },
#endif
	{ CALLS_BASE, "pipe2", ANY },		/* libevent's own */
	/* libevent looks whether it may trust the environment. */
	{ CALLS_BASE, "getuid", ANY },
	{ CALLS_BASE, "geteuid", ANY },
	{ CALLS_BASE, "getgid", ANY },
	{ CALLS_BASE, "getegid", ANY },
	/* ---- ending, also by abort(3) ---- */
	{ CALLS_BASE, "getpid", ANY },		/* logs; OpenSSL's fork check */
	{ CALLS_BASE, "gettid", ANY },
	{ CALLS_BASE, "tgkill", CALL_SELF, 0, 0 },
	{ CALLS_BASE, "rt_sigprocmask", ANY },
	{ CALLS_BASE, "rt_sigreturn", ANY },
	{ CALLS_BASE, "restart_syscall", ANY },
	{ CALLS_BASE, "exit_group", ANY },

	/* ---- a connection; sendto names no address ---- */
	{ CONNECTED, "recvfrom", ANY },
	{ CONNECTED, "sendto", CALL_EQUAL, 4, 0 },
	{ CONNECTED, "shutdown", ANY },
	{ CONNECTED, "setsockopt", ANY },
	{ CONNECTED, "getsockopt", ANY },
	{ CALLS_CLIENTS, "accept4", ANY },
	{ CALLS_CLIENTS | CALLS_CONNECT, "getsockname", ANY },
	{ CALLS_CLIENTS, "getpeername", ANY },

	/* ---- connections that are made: TCP, and no listening socket ---- */
	{ CALLS_CONNECT, "socket", CALL_TCP_SOCKET, 0, AF_INET },
	{ CALLS_CONNECT, "socket", CALL_TCP_SOCKET, 0, AF_INET6 },
	{ CALLS_CONNECT, "connect", ANY },
	{ CALLS_CONNECT, "bind", ANY },		/* source_address; port 0 */
	/* They only take away: the ports, once the settings have come. */
	{ CALLS_CONNECT | CALLS_DNS, "landlock_create_ruleset", ANY },
	{ CALLS_CONNECT | CALLS_DNS, "landlock_add_rule", ANY },
	{ CALLS_CONNECT | CALLS_DNS, "landlock_restrict_self", ANY },

	/* ---- name servers: what libunbound does; nothing listens ---- */
	{ CALLS_DNS, "socket", CALL_EQUAL, 0, AF_INET },
	{ CALLS_DNS, "socket", CALL_EQUAL, 0, AF_INET6 },
	{ CALLS_DNS, "bind", ANY },		/* a random source port */
	{ CALLS_DNS, "connect", ANY },
	{ CALLS_DNS, "sendto", ANY },
	{ CALLS_DNS, "recvfrom", ANY },
	{ CALLS_DNS, "getsockopt", ANY },
	{ CALLS_DNS, "setsockopt", ANY },

	/* ---- memory files ---- */
	{ CALLS_MEMFD, "memfd_create", ANY },
	{ CALLS_MEMFD, "pwrite64", ANY },
	{ CALLS_MEMFD, "fcntl", CALL_EQUAL, 1, F_ADD_SEALS },

	/* ---- files in the jail ---- */
	{ CALLS_FILES, "openat", ANY },
	{ CALLS_FILES, "openat2", ANY },
	{ CALLS_FILES, "newfstatat", ANY },
	{ CALLS_FILES, "statx", ANY },
	{ CALLS_FILES, "lseek", ANY },
	{ CALLS_FILES, "pwrite64", ANY },
	{ CALLS_FILES, "ftruncate", ANY },
	{ CALLS_FILES, "fsync", ANY },
	{ CALLS_FILES, "fdatasync", ANY },
	{ CALLS_FILES, "syncfs", ANY },		/* many copies at once */
	{ CALLS_FILES, "sync_file_range", ANY },	/* start, do not wait */
	{ CALLS_FILES, "renameat", ANY },
	{ CALLS_FILES, "renameat2", ANY },
	{ CALLS_FILES, "linkat", ANY },
	{ CALLS_FILES, "unlinkat", ANY },
	{ CALLS_FILES, "mkdirat", ANY },
	{ CALLS_FILES, "getdents64", ANY },
	{ CALLS_FILES, "fallocate", ANY },
	{ CALLS_FILES, "utimensat", ANY },	/* the date of an APPEND */
	{ CALLS_FILES, "fchmod", ANY },
	{ CALLS_FILES, "flock", ANY },
	{ CALLS_FILES, "fcntl", CALL_EQUAL, 1, F_SETLK },
	{ CALLS_FILES, "fcntl", CALL_EQUAL, 1, F_SETLKW },
	{ CALLS_FILES, "fcntl", CALL_EQUAL, 1, F_GETLK },

	/* ---- an LMDB environment ---- */
	/* LMDB opens by path, so the directory descriptor becomes the
	 * working directory for that moment. */
	{ CALLS_LMDB, "fchdir", ANY },
	{ CALLS_LMDB, "fstatfs", ANY },		/* is it a file system of disks? */
	{ CALLS_LMDB, "uname", ANY },		/* has it working fdatasync? */
	{ CALLS_LMDB, "msync", ANY },
	{ CALLS_LMDB, "pwritev", ANY },
	/* Of ourselves only: readers of a process that died. */
	{ CALLS_LMDB, "set_robust_list", ANY },

	{ CALLS_WATCH, "inotify_init1", ANY },
	{ CALLS_WATCH, "inotify_add_watch", ANY },
	{ CALLS_WATCH, "inotify_rm_watch", ANY },

	/* ---- segments and the thread that syncs them ---- */
	{ CALLS_SPOOL, "preadv", ANY },
	{ CALLS_SPOOL, "pwritev", ANY },
	{ CALLS_SPOOL, "pwritev2", ANY },
	{ CALLS_SPOOL, "fadvise64", ANY },
	{ CALLS_SPOOL, "sync_file_range", ANY },
	{ CALLS_SPOOL, "sched_getaffinity", ANY },	/* malloc's arenas */
	{ CALLS_SPOOL, "clock_nanosleep", ANY },	/* bench: a slow disk */
	{ CALLS_SPOOL, "set_robust_list", ANY },	/* a thread's first steps */
	{ CALLS_SPOOL, "rseq", ANY },
	{ CALLS_SPOOL | CALLS_PAM, "exit", ANY },	/* and its last */

	/* ---- what modules of PAM and of the name service are known to use,
	 * and what running unix_chkpwd(8) takes ---- */
	{ CALLS_PAM, "mmap", ANY },
	{ CALLS_PAM, "mprotect", ANY },
	{ CALLS_PAM, "open", ANY },
	{ CALLS_PAM, "stat", ANY },
	{ CALLS_PAM, "lstat", ANY },
	{ CALLS_PAM, "access", ANY },
	{ CALLS_PAM, "faccessat", ANY },
	{ CALLS_PAM, "faccessat2", ANY },
	{ CALLS_PAM, "readlink", ANY },
	{ CALLS_PAM, "readlinkat", ANY },
	{ CALLS_PAM, "getcwd", ANY },
	{ CALLS_PAM, "chdir", ANY },
	{ CALLS_PAM, "fcntl", ANY },
	{ CALLS_PAM, "ioctl", ANY },
	{ CALLS_PAM, "dup", ANY },
	{ CALLS_PAM, "dup2", ANY },
	{ CALLS_PAM, "dup3", ANY },
	{ CALLS_PAM, "pipe", ANY },
	{ CALLS_PAM, "poll", ANY },
	{ CALLS_PAM, "ppoll", ANY },
	{ CALLS_PAM, "select", ANY },
	{ CALLS_PAM, "pselect6", ANY },
	{ CALLS_PAM, "socket", ANY },
	{ CALLS_PAM, "socketpair", ANY },
	{ CALLS_PAM, "connect", ANY },
	{ CALLS_PAM, "bind", ANY },		/* netlink's own address */
	{ CALLS_PAM, "sendto", ANY },
	{ CALLS_PAM, "sendmmsg", ANY },
	{ CALLS_PAM, "recvfrom", ANY },
	{ CALLS_PAM, "getsockname", ANY },
	{ CALLS_PAM, "getpeername", ANY },
	{ CALLS_PAM, "getsockopt", ANY },
	{ CALLS_PAM, "setsockopt", ANY },
	{ CALLS_PAM, "shutdown", ANY },
	{ CALLS_PAM, "getresuid", ANY },
	{ CALLS_PAM, "getresgid", ANY },
	{ CALLS_PAM, "setresuid", ANY },	/* modules drop what they had */
	{ CALLS_PAM, "setresgid", ANY },
	{ CALLS_PAM, "setuid", ANY },
	{ CALLS_PAM, "setgid", ANY },
	{ CALLS_PAM, "setreuid", ANY },
	{ CALLS_PAM, "setregid", ANY },
	{ CALLS_PAM, "setfsuid", ANY },
	{ CALLS_PAM, "setfsgid", ANY },
	{ CALLS_PAM, "getgroups", ANY },
	{ CALLS_PAM, "setgroups", ANY },
	{ CALLS_PAM, "getppid", ANY },
	{ CALLS_PAM, "getpgrp", ANY },
	{ CALLS_PAM, "getrlimit", ANY },
	{ CALLS_PAM, "prlimit64", ANY },
	{ CALLS_PAM, "getrusage", ANY },
	{ CALLS_PAM, "capget", ANY },
	{ CALLS_PAM, "umask", ANY },
	{ CALLS_PAM, "uname", ANY },
	{ CALLS_PAM, "statfs", ANY },
	{ CALLS_PAM, "fstatfs", ANY },
	{ CALLS_PAM, "alarm", ANY },
	{ CALLS_PAM, "setitimer", ANY },
	{ CALLS_PAM, "nanosleep", ANY },
	{ CALLS_PAM, "clock_nanosleep", ANY },
	{ CALLS_PAM, "time", ANY },
	{ CALLS_PAM, "gettimeofday", ANY },
	{ CALLS_PAM, "sched_getaffinity", ANY },
	{ CALLS_PAM, "sched_yield", ANY },
	{ CALLS_PAM, "rt_sigaction", ANY },
	{ CALLS_PAM, "rt_sigpending", ANY },
	{ CALLS_PAM, "sigaltstack", ANY },
	{ CALLS_PAM, "clone", ANY },
	{ CALLS_PAM, "fork", ANY },
	{ CALLS_PAM, "vfork", ANY },
	{ CALLS_PAM, "execve", ANY },
	{ CALLS_PAM, "wait4", ANY },
	{ CALLS_PAM, "setsid", ANY },	/* pam_exec(8) and what it runs */
	{ CALLS_PAM, "setpgid", ANY },
	{ CALLS_PAM, "arch_prctl", ANY },
	{ CALLS_PAM, "set_tid_address", ANY },
	{ CALLS_PAM, "set_robust_list", ANY },
	{ CALLS_PAM, "rseq", ANY },
	{ CALLS_PAM, "close_range", ANY },
	{ CALLS_PAM, "readv", ANY },
	{ CALLS_PAM, "timerfd_create", ANY },
	{ CALLS_PAM, "timerfd_settime", ANY },
	{ CALLS_PAM, "eventfd2", ANY },
};

const struct sandbox_call *
sandbox_call(size_t i)
{
	return i < sizeof(calls) / sizeof(calls[0]) ? &calls[i] : NULL;
}

static bool
counted_before(unsigned groups, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if ((calls[k].group & groups) != 0 &&
		    strcmp(calls[k].name, calls[i].name) == 0)
			return true;
	return false;
}

size_t
sandbox_call_count(unsigned groups)
{
	size_t n = 0;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		n += (calls[i].group & groups) != 0 &&
		    !counted_before(groups, i);
	return n;
}
