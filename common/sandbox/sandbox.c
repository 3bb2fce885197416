#include "common/sandbox/sandbox.h"

#include <linux/capability.h>
#include <linux/close_range.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/log/log.h"
#include "common/sandbox/internal.h"

enum { LOG_FD = 4 };	/* common/stage/stage.h */

#ifdef BULKHEAD_SANITIZE
/* Looking for leaks takes a helper process and /proc. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

void
sandbox_fail(const char *part, int error)
{
	if (error != 0)
		log_error("sandbox-failed", LOG_CSTR("lacks", part),
		    LOG_ERRNO(error));
	else
		log_error("sandbox-failed", LOG_CSTR("lacks", part));
	_exit(71);	/* EX_OSERR */
}

static void
enter_jail(const struct sandbox *profile)
{
	tzset();	/* /etc/localtime is out of reach in a moment */
	if (profile->jail == SANDBOX_HOST || profile->jail == SANDBOX_USER)
		return;
	if (fchdir(SANDBOX_JAIL_FD) == -1 || chroot(".") == -1)
		sandbox_fail("chroot", errno);
	close(SANDBOX_JAIL_FD);
}

static void
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1)
		sandbox_fail("empty ambient set", errno);
	/* The bounding set is empty already: only root can do that. */
	if (syscall(SYS_capset, &head, none) == -1)
		sandbox_fail("no capabilities", errno);
}

static void
limit(int resource, uint64_t most)
{
	struct rlimit now, want;

	if (most == SANDBOX_UNLIMITED)
		return;
	if (getrlimit((__rlimit_resource_t)resource, &now) == -1)
		sandbox_fail("limits", errno);
	want.rlim_max = most < now.rlim_max ? most : now.rlim_max;
	want.rlim_cur = want.rlim_max;
	if (setrlimit((__rlimit_resource_t)resource, &want) == -1)
		sandbox_fail("limits", errno);
}

/* A limit on files would silence a log that is one. */
static bool
log_is_file(void)
{
	struct stat sb;

	return fstat(LOG_FD, &sb) == 0 && S_ISREG(sb.st_mode);
}

static void
set_limits(const struct sandbox *profile)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NOFILE, profile->descriptors);
	if (!log_is_file())
		limit(RLIMIT_FSIZE, profile->file_size);
#ifndef BULKHEAD_SANITIZE
	/* A sanitizer reserves terabytes. */
	if (profile->address_space != 0)
		limit(RLIMIT_AS, profile->address_space);
#endif
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		sandbox_fail("not dumpable", errno);
	umask(077);
}

static void
forget(void)
{
	if (close_range(SANDBOX_JAIL_FD, ~0U, 0) == -1)
		sandbox_fail("closed descriptors", errno);
	clearenv();
}

static void
report(const struct sandbox *profile, int landlock, bool network)
{
	log_at(profile->often ? LEVEL_DEBUG : LEVEL_NOTICE, "sandboxed",
	    LOG_NUM("calls", sandbox_call_count(profile->groups)),
	    LOG_INT("landlock", landlock),
	    LOG_CSTR("network", network ? "shared" : "none"),
	    LOG_BOOL("jail", profile->jail < SANDBOX_HOST));
}

void
sandbox_enter_with(enum ipc_role role, int (*before)(void *), void *ctx)
{
	const struct sandbox *profile = sandbox_profile(role);
	bool executes, network;
	int landlock;

	if (profile == NULL)
		sandbox_fail("a profile for this role", 0);
	executes = (profile->groups & (CALLS_PAM | CALLS_PROGRAM)) != 0;
	sandbox_prove_start(profile);
	enter_jail(profile);
	drop_capabilities();
	set_limits(profile);
	forget();
	network = !sandbox_network_is_empty();
	sandbox_prove_jail(profile);
	landlock = sandbox_landlock(profile);
	if (before != NULL && before(ctx) == -1)
		sandbox_fail("what comes before the filter", errno);
	if (!executes)
		limit(RLIMIT_NPROC, 0);
	sandbox_filter(profile);
	sandbox_prove_filter();
	/* What the making of the filter took lies in the midst of the heap. */
	if (profile->often)
		malloc_trim(0);
	report(profile, landlock, network);
}

void
sandbox_enter(enum ipc_role role)
{
	sandbox_enter_with(role, NULL, NULL);
}
