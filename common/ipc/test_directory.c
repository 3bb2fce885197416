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
	static char big[DIRECTORY_ADDRESS_MAX + 1];
	static const struct directory_ask bad[] = {
		{ { big, sizeof(big) }, S(""), false },
		{ S("a@x"), { big, sizeof(big) }, false },
		{ S(""), S("a@x"), false },
		{ S("a\n@x"), S(""), false },
		{ S("a@x"), S("a@\rx"), false },
	};
	struct directory_ask in = { S("\"a b\"@x"), S("c@y"), true }, out;
	size_t len = directory_ask_encode(&in, buf);

	(void)state;
	assert_int_not_equal(len, 0);
	assert_int_equal(directory_ask_decode(slice_of(buf, len), &out), 0);
	assert_true(slice_equal(out.address, in.address));
	assert_true(slice_equal(out.reverse_path, in.reverse_path));
	assert_true(out.forwarded);
	check_cut(len, directory_ask_decode);
	buf[len - 1] = 2;	/* neither yes nor no */
	assert_int_equal(directory_ask_decode(slice_of(buf, len), &out), -1);
	memset(big, 'a', sizeof(big));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(directory_ask_encode(&bad[i], buf), 0);
	in.reverse_path = S("");	/* null */
	len = directory_ask_encode(&in, buf);
	assert_int_equal(directory_ask_decode(slice_of(buf, len), &out), 0);
	assert_int_equal(out.reverse_path.len, 0);
}

static void
account_ask(void **state)
{
	struct slice out;
	size_t len = directory_account_ask_encode(S("a@x"), buf);

	(void)state;
	assert_int_equal(directory_account_ask_decode(slice_of(buf, len),
	    &out), 0);
	assert_true(slice_equal(out, S("a@x")));
	check_cut(len, directory_account_ask_decode);
	assert_int_equal(directory_account_ask_encode(S(""), buf), 0);
}

static void
resolved(void **state)
{
	struct directory_resolved in = { DIRECTORY_LOCAL, S("a@x"),
		{ 0, { 0 }, S("") } }, out;
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
	buf[0] = DIRECTORY_REFUSED + 1;
	assert_int_equal(directory_resolved_decode(slice_of(buf, len), &out),
	    -1);
	buf[0] = DIRECTORY_REFUSED;	/* without the words */
	assert_int_equal(directory_resolved_decode(slice_of(buf, len), &out),
	    -1);
}

/* Words go with two verdicts only; code and class must agree. */
static void
resolved_refused(void **state)
{
	static const struct directory_refusal good = { 550, { 5, 1, 6 },
		S("gone to y.example") };
	static const struct directory_refusal bad[] = {
		{ 0, { 0 }, S("") }, { 0, { 0 }, S("x") },
		{ 250, { 2, 0, 0 }, S("x") }, { 354, { 3, 0, 0 }, S("x") },
		{ 600, { 6, 0, 0 }, S("x") }, { 550, { 4, 0, 0 }, S("x") },
		{ 550, { 5, 0, 0 }, S("") }, { 550, { 5, 0, 0 }, S("a\nb") },
	};
	struct directory_resolved in = { DIRECTORY_REFUSED, S(""), good }, out;
	size_t len = directory_resolved_encode(&in, buf);

	(void)state;
	assert_int_equal(directory_resolved_decode(slice_of(buf, len), &out),
	    0);
	assert_int_equal(out.refusal.code, 550);
	assert_true(slice_equal(out.refusal.text, good.text));
	check_cut(len, directory_resolved_decode);
	buf[0] = DIRECTORY_NO_RELAY;
	assert_int_equal(directory_resolved_decode(slice_of(buf, len), &out),
	    0);
	for (uint8_t v = 0; v < 255; v++) {
		buf[0] = v;
		assert_int_equal(directory_resolved_decode(slice_of(buf,
		    len), &out), v == DIRECTORY_NO_RELAY ||
		    v == DIRECTORY_REFUSED ? 0 : -1);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		in.refusal = bad[i];
		assert_int_equal(directory_resolved_encode(&in, buf), 0);
	}
}

static const struct directory_target local_a = {
	.kind = DIRECTORY_TARGET_LOCAL, .address = S("a@x"),
};
static const struct directory_target local_b = {
	.kind = DIRECTORY_TARGET_LOCAL, .address = S("b+c@x"),
	.reverse_path = S("owner-list@x"),
};
static const struct directory_target relay_c = {
	.kind = DIRECTORY_TARGET_RELAY, .address = S("c@Y"),
	.route = S("smart-1"), .domain = S("y"),
};
static const struct directory_target refused_d = {
	.kind = DIRECTORY_TARGET_REFUSED, .address = S("d@z"),
	.refusal = { 551, { 5, 1, 6 }, S("moved") },
};

static void
same_target(const struct directory_target *a, const struct directory_target *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_true(slice_equal(a->address, b->address));
	assert_true(slice_equal(a->reverse_path, b->reverse_path));
	assert_true(slice_equal(a->route, b->route));
	assert_true(slice_equal(a->domain, b->domain));
	assert_int_equal(a->refusal.code, b->refusal.code);
	assert_true(slice_equal(a->refusal.text, b->refusal.text));
}

static void
expanded(void **state)
{
	static const struct directory_target *const in[] = { &local_a,
		&local_b, &relay_c, &refused_d };
	struct directory_part part;
	struct directory_expanded out;
	struct directory_target t;
	size_t len;

	(void)state;
	directory_part_begin(&part, buf);
	for (size_t i = 0; i < 4; i++)
		assert_true(directory_part_add(&part, in[i]));
	len = directory_part_end(&part, DIRECTORY_LOCAL, false);
	assert_int_equal(directory_expanded_decode(slice_of(buf, len), &out),
	    0);
	assert_false(out.last);
	assert_int_equal(out.count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_true(directory_expanded_next(&out, &t));
		same_target(&t, in[i]);
	}
	assert_false(directory_expanded_next(&out, &t));
	check_cut(len, directory_expanded_decode);
	/* What is not ours has one target, in one part. */
	buf[0] = DIRECTORY_NO_RELAY;
	buf[1] = 1;
	assert_int_equal(directory_expanded_decode(slice_of(buf, len), &out),
	    -1);
}

static void
expanded_to_nobody(void **state)
{
	struct directory_part part;
	struct directory_expanded out;
	size_t len;

	(void)state;
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
	buf[1] = 1;
	for (unsigned v = 0; v < 256; v++) {
		buf[0] = (uint8_t)v;	/* of the others, none has nobody */
		assert_int_equal(directory_expanded_decode(slice_of(buf,
		    len), &out), v == DIRECTORY_UNKNOWN ||
		    v == DIRECTORY_TEMPFAIL ? 0 : -1);
	}
}

/* encode trusts its caller; a hostile writer is refused by decode. */
static void
expanded_bad_targets(void **state)
{
	static char big[DIRECTORY_DOMAIN_MAX + 1];
	const struct directory_target bad[] = {
		{ .kind = 0, .address = S("a@x") },
		{ .kind = 4, .address = S("a@x") },
		{ .kind = DIRECTORY_TARGET_LOCAL, .address = S("") },
		{ .kind = DIRECTORY_TARGET_LOCAL, .address = S("a\n@x") },
		{ .kind = DIRECTORY_TARGET_LOCAL, .address = S("a@x"),
		    .reverse_path = S("b\r@x") },
		{ .kind = DIRECTORY_TARGET_RELAY, .address = S("a@x") },
		{ .kind = DIRECTORY_TARGET_RELAY, .address = S("a@x"),
		    .domain = S("X.example") },
		{ .kind = DIRECTORY_TARGET_RELAY, .address = S("a@x"),
		    .domain = S("x y") },
		{ .kind = DIRECTORY_TARGET_RELAY, .address = S("a@x"),
		    .domain = { big, sizeof(big) } },
		{ .kind = DIRECTORY_TARGET_RELAY, .address = S("a@x"),
		    .domain = S("x"), .route = S("a/b") },
		{ .kind = DIRECTORY_TARGET_RELAY, .address = S("a@x"),
		    .domain = S("x"), .route = { big, 65 } },
		{ .kind = DIRECTORY_TARGET_REFUSED, .address = S("a@x") },
		{ .kind = DIRECTORY_TARGET_REFUSED, .address = S("a@x"),
		    .refusal = { 450, { 5, 0, 0 }, S("x") } },
	};
	struct directory_part part;
	struct directory_expanded out;
	size_t len;

	(void)state;
	memset(big, 'a', sizeof(big));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		directory_part_begin(&part, buf);
		assert_true(directory_part_add(&part, &bad[i]));
		len = directory_part_end(&part, DIRECTORY_LOCAL, true);
		assert_int_equal(directory_expanded_decode(slice_of(buf,
		    len), &out), -1);
	}
}

/* A part holds what the table of messages allows, and not one more. */
static void
expanded_full(void **state)
{
	struct directory_part part;
	struct directory_expanded out;
	struct directory_target t = local_a;
	unsigned added = 0, found = 0;
	size_t len;

	(void)state;
	t.address = S("somebody@example.org");
	directory_part_begin(&part, buf);
	while (directory_part_add(&part, &t))
		added++;
	len = directory_part_end(&part, DIRECTORY_LOCAL, true);
	assert_int_not_equal(len, 0);
	assert_in_range(len, DIRECTORY_EXPANDED_MAX - 29,
	    ipc_rule(IPC_EXPANDED)->max);
	assert_int_equal(directory_expanded_decode(slice_of(buf, len), &out),
	    0);
	assert_true(out.last);
	while (directory_expanded_next(&out, &t))
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
	in.verdict = DIRECTORY_RELAY_DOMAIN;
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
		cmocka_unit_test(account_ask),
		cmocka_unit_test(resolved),
		cmocka_unit_test(resolved_refused),
		cmocka_unit_test(expanded),
		cmocka_unit_test(expanded_to_nobody),
		cmocka_unit_test(expanded_bad_targets),
		cmocka_unit_test(expanded_full),
		cmocka_unit_test(account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
