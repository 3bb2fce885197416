/* A record survives the way through a memfd, sealed; anything else does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/session/handoff.h"

static void
test_way(void **state)
{
	struct handoff in = { .session = 77, .tag = slice_str("a1"),
		.user = slice_str("bob@example.org"), .flags = HANDOFF_UTF8 },
		out;
	char buf[HANDOFF_MAX];
	int fd;

	(void)state;
	net_address_parse(slice_str("192.0.2.7"), &in.client);
	fd = handoff_write(&in);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(handoff_read(fd, buf, &out), 0);
	assert_true(out.session == 77 && slice_equal(out.tag, in.tag) &&
	    slice_equal(out.user, in.user));
	assert_memory_equal(out.client.octets, in.client.octets, 4);
	close(fd);
}

static void
test_refused(void **state)
{
	static char big[HANDOFF_TAG_MAX + 1];
	struct handoff h = { .tag = slice_of(big, sizeof(big)) };
	char buf[HANDOFF_MAX];
	int p[2];

	(void)state;
	assert_int_equal(handoff_write(&h), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(handoff_read(p[0], buf, &h), -1);
	assert_int_equal(handoff_decode(slice_str("\x03xxxxxxxxxxx"), &h), -1);
	close(p[0]);
	close(p[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_way),
		cmocka_unit_test(test_refused) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
