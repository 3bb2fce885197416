#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/ipc/ipc.h"
#include "common/ipc/tls.h"

static uint8_t buf[TLS_BODY_MAX + 1];
static char big[TLS_INPUT_MAX + 1];

/* Cut off anywhere, or with an octet more, it is no message. */
#define CUT(len, decode)						\
	do {								\
		for (size_t cut_ = 0; cut_ < (len); cut_++) {		\
			struct slice in = slice_of(buf, cut_);		\
			assert_int_equal(decode, -1);			\
		}							\
		struct slice in = slice_of(buf, (len) + 1);		\
		assert_int_equal(decode, -1);				\
	} while (0)

static void
sign(void **state)
{
	struct tls_sign s = { .key = { { 1, 2, 3 } }, .scheme = 0x0403,
		.input = slice_of(big, TLS_INPUT_MAX) }, out;
	size_t len = tls_sign_encode(&s, buf);

	(void)state;
	assert_in_range(len, 1, ipc_rule(IPC_TLS_SIGN)->max);
	assert_int_equal(tls_sign_decode(slice_of(buf, len), &out), 0);
	assert_memory_equal(&out.key, &s.key, sizeof(s.key));
	assert_int_equal(out.scheme, 0x0403);
	assert_true(slice_equal(out.input, s.input));
	CUT(len, tls_sign_decode(in, &out));
	s.input.len++;
	assert_int_equal(tls_sign_encode(&s, buf), 0);
}

static void
answers(void **state)
{
	struct slice sig = slice_of(big, TLS_SIGNATURE_MAX), got;
	size_t len = tls_signed_encode(sig, buf);
	enum tls_refusal why;

	(void)state;
	assert_in_range(len, 1, ipc_rule(IPC_TLS_SIGNED)->max);
	assert_int_equal(tls_signed_decode(slice_of(buf, len), &got), 0);
	assert_true(slice_equal(got, sig));
	CUT(len, tls_signed_decode(in, &got));
	assert_int_equal(tls_signed_encode(slice_of(big, 0), buf), 0);
	assert_int_equal(tls_signed_encode(slice_of(big, TLS_SIGNATURE_MAX + 1), buf),
	    0);
	for (int i = 0; i < 256; i++) {
		buf[0] = (uint8_t)i;
		assert_int_equal(tls_refused_decode(slice_of(buf, 1), &why),
		    i >= TLS_NO_KEY && i <= TLS_FAILED ? 0 : -1);
	}
	len = tls_refused_encode(TLS_BUSY, buf);
	assert_int_equal(tls_refused_decode(slice_of(buf, len), &why), 0);
	assert_int_equal(why, TLS_BUSY);
	CUT(len, tls_refused_decode(in, &why));
}

static void
keys(void **state)
{
	static struct tls_key_id ids[TLS_KEYS_MAX], got[TLS_KEYS_MAX];
	size_t len, n;

	(void)state;
	for (size_t i = 0; i < TLS_KEYS_MAX; i++)
		ids[i].octets[i % TLS_KEY_ID_LEN] = (uint8_t)i;
	len = tls_keys_encode(ids, TLS_KEYS_MAX, buf);
	assert_int_equal(len, ipc_rule(IPC_TLS_KEYS)->max);
	assert_int_equal(tls_keys_decode(slice_of(buf, len), got, &n), 0);
	assert_int_equal(n, TLS_KEYS_MAX);
	assert_memory_equal(got, ids, sizeof(ids));
	assert_int_equal(tls_keys_encode(ids, TLS_KEYS_MAX + 1, buf), 0);
	len = tls_keys_encode(ids, 2, buf);
	assert_int_equal(tls_keys_decode(slice_of(buf, len), got, &n), 0);
	assert_int_equal(n, 2);
	CUT(len, tls_keys_decode(in, got, &n));
	memset(buf, 0xff, 4);
	assert_int_equal(tls_keys_decode(slice_of(buf, len), got, &n), -1);
}

static void
tickets(void **state)
{
	struct tls_ticket_keys k = { .has_former = true }, got;
	size_t len;

	(void)state;
	memset(&k.now, 1, sizeof(k.now));
	memset(&k.former, 2, sizeof(k.former));
	len = tls_tickets_encode(&k, buf);
	assert_in_range(len, 1, ipc_rule(IPC_TLS_TICKETS)->max);
	assert_int_equal(tls_tickets_decode(slice_of(buf, len), &got), 0);
	assert_memory_equal(&got.now, &k.now, sizeof(k.now));
	assert_memory_equal(&got.former, &k.former, sizeof(k.former));
	CUT(len, tls_tickets_decode(in, &got));
	k.has_former = false;
	len = tls_tickets_encode(&k, buf);
	assert_int_equal(tls_tickets_decode(slice_of(buf, len), &got), 0);
	assert_false(got.has_former);
	buf[0] = 2;
	assert_int_equal(tls_tickets_decode(slice_of(buf, len), &got), -1);
}

static void
block(void **state)
{
	char name[TLS_NAME_MAX + 1], longest[TLS_NAME_MAX + 2];
	uint32_t roles;
	size_t len = tls_block_encode("mx", 0x80000001, buf);

	(void)state;
	assert_int_equal(tls_block_decode(slice_of(buf, len), name, &roles),
	    0);
	assert_string_equal(name, "mx");
	assert_int_equal(roles, 0x80000001);
	CUT(len, tls_block_decode(in, name, &roles));
	memset(longest, 'a', sizeof(longest));
	longest[TLS_NAME_MAX + 1] = '\0';
	assert_int_equal(tls_block_encode(longest, 0, buf), 0);
	assert_int_equal(tls_block_encode("", 0, buf), 0);
	len = tls_block_encode(longest + 1, 0, buf);
	assert_in_range(len, 1, ipc_rule(IPC_STAGE_CERTIFICATE)->max);
	assert_int_equal(tls_block_decode(slice_of(buf, len), name, &roles),
	    0);
	assert_string_equal(name, longest + 1);
	buf[len - 1] = '\0';
	assert_int_equal(tls_block_decode(slice_of(buf, len), name, &roles),
	    -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sign), cmocka_unit_test(answers),
		cmocka_unit_test(keys), cmocka_unit_test(tickets),
		cmocka_unit_test(block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
