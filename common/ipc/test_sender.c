#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/ipc/sender.h"

#define S(s) SLICE_LITERAL(s)

static void
ask(void **state)
{
	static char buf[SENDER_BODY_MAX + 1], big[SENDER_ADDRESS_MAX + 1];
	struct account in = { ACCOUNT_VIRTUAL, 7 }, out;
	struct slice address;
	size_t len = sender_ask_encode(&in, S("\"a b\"@x.example"), buf);

	(void)state;
	assert_int_not_equal(len, 0);
	assert_int_equal(sender_ask_decode(slice_of(buf, len), &out, &address),
	    0);
	assert_int_equal(out.kind, ACCOUNT_VIRTUAL);
	assert_int_equal(out.number, 7);
	assert_true(slice_equal(address, S("\"a b\"@x.example")));
	for (size_t n = 0; n < len; n++)
		assert_int_equal(sender_ask_decode(slice_of(buf, n), &out,
		    &address), -1);
	assert_int_equal(sender_ask_decode(slice_of(buf, len + 1), &out,
	    &address), -1);
	buf[0] = 9;	/* no kind of account */
	assert_int_equal(sender_ask_decode(slice_of(buf, len), &out, &address),
	    -1);
	memset(big, 'a', sizeof(big));
	assert_int_equal(sender_ask_encode(&in, slice_of(big, sizeof(big)),
	    buf), 0);
	assert_int_equal(sender_ask_encode(&in, S("a\r\nb@x"), buf), 0);
	assert_int_equal(sender_ask_encode(&in, S(""), buf), 0);
	in.kind = (enum account_kind)0;
	assert_int_equal(sender_ask_encode(&in, S("a@x"), buf), 0);
}

static void
verdict(void **state)
{
	char buf[16];
	enum sender_verdict v;

	(void)state;
	for (unsigned n = 0; n < 256; n++) {
		buf[0] = (char)n;
		assert_int_equal(sender_verdict_decode(slice_of(buf, 1), &v),
		    n >= SENDER_OWN && n <= SENDER_TEMPFAIL ? 0 : -1);
	}
	assert_int_equal(sender_verdict_encode(SENDER_FOREIGN, buf), 1);
	assert_int_equal(sender_verdict_decode(slice_of(buf, 1), &v), 0);
	assert_int_equal(v, SENDER_FOREIGN);
	assert_int_equal(sender_verdict_decode(slice_of(buf, 0), &v), -1);
	assert_int_equal(sender_verdict_decode(slice_of(buf, 2), &v), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ask),
		cmocka_unit_test(verdict) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
