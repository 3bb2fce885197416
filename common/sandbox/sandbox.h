/*
 * The jail of one process, entered once, at its start, for good.
 *
 * Supervisor has already given the process its uid, no_new_privs and one
 * ambient capability, CAP_SYS_CHROOT, across exec.  The rest happens here,
 * in the order in which sandbox_enter() reads, and is then proved from
 * inside: what must be refused is tried.
 *
 * After it: no path but those in the jail, no capability and no way to one,
 * no descriptor but 0 to 4, no environment, not dumpable, limits, and a short
 * list of system calls; any other kills the process.  Time zone and log
 * descriptor stay usable; localtime_r() works, mktime() does not.
 */
#ifndef COMMON_SANDBOX_SANDBOX_H
#define COMMON_SANDBOX_SANDBOX_H

#include "common/sandbox/profiles.h"

/* Descriptor 5 holds the directory to enter; see common/stage/stage.h. */
enum { SANDBOX_JAIL_FD = 5 };

/*
 * Enter the sandbox of role.  On any failure of a required part: one log
 * line that says which, and exit status 71.  Landlock and the empty network
 * namespace are second layers: where the host lacks them that is logged.
 */
void sandbox_enter(enum ipc_role);

/*
 * The same, with a step just before the system call filter, when everything
 * else holds already: for threads, which the filter then covers as well.
 * before answers 0, or -1 with errno, which ends the process.
 */
void sandbox_enter_with(enum ipc_role, int (*before)(void *), void *ctx);

/*
 * For a process with CALLS_CONNECT or CALLS_DNS, once, inside the sandbox, when its
 * settings have come: from now on TCP connections go to these ports (host
 * order) only, and no socket is bound to a port of our choice.  Needs Landlock
 * ABI 4; false where the kernel has less.
 */
bool sandbox_connect_only(const uint16_t *ports, size_t n);

#endif
