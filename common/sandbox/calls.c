/*
 * The allowed system calls, in groups.  What is not here kills the process;
 * clone3 alone answers ENOSYS, which glibc knows how to live with.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
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

	/* ---- a pair of sockets that are connected to each other alone ---- */
	{ CALLS_PAIR, "socketpair", CALL_EQUAL, 0, AF_UNIX },

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
	{ CALLS_SPOOL | CALLS_PAM | CALLS_PROGRAM, "exit", ANY },	/* and its last */

	/* ---- what modules of PAM and of the name service are known to use,
	 * and what running unix_chkpwd(8) takes ---- */
	{ CALLS_PAM | CALLS_PROGRAM, "mmap", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "mprotect", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "open", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "stat", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "lstat", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "access", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "faccessat", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "faccessat2", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "readlink", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "readlinkat", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "getcwd", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "chdir", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "fcntl", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "ioctl", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "dup", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "dup2", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "dup3", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "pipe", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "poll", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "ppoll", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "select", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "pselect6", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "socket", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "socketpair", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "connect", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "bind", ANY },		/* netlink's own address */
	{ CALLS_PAM | CALLS_PROGRAM, "sendto", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "sendmmsg", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "recvfrom", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "getsockname", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "getpeername", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "getsockopt", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "setsockopt", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "shutdown", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "getresuid", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "getresgid", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "setresuid", ANY },	/* modules drop what they had */
	{ CALLS_PAM | CALLS_PROGRAM, "setresgid", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "setuid", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "setgid", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "setreuid", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "setregid", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "setfsuid", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "setfsgid", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "getgroups", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "setgroups", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "getppid", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "getpgrp", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "getrlimit", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "prlimit64", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "getrusage", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "capget", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "umask", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "uname", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "statfs", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "fstatfs", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "alarm", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "setitimer", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "nanosleep", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "clock_nanosleep", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "time", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "gettimeofday", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "sched_getaffinity", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "sched_yield", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "rt_sigaction", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "rt_sigpending", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "sigaltstack", ANY },
	{ CALLS_PAM, "clone", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "fork", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "vfork", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "execve", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "wait4", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "setsid", ANY },	/* pam_exec(8) and what it runs */
	{ CALLS_PAM | CALLS_PROGRAM, "setpgid", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "arch_prctl", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "set_tid_address", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "set_robust_list", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "rseq", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "close_range", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "readv", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "timerfd_create", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "timerfd_settime", ANY },
	{ CALLS_PAM | CALLS_PROGRAM, "eventfd2", ANY },

	/* ---- what programs of users do besides ---- */
	/* No namespace of their own: with one comes much of the kernel that
	 * only root could reach otherwise. */
	{ CALLS_PROGRAM, "clone", CALL_WITHOUT, 0, 0x7e020080 },
	{ CALLS_PROGRAM, "creat", ANY },
	{ CALLS_PROGRAM, "mkdir", ANY },
	{ CALLS_PROGRAM, "rmdir", ANY },
	{ CALLS_PROGRAM, "rename", ANY },
	{ CALLS_PROGRAM, "link", ANY },
	{ CALLS_PROGRAM, "unlink", ANY },
	{ CALLS_PROGRAM, "symlink", ANY },
	{ CALLS_PROGRAM, "symlinkat", ANY },
	{ CALLS_PROGRAM, "chmod", ANY },
	{ CALLS_PROGRAM, "fchmodat", ANY },
	{ CALLS_PROGRAM, "chown", ANY },
	{ CALLS_PROGRAM, "fchown", ANY },
	{ CALLS_PROGRAM, "lchown", ANY },
	{ CALLS_PROGRAM, "fchownat", ANY },
	{ CALLS_PROGRAM, "mknodat", ANY },
	{ CALLS_PROGRAM, "utime", ANY },
	{ CALLS_PROGRAM, "utimes", ANY },
	{ CALLS_PROGRAM, "futimesat", ANY },
	{ CALLS_PROGRAM, "truncate", ANY },
	{ CALLS_PROGRAM, "getdents", ANY },
	{ CALLS_PROGRAM, "fchdir", ANY },
	{ CALLS_PROGRAM, "readahead", ANY },
	{ CALLS_PROGRAM, "sync", ANY },
	{ CALLS_PROGRAM, "preadv", ANY },
	{ CALLS_PROGRAM, "pwritev", ANY },
	{ CALLS_PROGRAM, "preadv2", ANY },
	{ CALLS_PROGRAM, "pwritev2", ANY },
	{ CALLS_PROGRAM, "sendfile", ANY },
	{ CALLS_PROGRAM, "copy_file_range", ANY },
	{ CALLS_PROGRAM, "splice", ANY },
	{ CALLS_PROGRAM, "tee", ANY },
	{ CALLS_PROGRAM, "vmsplice", ANY },
	{ CALLS_PROGRAM, "epoll_create", ANY },
	{ CALLS_PROGRAM, "epoll_pwait", ANY },
	{ CALLS_PROGRAM, "epoll_pwait2", ANY },
	{ CALLS_PROGRAM, "epoll_wait", ANY },
	{ CALLS_PROGRAM, "eventfd", ANY },
	{ CALLS_PROGRAM, "timerfd_gettime", ANY },
	{ CALLS_PROGRAM, "signalfd", ANY },
	{ CALLS_PROGRAM, "signalfd4", ANY },
	{ CALLS_PROGRAM, "inotify_init", ANY },
	{ CALLS_PROGRAM, "inotify_init1", ANY },
	{ CALLS_PROGRAM, "inotify_add_watch", ANY },
	{ CALLS_PROGRAM, "inotify_rm_watch", ANY },
	{ CALLS_PROGRAM, "accept", ANY },
	{ CALLS_PROGRAM, "accept4", ANY },
	{ CALLS_PROGRAM, "listen", ANY },
	{ CALLS_PROGRAM, "recvmmsg", ANY },
	{ CALLS_PROGRAM, "msync", ANY },
	{ CALLS_PROGRAM, "mincore", ANY },
	{ CALLS_PROGRAM, "mlock", ANY },
	{ CALLS_PROGRAM, "munlock", ANY },
	{ CALLS_PROGRAM, "mlockall", ANY },
	{ CALLS_PROGRAM, "munlockall", ANY },
	{ CALLS_PROGRAM, "membarrier", ANY },
	{ CALLS_PROGRAM, "memfd_create", ANY },
	{ CALLS_PROGRAM, "kill", ANY },
	{ CALLS_PROGRAM, "tkill", ANY },
	{ CALLS_PROGRAM, "tgkill", ANY },
	{ CALLS_PROGRAM, "rt_sigsuspend", ANY },
	{ CALLS_PROGRAM, "rt_sigtimedwait", ANY },
	{ CALLS_PROGRAM, "rt_sigqueueinfo", ANY },
	{ CALLS_PROGRAM, "pause", ANY },
	{ CALLS_PROGRAM, "waitid", ANY },
	{ CALLS_PROGRAM, "pidfd_open", ANY },
	{ CALLS_PROGRAM, "setrlimit", ANY },
	{ CALLS_PROGRAM, "getpriority", ANY },
	{ CALLS_PROGRAM, "setpriority", ANY },
	{ CALLS_PROGRAM, "sched_setaffinity", ANY },
	{ CALLS_PROGRAM, "sched_getparam", ANY },
	{ CALLS_PROGRAM, "sched_getscheduler", ANY },
	{ CALLS_PROGRAM, "sched_get_priority_max", ANY },
	{ CALLS_PROGRAM, "sched_get_priority_min", ANY },
	{ CALLS_PROGRAM, "getsid", ANY },
	{ CALLS_PROGRAM, "getpgid", ANY },
	{ CALLS_PROGRAM, "getitimer", ANY },
	{ CALLS_PROGRAM, "times", ANY },
	{ CALLS_PROGRAM, "clock_getres", ANY },
	{ CALLS_PROGRAM, "timer_create", ANY },
	{ CALLS_PROGRAM, "timer_settime", ANY },
	{ CALLS_PROGRAM, "timer_gettime", ANY },
	{ CALLS_PROGRAM, "timer_delete", ANY },
	{ CALLS_PROGRAM, "timer_getoverrun", ANY },
	{ CALLS_PROGRAM, "prctl", ANY },
	{ CALLS_PROGRAM, "getcpu", ANY },
	{ CALLS_PROGRAM, "getxattr", ANY },
	{ CALLS_PROGRAM, "lgetxattr", ANY },
	{ CALLS_PROGRAM, "fgetxattr", ANY },
	{ CALLS_PROGRAM, "listxattr", ANY },
	{ CALLS_PROGRAM, "llistxattr", ANY },
	{ CALLS_PROGRAM, "flistxattr", ANY },
	{ CALLS_PROGRAM, "setxattr", ANY },
	{ CALLS_PROGRAM, "lsetxattr", ANY },
	{ CALLS_PROGRAM, "fsetxattr", ANY },
	{ CALLS_PROGRAM, "get_robust_list", ANY },
	{ CALLS_PROGRAM, "semget", ANY },
	{ CALLS_PROGRAM, "semop", ANY },
	{ CALLS_PROGRAM, "semctl", ANY },
	{ CALLS_PROGRAM, "shmget", ANY },
	{ CALLS_PROGRAM, "shmat", ANY },
	{ CALLS_PROGRAM, "shmdt", ANY },
	{ CALLS_PROGRAM, "shmctl", ANY },
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
