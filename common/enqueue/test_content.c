/* Content that fills its part, is sealed for good, and goes on in the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/enqueue/content.h"

static void
expect_sealed(int fd, const char *text, size_t len)
{
	int all = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	char *got = malloc(len + 1);
	struct stat sb;

	assert_int_equal(fcntl(fd, F_GET_SEALS) & all, all);
	assert_int_equal(fstat(fd, &sb), 0);
	assert_int_equal(sb.st_size, len);
	assert_int_equal(pread(fd, got, len + 1, 0), len);
	assert_memory_equal(got, text, len);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, (off_t)len + 1), -1);
	assert_true(len == 0 || ftruncate(fd, 0) == -1);
	assert_ptr_equal(mmap(NULL, 1, PROT_WRITE, MAP_SHARED, fd, 0),
	    MAP_FAILED);
	free(got);
	close(fd);
}

static void
test_parts(void **state)
{
	char *big = malloc(QUEUE_PART_MAX);
	struct iovec iov[3] = { { (char *)"one ", 4 }, { NULL, 0 },
		{ (char *)"two", 3 } };
	struct content c;
	uint32_t octets;
	int fd;

	(void)state;
	content_init(&c);
	assert_int_equal(content_append(&c, iov, 3), 0);
	assert_int_equal(content_room(&c), QUEUE_PART_MAX - 7);
	fd = content_seal(&c, &octets);
	assert_int_equal(octets, 7);
	assert_int_equal(c.part, 1);
	expect_sealed(fd, "one two", 7);
	memset(big, 'b', QUEUE_PART_MAX);
	iov[0] = (struct iovec){ big, QUEUE_PART_MAX };
	assert_int_equal(content_append(&c, iov, 1), 0);
	assert_int_equal(content_room(&c), 0);
	fd = content_seal(&c, &octets);
	expect_sealed(fd, big, octets);
	assert_int_equal(c.total, QUEUE_PART_MAX + 7);
	/* A part without octets is a part as well. */
	fd = content_seal(&c, &octets);
	assert_int_equal(octets, 0);
	expect_sealed(fd, "", 0);
	content_clear(&c);
	free(big);
}

static void
test_copy(void **state)
{
	(void)state;
	expect_sealed(content_sealed_copy("envelope", 8), "envelope", 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_copy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
