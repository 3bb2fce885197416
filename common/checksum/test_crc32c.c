/* The examples of RFC 3720 appendix B.4, both ways, in any division. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/checksum/crc32c.h"

static void
check(const void *octets, size_t len, uint32_t want)
{
	const char *p = octets;

	assert_int_equal(crc32c(0, p, len), want);
	assert_int_equal(crc32c_portable(0, p, len), want);
	for (size_t cut = 0; cut <= len; cut++)
		assert_int_equal(
		    crc32c(crc32c(0, p, cut), p + cut, len - cut), want);
}

static void
test_examples(void **state)
{
	unsigned char b[32];

	(void)state;
	memset(b, 0, sizeof(b));
	check(b, 32, 0x8a9136aa);
	memset(b, 0xff, sizeof(b));
	check(b, 32, 0x62a8ab43);
	for (unsigned char i = 0; i < 32; i++)
		b[i] = i;
	check(b, 32, 0x46dd794e);
	check("123456789", 9, 0xe3069283);
	check("", 0, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_examples) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
