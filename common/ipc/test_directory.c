#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "common/ipc/directory.h"
#include "common/ipc/messages.h"

#define S(s) SLICE_LITERAL(s)

static uint8_t buf[DIRECTORY_EXPANDED_MAX];

/* Every shorter body, and one octet more, must be refused. */
#define check_cut(len, decode) do {					\
	for (size_t n_ = 0; n_ < (len); n_++)				\
		assert_int_equal(decode(slice_of(buf, n_), &out), -1);	\
	buf[len] = 0;							\
	assert_int_equal(decode(slice_of(buf, (len) + 1), &out), -1);	\
} while (0)

static void
ask(void **state)
{
	struct slice out;
	char big[DIRECTORY_ADDRESS_MAX + 1];
	size_t len = directory_ask_encode(S("\"a b\"@x"), buf);

	(void)state;
	assert_int_not_equal(len, 0);
	assert_int_equal(directory_ask_decode(slice_of(buf, len), &out), 0);
	assert_true(slice_equal(out, S("\"a b\"@x")));
	check_cut(len, directory_ask_decode);
	memset(big, 'a', sizeof(big));
	assert_int_equal(directory_ask_encode(slice_of(big, sizeof(big)),
	    buf), 0);
	assert_int_equal(directory_ask_encode(S(""), buf), 0);
	assert_int_equal(directory_ask_encode(S("a\n@x"), buf), 0);
}

static void
resolved(void **state)
{
	struct directory_resolved in = { DIRECTORY_LOCAL, S("a@x") }, out;
	size_t len = directory_resolved_encode(&in, buf);

	(void)state;
	assert_int_equal(directory_resolved_decode(slice_of(buf, len), &out),
	    0);
	assert_int_equal(out.verdict, DIRECTORY_LOCAL);
	assert_true(slice_equal(out.canonical, S("a@x")));
	check_cut(len, directory_resolved_decode);
	buf[0] = DIRECTORY_UNKNOWN;	/* with an address: a lie */
	assert_int_equal(directory_resolved_decode(slice_of(buf, len), &out),
	    -1);
	buf[0] = 0;
	assert_int_equal(directory_resolved_decode(slice_of(buf, len), &out),
	    -1);
	buf[0] = DIRECTORY_TEMPFAIL + 1;
	assert_int_equal(directory_resolved_decode(slice_of(buf, len), &out),
	    -1);
}

static void
expanded(void **state)
{
	struct directory_part part;
	struct directory_expanded out;
	struct slice address;
	size_t len;

	(void)state;
	directory_part_begin(&part, buf);
	assert_true(directory_part_add(&part, S("a@x")));
	assert_true(directory_part_add(&part, S("b+c@x")));
	len = directory_part_end(&part, DIRECTORY_LOCAL, false);
	assert_int_equal(directory_expanded_decode(slice_of(buf, len), &out),
	    0);
	assert_false(out.last);
	assert_int_equal(out.count, 2);
	assert_true(directory_expanded_next(&out, &address));
	assert_true(slice_equal(address, S("a@x")));
	assert_true(directory_expanded_next(&out, &address));
	assert_true(slice_equal(address, S("b+c@x")));
	assert_false(directory_expanded_next(&out, &address));
	check_cut(len, directory_expanded_decode);

	directory_part_begin(&part, buf);
	len = directory_part_end(&part, DIRECTORY_UNKNOWN, true);
	assert_int_equal(directory_expanded_decode(slice_of(buf, len), &out),
	    0);
	assert_int_equal(out.verdict, DIRECTORY_UNKNOWN);
	buf[1] = 2;			/* "last" is 0 or 1 */
	assert_int_equal(directory_expanded_decode(slice_of(buf, len), &out),
	    -1);
	buf[1] = 0;			/* an answer that never ends */
	assert_int_equal(directory_expanded_decode(slice_of(buf, len), &out),
	    -1);
	buf[0] = DIRECTORY_LOCAL;	/* local, but nobody */
	assert_int_equal(directory_expanded_decode(slice_of(buf, len), &out),
	    -1);
}

/* A part holds what the table of messages allows, and not one more. */
static void
expanded_full(void **state)
{
	struct directory_part part;
	struct directory_expanded out;
	struct slice address;
	unsigned added = 0, found = 0;
	size_t len;

	(void)state;
	directory_part_begin(&part, buf);
	while (directory_part_add(&part, S("somebody@example.org")))
		added++;
	len = directory_part_end(&part, DIRECTORY_LOCAL, true);
	assert_int_not_equal(len, 0);
	assert_in_range(len, DIRECTORY_EXPANDED_MAX - 24,
	    ipc_rule(IPC_EXPANDED)->max);
	assert_int_equal(directory_expanded_decode(slice_of(buf, len), &out),
	    0);
	assert_true(out.last);
	while (directory_expanded_next(&out, &address))
		found++;
	assert_int_equal(found, added);
}

static void
account(void **state)
{
	struct directory_account in = {
		DIRECTORY_LOCAL, { ACCOUNT_VIRTUAL, 7 }, S("a@x"), S("List-1"),
		{ { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } },
	}, out;
	static const struct slice bad[] = { S(".x"), S("a/b"), S("a b"),
		S("a\0b"), S("\xff"), S("..") };
	size_t len = directory_account_encode(&in, buf);

	(void)state;
	assert_int_equal(directory_account_decode(slice_of(buf, len), &out),
	    0);
	assert_int_equal(out.account.kind, ACCOUNT_VIRTUAL);
	assert_int_equal(out.account.number, 7);
	assert_true(slice_equal(out.canonical, S("a@x")));
	assert_true(slice_equal(out.detail, S("List-1")));
	assert_memory_equal(&out.voucher, &in.voucher, TICKET_LEN);
	check_cut(len, directory_account_decode);
	for (unsigned kind = 0; kind < 256; kind++) {
		buf[1] = (uint8_t)kind;
		assert_int_equal(directory_account_decode(slice_of(buf, len),
		    &out), kind == ACCOUNT_VIRTUAL || kind == ACCOUNT_SYSTEM ?
		    0 : -1);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		in.detail = bad[i];
		assert_int_equal(directory_account_encode(&in, buf), 0);
	}
	in.detail = S("");
	in.account = (struct account){ ACCOUNT_SYSTEM, 0 };	/* root */
	assert_int_equal(directory_account_encode(&in, buf), 0);
	in.verdict = DIRECTORY_NO_RELAY;
	len = directory_account_encode(&in, buf);
	assert_int_equal(directory_account_decode(slice_of(buf, len), &out),
	    0);
	assert_int_equal(out.canonical.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ask),
		cmocka_unit_test(resolved),
		cmocka_unit_test(expanded),
		cmocka_unit_test(expanded_full),
		cmocka_unit_test(account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
