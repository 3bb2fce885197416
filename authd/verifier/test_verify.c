#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authd/verifier/verify.h"
#include "common/accounts/passwords.h"

#define S(s) SLICE_LITERAL(s)

/* "secret", in each form that a table may hold. */
static const struct slice hashes[] = {
	S("$y$j75$saltsalt$0gBD67sgmJgRX3RZ6wHHO7sHimQEWGCWN85o4Twogh2"),
	S("$gy$j75$saltsalt$lKLXtt/QvsyxW9ILYZt1u1hNXyI7ZoBnbdUTsPBwSi5"),
	S("$7$A6....U....SodiumChloride$"
	    "x2KTDdMFPA/H5BrgB59aSYm1gmv28OP//H0AK8Ymfz9"),
	S("$2b$05$......................35w9tBXOiWEqF4YNx8Fn9rPUbxS7RTu"),
	S("$2a$04$....................../dCAsp4PpJoDgv6BeaLP6BKrXlBV1oi"),
	S("$6$rounds=1000$saltsalt$LAV5VE5Y7w1d73x1mFNspYWUpazfmwv2SoepNXNK"
	    "J/otop/Zok96Hr8Q13LEv0DRY/x8v0/crpIjl8NJSAqXV/"),
	S("$5$rounds=1000$saltsalt$"
	    "eKLZU9t9OoPWrqOQsoTIKG0aYkZ5rGOoOQhiIvoSWX2"),
};

static void
every_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		char other[PASSWORD_HASH_SIZE];

		if (!password_hash_valid(hashes[i]))
			fail_msg("hash %zu is not taken", i);
		if (!verify_password(hashes[i], S("secret")))
			fail_msg("hash %zu does not verify", i);
		assert_false(verify_password(hashes[i], S("Secret")));
		assert_false(verify_password(hashes[i], S("")));
		assert_false(verify_password(hashes[i], S("secret\0")));
		/* The last character counts as well. */
		memcpy(other, hashes[i].at, hashes[i].len);
		other[hashes[i].len - 2] ^= 1;
		assert_false(verify_password(slice_of(other, hashes[i].len),
		    S("secret")));
	}
}

static void
nothing_fits_nonsense(void **state)
{
	static const struct slice nonsense[] = { S(""), S("*"), S("*0"),
		S("secret"), S("$y$"), S("$y$j9T$"), S("$9$x$y") };

	(void)state;
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		assert_false(verify_password(nonsense[i], S("secret")));
		assert_false(verify_password(nonsense[i], S("")));
		assert_false(verify_password(nonsense[i], S("*0")));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form),
		cmocka_unit_test(nothing_fits_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
