/*
 * The map of the ship: every process, what it runs as, where it is jailed,
 * what it is given and whom it can talk to.  Nothing else in the suite says
 * any of that again.  common/sandbox/profiles.c adds, row by row, what each
 * process may ask of the kernel.
 */
#ifndef SUPERVISOR_MAP_H
#define SUPERVISOR_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/instance/listener.h"
#include "common/ipc/roles.h"
#include "common/settings/settings.h"

enum map_jail {
	JAIL_EMPTY,	/* an empty directory of root's */
	JAIL_SPOOL,	/* spool_dir, which belongs to the process's uid */
	JAIL_HOME,	/* the owner's home */
	JAIL_NONE	/* stays outside: the PAM helper and the runner */
};

enum map_start {
	START_ALWAYS,	/* with the instance, again whenever it ends */
	START_DEMAND	/* for one ticket, voucher or attempt */
};

struct map_process {
	enum ipc_role	 role;
	const char	*program;	/* file in program_dir */
	const char	*user;		/* named uid; NULL: the owner's */
	const char	*group;		/* one supplementary group, or NULL */
	enum map_start	 start;
	unsigned	 count;		/* instances, where START_ALWAYS */
	enum map_jail	 jail;
	bool		 network;	/* stays in the host's namespace */
	const char	*conf;		/* its own settings file, or NULL */
	unsigned	 tables;	/* STAGE_TABLE_BIT()s */
	/* Listener blocks in conf; NULL: none are bound for it. */
	const struct settings_block *listeners;
	enum listener_service service;	/* only those of this one */
	bool		 injection;	/* listens on run_dir/inject, too */
	bool only_listening;            /* not started without a listener */
	unsigned	 stop_phase;	/* lower ones stop first */
	/* Added to its score when memory runs out: who is killed first. */
	int		 oom_score;
	unsigned	 deadline_s;	/* it is killed then; 0: none */
	/* A process namespace of its own, where the host allows: whatever it
	 * has started ends with it. */
	bool		 alone;
	uint64_t	 locked_memory;	/* RLIMIT_MEMLOCK to ask for; 0: none */
};

/* One row for each role that is a process; supervisor has none. */
const struct map_process *map_process(enum ipc_role);
const struct map_process *map_at(size_t i);	/* NULL behind the last */

/* Do a process of role a and one of role b share a channel? */
bool map_has_edge(enum ipc_role a, enum ipc_role b);

/* The numeric uid of a role, from the base of the instance. */
unsigned map_uid_offset(enum ipc_role);

#endif
