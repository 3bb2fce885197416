/* What goes over the channel comes back the same; what disagrees is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/ipc/forward.h"
#include "common/ipc/messages.h"

static struct delivery
sample(void)
{
	return (struct delivery){ .queue_id = 7, .nonce = 9, .number = 1,
		.content_size = 10, .reverse_path = SLICE_LITERAL(""),
		.recipient = SLICE_LITERAL("bob@hamburger.edu"),
		.original = SLICE_LITERAL(""),
		.detail = SLICE_LITERAL("lists") };
}

static const char command_too_long[FORWARD_COMMAND_MAX + 1];

static void
ask_round_trip(void **state)
{
	struct forward_ask in = { .target = SLICE_LITERAL("|/bin/cat"),
		.done = { 2, { 5, 6 } }, .delivery = sample() }, out;
	char buf[FORWARD_ASK_MAX];
	size_t len = forward_ask_encode(&in, buf, sizeof(buf));

	(void)state;
	assert_true(len > 0);
	assert_int_equal(forward_ask_decode(slice_of(buf, len), &out), 0);
	assert_true(slice_equal(out.target, in.target));
	assert_int_equal(out.done.n, 2);
	assert_true(out.done.at[0] == 5 && out.done.at[1] == 6);
	assert_true(slice_equal(out.delivery.detail, in.delivery.detail));
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(forward_ask_decode(slice_of(buf, cut), &out),
		    -1);
	in.target = SLICE_LITERAL("|/bin/cat\n/etc/passwd");
	len = forward_ask_encode(&in, buf, sizeof(buf));
	assert_int_equal(forward_ask_decode(slice_of(buf, len), &out), -1);
	in.target = slice_of(command_too_long, sizeof(command_too_long));
	assert_int_equal(forward_ask_encode(&in, buf, sizeof(buf)), 0);
}

static struct forward_answer
answer(void)
{
	return (struct forward_answer){ .keep = true,
		.result = { .result = DELIVERY_DEFERRED, .code = 451,
		.enhanced = { 4, 3, 0 }, .text = SLICE_LITERAL("later") },
		.done = { 1, { 77 } }, .n_addresses = 2 };
}

static void
answer_round_trip(void **state)
{
	const struct slice to[] = { SLICE_LITERAL("a@example.net"),
		SLICE_LITERAL("b@example.net") };
	struct forward_answer in = answer(), out;
	char buf[FORWARD_ANSWER_MAX];
	size_t len = forward_answer_encode(&in, to, buf, sizeof(buf));
	struct slice s;

	(void)state;
	assert_int_equal(forward_answer_decode(slice_of(buf, len), &out), 0);
	assert_true(out.keep && !out.nothing && out.n_addresses == 2);
	assert_int_equal(out.result.code, 451);
	assert_true(out.done.n == 1 && out.done.at[0] == 77);
	assert_true(forward_next_address(&out, &s) && slice_equal(s, to[0]));
	assert_true(forward_next_address(&out, &s) && slice_equal(s, to[1]));
	assert_false(forward_next_address(&out, &s));
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(forward_answer_decode(slice_of(buf, cut),
		    &out), -1);
	buf[0] = 4;	/* a flag nobody knows */
	assert_int_equal(forward_answer_decode(slice_of(buf, len), &out), -1);
}

static void
answer_refused(void **state)
{
	struct slice to = SLICE_LITERAL("");
	struct forward_answer a = answer();
	char buf[FORWARD_ANSWER_MAX];
	size_t len;

	(void)state;
	a.n_addresses = 1;
	len = forward_answer_encode(&a, &to, buf, sizeof(buf));
	assert_int_equal(forward_answer_decode(slice_of(buf, len), &a), -1);
	to = SLICE_LITERAL("a@b\r\nRCPT TO:<c@d>");
	a = answer();
	a.n_addresses = 1;
	len = forward_answer_encode(&a, &to, buf, sizeof(buf));
	assert_int_equal(forward_answer_decode(slice_of(buf, len), &a), -1);
	/* Nothing there, and yet something to do. */
	a = answer();
	a.nothing = true;
	a.n_addresses = 0;
	len = forward_answer_encode(&a, NULL, buf, sizeof(buf));
	assert_int_equal(forward_answer_decode(slice_of(buf, len), &a), -1);
}

/* An owner's process says nothing to queue-manager, least of all mail. */
static void
test_who_may_enqueue(void **state)
{
	unsigned owners = IPC_BIT(IPC_DELIVERY_WORKER) | IPC_BIT(IPC_RUNNER) |
	    IPC_BIT(IPC_POP3D_SESSION) | IPC_BIT(IPC_IMAPD_SESSION);
	static const enum ipc_type theirs[] = { IPC_QUEUE_IDS, IPC_CONTENT,
		IPC_ENQUEUE, IPC_ENQUEUE_ABORT, IPC_QUEUE_ASK };

	(void)state;
	for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++) {
		const struct ipc_rule *rule = ipc_rule(theirs[i]);

		assert_non_null(rule);
		assert_int_equal(rule->from & owners, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ask_round_trip),
		cmocka_unit_test(answer_round_trip),
		cmocka_unit_test(answer_refused),
		cmocka_unit_test(test_who_may_enqueue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
