/*
 * What each process may ask of the kernel: one row per role.  supervisor's
 * map says who a process is and where it is jailed; this table says what it
 * can still do there.
 */
#ifndef COMMON_SANDBOX_PROFILES_H
#define COMMON_SANDBOX_PROFILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ipc/roles.h"

/* Groups of system calls; their members stand in calls.c, with reasons. */
enum sandbox_group {
	CALLS_BASE = 1 << 0,	/* memory, events, what it was given */
	CALLS_CLIENTS = 1 << 1,	/* connections that are accepted */
	CALLS_STREAM = 1 << 2,	/* one connection that was passed in */
	CALLS_MEMFD = 1 << 3,	/* memory files to pass on */
	CALLS_FILES = 1 << 4,	/* a tree of files in the jail */
	CALLS_LMDB = 1 << 5,	/* an index there */
	CALLS_WATCH = 1 << 6,	/* inotify on it */
	CALLS_SPOOL = 1 << 7,	/* segments; a thread made before the filter */
	CALLS_PAM = 1 << 8,	/* modules of the host */
	CALLS_CONNECT = 1 << 9,	/* TCP connections to other hosts */
	CALLS_PAIR = 1 << 11,	/* a socket pair, to relay to a session */
	CALLS_DNS = 1 << 10,	/* UDP and TCP to name servers */
	/* Programs that a user names: what ordinary programs do.  Of a process
	 * with this group other calls answer ENOSYS instead of killing. */
	CALLS_PROGRAM = 1 << 12
};

enum sandbox_jail {
	SANDBOX_EMPTY,		/* an empty directory */
	SANDBOX_TREE,		/* a directory with the process's own files */
	SANDBOX_HOST,		/* none: the PAM helper */
	SANDBOX_USER		/* none: the runner, with its user's rights */
};

struct sandbox {
	enum ipc_role	role;
	unsigned	groups;		/* of enum sandbox_group */
	enum sandbox_jail jail;
	bool		often;		/* started per login or delivery */
	uint64_t	address_space;	/* RLIMIT_AS, octets; 0: none */
	uint64_t	file_size;	/* RLIMIT_FSIZE, octets; 0: no file */
	uint64_t	descriptors;	/* RLIMIT_NOFILE */
};

#define SANDBOX_UNLIMITED UINT64_MAX

/* The row of a role; supervisor and control have none: NULL. */
const struct sandbox *sandbox_profile(enum ipc_role);

/* How an argument of a call is checked. */
enum call_check {
	CALL_ANY,		/* whatever its arguments */
	CALL_EQUAL,		/* argument arg is value */
	CALL_WITHOUT,		/* argument arg has none of value's bits */
	CALL_SELF,		/* argument arg is our process id */
	/* Argument 0 is value, and the socket a non-blocking TCP one. */
	CALL_TCP_SOCKET
};

/* One allowed call.  Several rows for one call: any of them will do. */
struct sandbox_call {
	unsigned	group;
	char		 name[28];	/* no pointer: see IPC_NAME_SIZE */
	enum call_check	check;
	unsigned	arg;
	uint64_t	value;
};

/* Row i of the calls, or NULL behind the last. */
const struct sandbox_call *sandbox_call(size_t i);
/* How many different calls the groups allow. */
size_t sandbox_call_count(unsigned groups);

#endif
