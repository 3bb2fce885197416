#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/hash/siphash.h"

/* Key 00 01 .. 0f, messages of 0, 1, 7, 8, 15 and 63 octets 00 01 ..: the
 * vectors of the authors' reference implementation. */
static void
vectors(void **state)
{
	static const struct {
		size_t		len;
		uint64_t	hash;
	} cases[] = {
		{ 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd },
		{ 7, 0xab0200f58b01d137 }, { 8, 0x93f5f5799a932462 },
		{ 15, 0xa129ca6149be45e5 }, { 63, 0x958a324ceb064572 },
	};
	static const struct siphash_key key = {
		{ 0x0706050403020100, 0x0f0e0d0c0b0a0908 }
	};
	unsigned char in[64];

	(void)state;
	for (unsigned i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)i;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_true(siphash(&key, slice_of(in, cases[i].len)) ==
		    cases[i].hash);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
