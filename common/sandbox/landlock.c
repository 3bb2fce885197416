/*
 * Landlock, by raw system calls: glibc has no wrappers, and the headers of
 * the oldest host that we build on do not know the newest rights.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/sandbox/internal.h"
#include "common/sandbox/sandbox.h"

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset	444
#define SYS_landlock_add_rule		445
#define SYS_landlock_restrict_self	446
#endif

enum {
	CREATE_RULESET_VERSION = 1,
	RULE_PATH_BENEATH = 1,
	RULE_NET_PORT = 2
};

/* landlock(7): access rights for files. */
enum {
	FS_EXECUTE = 1 << 0, FS_WRITE_FILE = 1 << 1, FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3, FS_REMOVE_DIR = 1 << 4, FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_DIR = 1 << 7, FS_MAKE_REG = 1 << 8,
	FS_REFER = 1 << 13,	/* since ABI 2 */
	FS_TRUNCATE = 1 << 14,	/* since ABI 3 */
	FS_ALL_1 = (1 << 13) - 1,
	FS_IOCTL_DEV = 1 << 15	/* since ABI 5 */
};

enum { NET_BIND_TCP = 1, NET_CONNECT_TCP = 2 };		/* since ABI 4 */
enum { SCOPE_ABSTRACT_UNIX = 1, SCOPE_SIGNAL = 2 };	/* since ABI 6 */

struct ruleset {
	uint64_t	fs, net, scoped;
};

struct path_beneath {
	uint64_t	allowed;
	int32_t		fd;
} __attribute__((packed));

struct net_port {
	uint64_t	allowed, port;
};

static uint64_t
known_rights(int abi)
{
	uint64_t fs = FS_ALL_1;

	if (abi >= 2)
		fs |= FS_REFER;
	if (abi >= 3)
		fs |= FS_TRUNCATE;
	if (abi >= 5)
		fs |= FS_IOCTL_DEV;
	return fs;
}

/* What stays allowed below "/", which is the jail where there is one. */
static uint64_t
wanted_rights(enum sandbox_jail jail)
{
	switch (jail) {
	case SANDBOX_EMPTY:
		break;
	case SANDBOX_TREE:
		return FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE |
		    FS_TRUNCATE | FS_REMOVE_FILE | FS_REMOVE_DIR |
		    FS_MAKE_REG | FS_MAKE_DIR | FS_REFER;
	case SANDBOX_USER:
		/* All that the user may; what counts is that no signal and no
		 * ptrace(2) gets out. */
		return ~(uint64_t)0;
	case SANDBOX_HOST:
		return FS_READ_FILE | FS_READ_DIR | FS_EXECUTE |
		    FS_WRITE_FILE | FS_IOCTL_DEV;
	}
	return 0;
}

static void
allow_root(int rules, uint64_t rights)
{
	struct path_beneath beneath = { .allowed = rights };

	if (rights == 0)
		return;
	beneath.fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (beneath.fd == -1 ||
	    syscall(SYS_landlock_add_rule, rules, RULE_PATH_BENEATH, &beneath,
		0) == -1)
		sandbox_fail("landlock", errno);
	close(beneath.fd);
}

/* Which Landlock the kernel has; less than 1: none. */
static long
landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0,
	    CREATE_RULESET_VERSION);
}

int
sandbox_landlock(const struct sandbox *profile)
{
	long abi = landlock_abi();
	bool executes = (profile->groups & CALLS_PAM) != 0;
	bool connects = (profile->groups &
	    (CALLS_CONNECT | CALLS_DNS)) != 0;
	struct ruleset all = { 0 };
	size_t size = sizeof(all.fs);
	int rules;

	if (abi < 1)
		return 0;
	all.fs = known_rights((int)abi);
	/* Who connects names the ports later: sandbox_connect_only(). */
	if (abi >= 4 && !executes && !connects) {
		all.net = NET_BIND_TCP | NET_CONNECT_TCP;
		size = offsetof(struct ruleset, scoped);
	}
	if (abi >= 6) {
		all.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
		/* Name services may use abstract sockets. */
		if (executes)
			all.scoped = SCOPE_SIGNAL;
		size = sizeof(all);
	}
	rules = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
	if (rules == -1)
		sandbox_fail("landlock", errno);
	allow_root(rules, wanted_rights(profile->jail) & all.fs);
	if (syscall(SYS_landlock_restrict_self, rules, 0) == -1)
		sandbox_fail("landlock", errno);
	close(rules);
	return (int)abi;
}

static void
allow_port(int rules, uint64_t right, uint16_t port)
{
	struct net_port rule = { .allowed = right, .port = port };

	if (syscall(SYS_landlock_add_rule, rules, RULE_NET_PORT, &rule, 0) ==
	    -1)
		sandbox_fail("landlock ports", errno);
}

bool
sandbox_connect_only(const uint16_t *ports, size_t n)
{
	struct ruleset all = { .net = NET_BIND_TCP | NET_CONNECT_TCP };
	int rules;

	if (landlock_abi() < 4)
		return false;
	rules = (int)syscall(SYS_landlock_create_ruleset, &all,
	    offsetof(struct ruleset, scoped), 0);
	if (rules == -1)
		sandbox_fail("landlock ports", errno);
	for (size_t i = 0; i < n; i++)
		allow_port(rules, NET_CONNECT_TCP, ports[i]);
	allow_port(rules, NET_BIND_TCP, 0);	/* an address without a port */
	if (syscall(SYS_landlock_restrict_self, rules, 0) == -1)
		sandbox_fail("landlock ports", errno);
	close(rules);
	return true;
}
