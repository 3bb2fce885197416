#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "common/ipc/auth.h"

#define S(s) SLICE_LITERAL(s)
#define HASH "$y$j9T$LDpTn8gWO8DZ.lrXlfm1J.$" \
	"oYzoDjsqTcSFJtkGBzXPXKPdrEaR6k4gYdn4xbtbX9D"

static uint8_t buf[AUTH_BODY_MAX + 1];
static const char message_too_long[AUTH_MESSAGE_MAX + 1];
static char big[AUTH_PASSWORD_MAX + 1];

static void
login(void **state)
{
	struct auth_login in = { S("0a1b-2.c"), { { 1, 2, 3 } },
		AUTH_VIRTUAL_ACCOUNTS, S("bob\0\xff"), S("s e\0cret") }, out;
	static const struct slice bad[] = { S(""), S("a b"), S("a\n"),
		S("a\0"), S("abcdefghijklmnopqrstuvwxyz0123456") };
	size_t len = auth_login_encode(&in, buf);

	(void)state;
	assert_int_not_equal(len, 0);
	assert_int_equal(auth_login_decode(slice_of(buf, len), &out), 0);
	assert_true(slice_equal(out.session, in.session));
	assert_true(slice_equal(out.name, in.name));
	assert_true(slice_equal(out.password, in.password));
	assert_memory_equal(&out.client, &in.client, sizeof(in.client));
	assert_int_equal(out.accounts, AUTH_VIRTUAL_ACCOUNTS);
	for (size_t n = 0; n < len; n++)
		assert_int_equal(auth_login_decode(slice_of(buf, n), &out),
		    -1);
	assert_int_equal(auth_login_decode(slice_of(buf, len + 1), &out), -1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		in.session = bad[i];
		assert_int_equal(auth_login_encode(&in, buf), 0);
	}
	in.session = S("a");
	in.password = slice_of(big, AUTH_PASSWORD_MAX + 1);
	assert_int_equal(auth_login_encode(&in, buf), 0);
	in.password = slice_of(big, AUTH_PASSWORD_MAX);
	in.name = slice_of(big, AUTH_NAME_MAX + 1);
	assert_int_equal(auth_login_encode(&in, buf), 0);
	in.name = slice_of(big, AUTH_NAME_MAX);
	len = auth_login_encode(&in, buf);
	assert_int_equal(auth_login_decode(slice_of(buf, len), &out), 0);
}

static void
answers(void **state)
{
	struct ticket t = { { 9, 8, 7 } }, t2;
	enum auth_refusal why;
	enum pam_verdict verdict;
	struct slice name;
	bool good;
	size_t len = auth_ticket_encode(&t, S("bob@x"), buf);

	(void)state;
	assert_int_equal(auth_ticket_decode(slice_of(buf, len), &t2, &name),
	    0);
	assert_memory_equal(&t, &t2, sizeof(t));
	assert_true(slice_equal(name, S("bob@x")));
	for (size_t n = 0; n < len; n++)
		assert_int_equal(auth_ticket_decode(slice_of(buf, n), &t2,
		    &name), -1);
	len = auth_ticket_encode(&t, S("b b"), buf);
	assert_int_equal(auth_ticket_decode(slice_of(buf, len), &t2, &name),
	    -1);
	for (unsigned v = 0; v < 256; v++) {
		struct slice body = slice_of(buf, 1);

		buf[0] = (uint8_t)v;
		assert_int_equal(auth_refusal_decode(body, &why),
		    v >= AUTH_DENIED && v <= AUTH_MALFORMED ? 0 : -1);
		assert_int_equal(auth_verified_decode(body, &good),
		    v <= 1 ? 0 : -1);
		assert_int_equal(auth_pam_verdict_decode(body, &verdict),
		    v >= PAM_VERDICT_GOOD && v <= PAM_VERDICT_UNAVAILABLE ?
		    0 : -1);
	}
	assert_int_equal(auth_verified_decode(slice_of(buf, 0), &good), -1);
	assert_int_equal(auth_verified_decode(slice_of(buf, 2), &good), -1);
	len = auth_verified_encode(true, buf);
	assert_int_equal(auth_verified_decode(slice_of(buf, len), &good), 0);
	assert_true(good);
}

static void
verify(void **state)
{
	struct slice hash, password;
	size_t len = auth_verify_encode(S(HASH), S("x\0y"), buf);

	(void)state;
	assert_int_equal(auth_verify_decode(slice_of(buf, len), &hash,
	    &password), 0);
	assert_true(slice_equal(hash, S(HASH)));
	assert_true(slice_equal(password, S("x\0y")));
	for (size_t n = 0; n < len; n++)
		assert_int_equal(auth_verify_decode(slice_of(buf, n), &hash,
		    &password), -1);
	assert_int_equal(auth_verify_encode(S("ab"), S("x"), buf), 0);
	assert_int_equal(auth_verify_encode(S(HASH),
	    slice_of(big, PASSWORD_MAX + 1), buf), 0);
}

static void
pam_attempt(void **state)
{
	struct auth_pam_attempt in = { S("bob"), S("secret"), { { 4 } } }, out;
	static const struct slice bad_names[] = { S(""), S("Bob"), S("b@x"),
		S("b/b"), S("-b"), S("b\0b") };
	size_t len = auth_pam_attempt_encode(&in, buf);

	(void)state;
	assert_int_equal(auth_pam_attempt_decode(slice_of(buf, len), &out), 0);
	assert_true(slice_equal(out.name, in.name));
	assert_true(slice_equal(out.password, in.password));
	for (size_t n = 0; n < len; n++)
		assert_int_equal(auth_pam_attempt_decode(slice_of(buf, n),
		    &out), -1);
	in.password = S("");		/* refused before PAM sees it */
	assert_int_equal(auth_pam_attempt_encode(&in, buf), 0);
	in.password = S("a\0b");	/* PAM would compare "a" */
	assert_int_equal(auth_pam_attempt_encode(&in, buf), 0);
	in.password = S("x");
	for (size_t i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++) {
		in.name = bad_names[i];
		assert_int_equal(auth_pam_attempt_encode(&in, buf), 0);
	}
}

static void
conversation(void **state)
{
	struct auth_sasl_start in = { S("0a1b"), { { 1, 2, 3 } },
		AUTH_ALL_ACCOUNTS, true, false, S("0123"), S("ab"),
		S("abc"),
		S("n,,n=user,r=x") }, out;
	struct slice message;
	uint64_t number;
	size_t len = auth_sasl_start_encode(&in, buf);

	(void)state;
	assert_int_equal(auth_sasl_start_decode(slice_of(buf, len), &out), 0);
	assert_true(out.plus && !out.plus_offered);
	assert_true(slice_equal(out.exporter, in.exporter));
	assert_true(slice_equal(out.unique, in.unique));
	assert_true(slice_equal(out.end_point, in.end_point));
	assert_true(slice_equal(out.message, in.message));
	for (size_t n = 0; n < len; n++)
		assert_int_equal(auth_sasl_start_decode(slice_of(buf, n),
		    &out), -1);
	assert_int_equal(auth_sasl_start_decode(slice_of(buf, len + 1), &out),
	    -1);
	buf[4 + 4 + 16] = 2;	/* no kind of listener */
	assert_int_equal(auth_sasl_start_decode(slice_of(buf, len), &out), -1);
	in.exporter = slice_of(big, AUTH_BINDING_MAX + 1);
	assert_int_equal(auth_sasl_start_encode(&in, buf), 0);

	len = auth_sasl_message_encode(7, S("r=x"), buf);
	assert_int_equal(auth_sasl_message_decode(slice_of(buf, len), &number,
	    &message), 0);
	assert_int_equal(number, 7);
	assert_true(slice_equal(message, S("r=x")));
	for (size_t n = 0; n < len; n++)
		assert_int_equal(auth_sasl_message_decode(slice_of(buf, n),
		    &number, &message), -1);
	assert_int_equal(auth_sasl_message_encode(7, slice_of(message_too_long,
	    sizeof(message_too_long)), buf), 0);

	len = auth_sasl_abort_encode(9, buf);
	assert_int_equal(auth_sasl_abort_decode(slice_of(buf, len), &number),
	    0);
	assert_int_equal(number, 9);
	assert_int_equal(auth_sasl_abort_decode(slice_of(buf, len - 1),
	    &number), -1);
}

static void
apop(void **state)
{
	struct auth_apop in = { .session = S("s"), .name = S("mrose"),
		.accounts = AUTH_VIRTUAL_ACCOUNTS, .timestamp = S("<1@x>"),
		.digest = { 1, 2, 3 } }, out;
	size_t len = auth_apop_encode(&in, buf);

	(void)state;
	assert_int_equal(auth_apop_decode(slice_of(buf, len), &out), 0);
	assert_true(slice_equal(out.name, in.name));
	assert_true(slice_equal(out.timestamp, in.timestamp));
	assert_int_equal(out.accounts, AUTH_VIRTUAL_ACCOUNTS);
	assert_memory_equal(out.digest, in.digest, sizeof(in.digest));
	for (size_t n = 0; n < len; n++)
		assert_int_equal(auth_apop_decode(slice_of(buf, n), &out),
		    -1);
	assert_int_equal(auth_apop_decode(slice_of(buf, len + 1), &out), -1);
	in.timestamp = slice_of(big, AUTH_TIMESTAMP_MAX + 1);
	assert_int_equal(auth_apop_encode(&in, buf), 0);
}

static void
accounts(void **state)
{
	struct account in = { ACCOUNT_SYSTEM, 1000 }, out;
	struct slice name;
	unsigned set;
	size_t len = auth_account_encode(&in, S("bob@x"), buf);

	(void)state;
	assert_int_equal(auth_account_decode(slice_of(buf, len), &out, &name),
	    0);
	assert_int_equal(out.kind, ACCOUNT_SYSTEM);
	assert_int_equal(out.number, 1000);
	assert_true(slice_equal(name, S("bob@x")));
	for (size_t n = 0; n < len; n++)
		assert_int_equal(auth_account_decode(slice_of(buf, n), &out,
		    &name), -1);
	buf[0] = 0;
	assert_int_equal(auth_account_decode(slice_of(buf, len), &out, &name),
	    -1);
	len = auth_account_encode(&in, S("b b"), buf);
	assert_int_equal(auth_account_decode(slice_of(buf, len), &out, &name),
	    -1);
	for (unsigned v = 0; v < 256; v++) {
		buf[0] = (uint8_t)v;
		assert_int_equal(auth_offer_decode(slice_of(buf, 1), &set),
		    v <= AUTH_OFFERS_KNOWN ? 0 : -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(login), cmocka_unit_test(conversation),
		cmocka_unit_test(apop),
		cmocka_unit_test(accounts),
		cmocka_unit_test(answers),
		cmocka_unit_test(verify),
		cmocka_unit_test(pam_attempt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
