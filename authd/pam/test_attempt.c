#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "authd/pam/attempt.h"

#define S(s) SLICE_LITERAL(s)

/* libpam itself leaks a little when a service has no file. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:libpam.so\n";
}

static char dir[] = "/tmp/test_pam.XXXXXX";

/* A service file of our own, and what it makes of a login. */
static enum pam_verdict
attempt(const char *rules, struct slice name, struct slice password)
{
	struct auth_pam_attempt a = { name, password,
		{ { [10] = 0xff, 0xff, 192, 0, 2, 1 } } };
	char path[64];
	enum pam_verdict v;
	FILE *f;

	snprintf(path, sizeof(path), "%s/bulkhead", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(rules, f);
	fclose(f);
	v = pam_attempt(dir, "bulkhead", &a);
	unlink(path);
	return v;
}

static void
verdicts(void **state)
{
	static const struct {
		const char	*rules;
		enum pam_verdict verdict;
	} cases[] = {
		{ "auth required pam_permit.so\naccount required pam_permit.so\n",
		    PAM_VERDICT_GOOD },
		{ "auth required pam_deny.so\naccount required pam_permit.so\n",
		    PAM_VERDICT_DENIED },
		/* The account is asked about, too. */
		{ "auth required pam_permit.so\naccount required pam_deny.so\n",
		    PAM_VERDICT_DENIED },
		{ "auth required pam_no_such_module.so\n"
		    "account required pam_permit.so\n",
		    PAM_VERDICT_UNAVAILABLE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum pam_verdict v = attempt(cases[i].rules, S("nobody"),
		    S("pw"));

		if (v != cases[i].verdict)
			fail_msg("case %zu: %d", i, v);
	}
}

/* The password and the address arrive where modules look for them. */
static void
what_modules_see(void **state)
{
	char rules[512], script[64], seen[64], text[128] = "";
	ssize_t n;
	int fd;

	(void)state;
	snprintf(script, sizeof(script), "%s/script", dir);
	snprintf(seen, sizeof(seen), "%s/seen", dir);
	fd = open(script, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	dprintf(fd, "#!/bin/sh\nread -r pw\n"
	    "echo \"$PAM_USER $PAM_RHOST $PAM_SERVICE $pw\" >%s\n"
	    "test \"$pw\" = 's e$cret'\n", seen);
	close(fd);
	snprintf(rules, sizeof(rules),
	    "auth required pam_exec.so expose_authtok quiet %s\n"
	    "account required pam_permit.so\n", script);
	assert_int_equal(attempt(rules, S("nobody"), S("s e$cret")),
	    PAM_VERDICT_GOOD);
	fd = open(seen, O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(n > 0);
	assert_string_equal(text, "nobody 192.0.2.1 bulkhead s e$cret\n");
	assert_int_not_equal(attempt(rules, S("nobody"), S("wrong")),
	    PAM_VERDICT_GOOD);
	unlink(seen);
	unlink(script);
}

/* pam_unix delays a failure by two seconds if it may; authd does that. */
static void
no_delay_of_its_own(void **state)
{
	struct timespec from, to;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &from);
	attempt("auth required pam_faildelay.so delay=9000000\n"
	    "auth required pam_deny.so\naccount required pam_permit.so\n",
	    S("nobody"), S("pw"));
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true(to.tv_sec - from.tv_sec < 5);
}

static void
never_empty(void **state)
{
	static const char permit[] = "auth required pam_permit.so\n"
	    "account required pam_permit.so\n";

	(void)state;
	assert_int_equal(attempt(permit, S("nobody"), S("")),
	    PAM_VERDICT_DENIED);
	assert_int_equal(attempt(permit, S("nobody"), S("a\0b")),
	    PAM_VERDICT_DENIED);
}

static void
no_service(void **state)
{
	struct auth_pam_attempt a = { S("nobody"), S("pw"), { { 0 } } };

	(void)state;
	assert_int_not_equal(pam_attempt(dir, "no-such-service", &a),
	    PAM_VERDICT_GOOD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(what_modules_see),
		cmocka_unit_test(no_delay_of_its_own),
		cmocka_unit_test(never_empty),
		cmocka_unit_test(no_service),
	};
	int failed;

	if (mkdtemp(dir) == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return failed;
}
