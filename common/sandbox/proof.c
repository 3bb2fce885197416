/* What must be refused is tried. */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/sandbox/internal.h"
#include "common/sandbox/sandbox.h"

static void
prove(bool good, const char *part)
{
	if (!good)
		sandbox_fail(part, 0);
}

void
sandbox_prove_start(const struct sandbox *profile)
{
	uid_t r, e, s;

	prove(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "no_new_privs");
	/* The PAM helper is root where the configuration says so. */
	if (profile->jail == SANDBOX_HOST)
		return;
	prove(getresuid(&r, &e, &s) == 0 && r != 0 && e == r && s == r,
	    "a uid of its own");
}

static void
no_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	prove(syscall(SYS_capget, &head, data) == 0, "capabilities");
	for (int i = 0; i < 2; i++)
		prove((data[i].effective | data[i].permitted |
		    data[i].inheritable) == 0, "no capabilities");
}

/* Nothing that an exec could give back. */
static void
no_capabilities_to_come(void)
{
	for (int cap = 0; cap < 64; cap++) {
		int has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (has == -1)
			break;	/* behind the last one */
		prove(has == 0, "empty bounding set");
		prove(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0,
		    0) == 0, "empty ambient set");
	}
}

static bool
same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Nothing lies above "/", and an empty jail is empty and stays so. */
static void
jailed(const struct sandbox *profile)
{
	struct stat root, up, here;
	size_t entries = 0;
	DIR *dir;

	prove(stat("/", &root) == 0 && stat("/..", &up) == 0 &&
	    stat(".", &here) == 0 && same(&root, &up) && same(&root, &here),
	    "chroot");
	prove(access("/proc/self", F_OK) == -1 && errno == ENOENT,
	    "no /proc in the jail");
	if (profile->jail != SANDBOX_EMPTY)
		return;
	prove(open("/etc/passwd", O_RDONLY | O_CLOEXEC) == -1 &&
	    errno == ENOENT, "no /etc/passwd in the jail");
	/* It may be forbidden to list it. */
	if ((dir = opendir("/")) != NULL) {
		while (readdir(dir) != NULL)
			entries++;
		closedir(dir);
		prove(entries <= 2, "an empty jail");
	}
	prove(mkdir("/x", 0700) == -1, "a jail that it cannot write to");
}

static void
closed(void)
{
	for (int fd = SANDBOX_JAIL_FD; fd < 1024; fd++)
		prove(fcntl(fd, F_GETFD) == -1, "no other descriptor");
	prove(environ == NULL || environ[0] == NULL, "no environment");
}

void
sandbox_prove_jail(const struct sandbox *profile)
{
	prove(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0, "not dumpable");
	no_capabilities();
	closed();
	if (profile->jail == SANDBOX_HOST)
		return;
	prove(setuid(0) == -1 && setgid(0) == -1, "no way back to root");
	prove(chroot("/") == -1 && errno == EPERM, "no chroot any more");
	no_capabilities_to_come();
	if (profile->jail != SANDBOX_USER)
		jailed(profile);
}

/*
 * Of the kernel itself clone3 with nothing says EINVAL: ENOSYS is our own
 * answer, so the filter is in force.
 */
void
sandbox_prove_filter(void)
{
	prove(syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS,
	    "system call filter");
}

/* connect(2) of a datagram socket sends nothing; it asks for a route. */
static bool
routed(int family, const void *sa, socklen_t len)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool good;

	if (fd == -1)
		return false;
	good = connect(fd, sa, len) == 0;
	close(fd);
	return good;
}

bool
sandbox_network_is_empty(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in there = here;
	struct sockaddr_in6 here6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(9), .sin6_addr = in6addr_loopback };

	there.sin_addr.s_addr = htonl(0xc0000201);	/* 192.0.2.1 */
	return !routed(AF_INET, &here, sizeof(here)) &&
	    !routed(AF_INET, &there, sizeof(there)) &&
	    !routed(AF_INET6, &here6, sizeof(here6));
}
