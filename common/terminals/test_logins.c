/* Records of utmp(5), good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utmp.h>
#include <cmocka.h>

#include "common/terminals/logins.h"

static void
add(int fd, short type, const char *name, const char *line)
{
	struct utmp u = { .ut_type = type };

	/* Neither needs a NUL where it is as long as can be. */
	memcpy(u.ut_user, name, strnlen(name, UT_NAMESIZE));
	memcpy(u.ut_line, line, strnlen(line, UT_LINESIZE));
	assert_int_equal(write(fd, &u, sizeof(u)), sizeof(u));
}

static void
records(void **state)
{
	static const char *const bad[] = { "/dev/pts/1", "../etc/passwd",
		"pts/../../x", "pts/.x", "pts//1", "", "pts 1", "pts/1\n" };
	static const char long_name[] = "abcdefghijklmnopqrstuvwxyzabcdef";
	int fd = memfd_create("utmp", MFD_CLOEXEC);
	struct login l;
	unsigned at = 0;

	(void)state;
	assert_false(login_next(fd, &at, &l));
	add(fd, BOOT_TIME, "reboot", "pts/0");
	add(fd, USER_PROCESS, "walt", "pts/1");
	add(fd, DEAD_PROCESS, "rita", "pts/2");
	add(fd, USER_PROCESS, "", "pts/2");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		add(fd, USER_PROCESS, "evil", bad[i]);
	add(fd, USER_PROCESS, long_name, "tty1");
	assert_int_equal(write(fd, "torn", 4), 4);
	assert_true(login_next(fd, &at, &l));
	assert_string_equal(l.name, "walt");
	assert_string_equal(l.line, "pts/1");
	assert_true(login_next(fd, &at, &l));
	assert_string_equal(l.name, long_name);
	assert_false(login_next(fd, &at, &l));
	assert_true(login_has(fd, "walt"));
	assert_false(login_has(fd, "wal"));
	assert_false(login_has(fd, "rita"));
	assert_false(login_has(fd, "evil"));
	assert_false(login_has(-1, "walt"));
	close(fd);
}

static void
bounded(void **state)
{
	int fd = memfd_create("utmp", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(ftruncate(fd, (off_t)LOGINS_MAX *
	    (off_t)sizeof(struct utmp)), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), (off_t)LOGINS_MAX *
	    (off_t)sizeof(struct utmp));
	add(fd, USER_PROCESS, "late", "pts/1");
	assert_false(login_has(fd, "late"));
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
