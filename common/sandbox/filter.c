/* From the table of calls to a filter in the kernel. */
#include <seccomp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log/log.h"
#include "common/sandbox/internal.h"

#ifdef BULKHEAD_SANITIZE
/*
 * What a sanitizer's run time needs besides; containment is tested without.
 * Each program prints this list when it starts.
 */
static const char *const relaxed[] = { "sigaltstack", "rt_sigaction",
	"getrlimit", "prlimit64", "sched_yield", "sched_getaffinity",
	"readlink", "openat", "lseek", "readv", "ioctl", "mmap", "mprotect" };
#endif

static void
must(int r, const char *what)
{
	if (r != 0) {
		log_error("sandbox-call-refused", LOG_CSTR("call", what));
		sandbox_fail("system call filter", -r);
	}
}

static void
allow(scmp_filter_ctx filter, const struct sandbox_call *c)
{
	struct scmp_arg_cmp cmp[2] = { { .arg = c->arg }, { .arg = 1 } };
	unsigned n = 1;
	int nr = seccomp_syscall_resolve_name(c->name);

	switch (c->check) {
	case CALL_ANY:
		must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, nr, 0), c->name);
		return;
	case CALL_EQUAL:
		cmp[0].op = SCMP_CMP_EQ;
		cmp[0].datum_a = c->value;
		break;
	case CALL_WITHOUT:
		cmp[0].op = SCMP_CMP_MASKED_EQ;
		cmp[0].datum_a = c->value;	/* mask */
		cmp[0].datum_b = 0;
		break;
	case CALL_SELF:
		cmp[0].op = SCMP_CMP_EQ;
		cmp[0].datum_a = (scmp_datum_t)getpid();
		break;
	case CALL_TCP_SOCKET:
		cmp[0].op = cmp[1].op = SCMP_CMP_EQ;
		cmp[0].datum_a = c->value;
		cmp[1].datum_a = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
		n = 2;
		break;
	}
	must(seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, nr, n, cmp),
	    c->name);
}

/* An unconditional row makes those with conditions needless. */
static bool
unconditional(unsigned groups, const char *name)
{
	const struct sandbox_call *c;

	for (size_t i = 0; (c = sandbox_call(i)) != NULL; i++)
		if ((c->group & groups) != 0 && c->check == CALL_ANY &&
		    strcmp(c->name, name) == 0)
			return true;
	return false;
}

static void
relax(scmp_filter_ctx filter)
{
#ifdef BULKHEAD_SANITIZE
	for (size_t i = 0; i < sizeof(relaxed) / sizeof(relaxed[0]); i++) {
		struct sandbox_call c = { .check = CALL_ANY };

		snprintf(c.name, sizeof(c.name), "%s", relaxed[i]);
		allow(filter, &c);
		log_notice("sandbox-relaxed", LOG_CSTR("call", relaxed[i]));
	}
#else
	(void)filter;
#endif
}

void
sandbox_filter(const struct sandbox *profile)
{
	/* A program that tries one way, and then another, must live. */
	scmp_filter_ctx filter = seccomp_init(
	    (profile->groups & CALLS_PROGRAM) != 0 ? SCMP_ACT_ERRNO(ENOSYS) :
	    SCMP_ACT_KILL_PROCESS);
	const struct sandbox_call *c;

	if (filter == NULL)
		sandbox_fail("system call filter", ENOMEM);
	must(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS), "bad architecture");
	must(seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1), "threads");
	/* A tree instead of a chain; libseccomp before 2.5 cannot. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; (c = sandbox_call(i)) != NULL; i++) {
		if ((c->group & profile->groups) == 0 ||
		    (c->check != CALL_ANY &&
			unconditional(profile->groups, c->name)))
			continue;
		allow(filter, c);
	}
	if ((profile->groups & CALLS_PROGRAM) == 0)
		must(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
		    SCMP_SYS(clone3), 0), "clone3");
	relax(filter);
	must(seccomp_load(filter), "load");
	seccomp_release(filter);
}
