#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log/log.h"

#define FIELDS(...) ((const struct log_field[]){ __VA_ARGS__, LOG_END_ })

static void
expect_line(const struct log_field *fields, const char *want)
{
	char line[LOG_LINE_MAX];
	size_t len = log_format(line, sizeof(line), LEVEL_INFO, fields);

	assert_int_equal(len, strlen(want));
	assert_memory_equal(line, want, len);
}

static void
test_values(void **state)
{
	(void)state;
	expect_line(FIELDS(LOG_EVENT_("mail-accepted"), LOG_QID(0xa1b2)),
	    "level=info event=mail-accepted queue=00000000a1b2\n");
	expect_line(
	    FIELDS(LOG_QID(UINT64_MAX)), "level=info queue=ffffffffffffffff\n");
	expect_line(FIELDS(LOG_NUM("n", UINT64_MAX), LOG_INT("i", INT64_MIN)),
	    "level=info n=18446744073709551615 i=-9223372036854775808\n");
	expect_line(FIELDS(LOG_BOOL("a", true), LOG_BOOL("b", false)),
	    "level=info a=yes b=no\n");
	expect_line(FIELDS(LOG_ERRNO(ENOSPC)),
	    "level=info error=\"No space left on device\"\n");
	expect_line(FIELDS(LOG_ERRNO(99999)), "level=info error=errno-99999\n");
}

static void
test_escapes(void **state)
{
	(void)state;
	expect_line(FIELDS(LOG_CSTR("v", "")), "level=info v=\"\"\n");
	expect_line(FIELDS(LOG_CSTR("v", "a b")), "level=info v=\"a b\"\n");
	expect_line(FIELDS(LOG_CSTR("v", "a=b")), "level=info v=\"a=b\"\n");
	expect_line(
	    FIELDS(LOG_CSTR("v", "\"\\")), "level=info v=\"\\\"\\\\\"\n");
	expect_line(
	    FIELDS(LOG_STR("v", SLICE_LITERAL("\r\n\033[2J\0\177\xc2"))),
	    "level=info v=\"\\x0d\\x0a\\x1b[2J\\x00\\x7f\\xc2\"\n");
}

/* Whatever the octets, a line holds printable ASCII and one LF, its last. */
static void
test_every_octet(void **state)
{
	char line[LOG_LINE_MAX], two[2];

	(void)state;
	for (unsigned c = 0; c < 65536; c++) {
		size_t len;

		two[0] = (char)(c >> 8);
		two[1] = (char)c;
		len = log_format(line, sizeof(line), LEVEL_INFO,
		    FIELDS(LOG_STR("v", slice_of(two, 2))));
		for (size_t i = 0; i + 1 < len; i++)
			assert_true(line[i] >= ' ' && line[i] < 0x7f);
		assert_int_equal(line[len - 1], '\n');
	}
}

static void
test_limits(void **state)
{
	char big[4096], line[LOG_LINE_MAX];
	struct log_field fields[20];
	size_t len;

	(void)state;
	memset(big, '\n', sizeof(big));
	for (size_t n = 0; n < 19; n++) {
		for (size_t i = 0; i < n; i++)
			fields[i] = LOG_STR("value", slice_of(big, 100 * i));
		fields[n] = LOG_END_;
		for (size_t size = 128; size <= sizeof(line); size += 60) {
			len = log_format(line, size, LEVEL_ERROR, fields);
			assert_true(len <= size);
			assert_int_equal(line[len - 1], '\n');
		}
	}
	assert_memory_equal(line + len - 9, " cut=yes\n", 9);
	/* A value at its limit stays whole, one more octet is cut. */
	memset(big, 'x', sizeof(big));
	len = log_format(line, sizeof(line), LEVEL_INFO,
	    FIELDS(LOG_STR("v", slice_of(big, LOG_VALUE_MAX))));
	assert_int_equal(len, strlen("level=info v=") + LOG_VALUE_MAX + 1);
	len = log_format(line, sizeof(line), LEVEL_INFO,
	    FIELDS(LOG_STR("v", slice_of(big, LOG_VALUE_MAX + 1))));
	assert_memory_equal(line + len - 5, "...\"\n", 5);
}

static void
read_line(int fd, char *to, size_t size)
{
	ssize_t n = read(fd, to, size - 1);

	assert_true(n > 0);
	to[n] = '\0';
}

static void
test_pipe_full_and_back(void **state)
{
	char text[4096], *first;
	uint64_t lost;
	int p[2];

	(void)state;
	assert_int_equal(pipe2(p, O_NONBLOCK), 0);
	assert_int_equal(fcntl(p[1], F_SETPIPE_SZ, 4096), 4096);
	log_open("test", p[1], LOG_FORM_LINES);
	errno = EXDEV;
	for (int i = 0; i < 100; i++)
		log_info("tick", LOG_INT("i", i));
	assert_int_equal(errno, EXDEV);
	lost = log_lost();
	assert_true(lost > 0 && lost < 100);
	assert_false(log_is_dead());
	while (read(p[0], text, sizeof(text)) > 0)
		;
	log_info("back");
	assert_int_equal(log_lost(), 0);
	read_line(p[0], text, sizeof(text));
	first = strstr(text, "level=warning event=log-lines-lost lost=");
	assert_non_null(first);
	assert_int_equal(strtoull(first + 40, NULL, 10), lost);
	assert_non_null(strstr(first, "level=info event=back\n"));
	assert_memory_equal(text, "time=20", 7);
	assert_non_null(strstr(text, " stage=test pid="));
	log_debug("unseen");
	assert_int_equal(read(p[0], text, 1), -1);
	close(p[0]);
	log_info("nobody reads");
	assert_true(log_is_dead());
	assert_int_equal(log_renew(-1, LOG_FORM_LINES), p[1]);
	close(p[1]);
}

static void
test_syslog_and_renew(void **state)
{
	char text[4096], want[128];
	int s[2], t[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, s), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, t), 0);
	log_open("smtpd", s[0], LOG_FORM_SYSLOG);
	log_warning("odd", LOG_CSTR("what", "a\nb"));
	read_line(s[1], text, sizeof(text));
	snprintf(want, sizeof(want),
	    "<20>bulkhead-smtpd[%d]: level=warning event=odd what=\"a\\x0ab\"",
	    (int)getpid());
	assert_string_equal(text, want);
	close(s[1]);
	log_info("lost");
	assert_true(log_is_dead());
	assert_int_equal(log_renew(t[0], LOG_FORM_SYSLOG), s[0]);
	log_info("found");
	read_line(t[1], text, sizeof(text));
	assert_non_null(strstr(text, "event=log-lines-lost lost=1"));
	read_line(t[1], text, sizeof(text));
	assert_non_null(strstr(text, "event=found"));
	log_renew(-1, LOG_FORM_LINES);
	close(s[0]);
	close(t[0]);
	close(t[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_every_octet),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_pipe_full_and_back),
		cmocka_unit_test(test_syslog_and_renew),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
