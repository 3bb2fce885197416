/* What goes over the channel comes back the same; what disagrees is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/ipc/delivery.h"
#include "common/ipc/envelope.h"

static struct delivery
sample(void)
{
	return (struct delivery){
		.queue_id = 0x2a, .nonce = 0x9f3c2a7711d0e4b5, .number = 3,
		.maybe_delivered = true, .more = true,
		.content_size = 1234,
		.content_offset = 8, .arrival = -5,
		.reverse_path = SLICE_LITERAL("alice@crepes.fr"),
		.recipient = SLICE_LITERAL("bob@hamburger.edu"),
		.original = SLICE_LITERAL(""),
		.detail = SLICE_LITERAL("lists"),
		.flags = ENVELOPE_8BITMIME | ENVELOPE_SMTPUTF8,
		.ret = ENVELOPE_RET_HDRS,
		.notify = ENVELOPE_NOTIFY_FAILURE | ENVELOPE_NOTIFY_DELAY,
		.envid = SLICE_LITERAL("QQ314159"),
		.orcpt = SLICE_LITERAL("rfc822;Bob@hamburger.edu"),
	};
}

static void
test_delivery_round_trip(void **state)
{
	char buf[DELIVERY_BODY_MAX];
	struct delivery in = sample(), out;
	size_t len = delivery_encode(&in, buf, sizeof(buf));

	(void)state;
	assert_true(len > 0);
	assert_int_equal(delivery_decode(slice_of(buf, len), &out), 0);
	assert_true(out.queue_id == in.queue_id && out.nonce == in.nonce &&
	    out.number == 3 && out.maybe_delivered && out.more &&
	    out.content_size == 1234 && out.content_offset == 8 &&
	    out.arrival == -5);
	assert_true(slice_equal(out.reverse_path, in.reverse_path));
	assert_true(slice_equal(out.recipient, in.recipient));
	assert_int_equal(out.original.len, 0);
	assert_true(slice_equal(out.detail, in.detail));
	assert_true(out.flags == in.flags && out.ret == in.ret &&
	    out.notify == in.notify && slice_equal(out.envid, in.envid) &&
	    slice_equal(out.orcpt, in.orcpt));
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(delivery_decode(slice_of(buf, cut), &out), -1);
	buf[20] = 4;	/* two flags */
	assert_int_equal(delivery_decode(slice_of(buf, len), &out), -1);
}

static void
test_delivery_refused(void **state)
{
	char buf[DELIVERY_BODY_MAX];
	struct delivery d = sample();

	(void)state;
	d.recipient = slice_str("a\nX-Forged: yes");
	assert_int_equal(delivery_encode(&d, buf, sizeof(buf)), 0);
	d = sample();
	d.flags = ENVELOPE_BOUNCE;	/* queue-manager's own */
	assert_int_equal(delivery_encode(&d, buf, sizeof(buf)), 0);
	d = sample();
	d.notify = ENVELOPE_NOTIFY_NEVER | ENVELOPE_NOTIFY_FAILURE;
	assert_int_equal(delivery_encode(&d, buf, sizeof(buf)), 0);
	d = sample();
	d.envid = slice_str("a\nb");
	assert_int_equal(delivery_encode(&d, buf, sizeof(buf)), 0);
	d = sample();
	d.recipient = slice_str("");
	assert_int_equal(delivery_encode(&d, buf, sizeof(buf)), 0);
	d = sample();
	d.content_offset = UINT64_MAX - 10;
	assert_int_equal(delivery_encode(&d, buf, sizeof(buf)), 0);
	d = sample();
	assert_int_equal(delivery_encode(&d, buf, 40), 0);
}

static void
test_delivered(void **state)
{
	static const struct {
		enum delivery_result result;
		bool unknown;
		uint16_t code;
		uint8_t class;
		bool good;
	} rows[] = {
		{ DELIVERY_DELIVERED, false, 250, 2, true },
		{ DELIVERY_DELIVERED, false, 450, 2, false },
		{ DELIVERY_DELIVERED, true, 250, 2, false },
		{ DELIVERY_DEFERRED, true, 451, 4, true },
		{ DELIVERY_DEFERRED, false, 451, 5, false },
		{ DELIVERY_FAILED, false, 554, 5, true },
		{ DELIVERY_FAILED, false, 250, 5, false },
		{ 0, false, 250, 2, false },
		{ 4, false, 250, 2, false },
	};
	char buf[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct delivered d = { rows[i].result, rows[i].unknown,
			rows[i].code, { rows[i].class, 2, 0 },
			SLICE_LITERAL("mailbox says hello"),
			rows[i].result == DELIVERY_DEFERRED },
				 out;
		size_t len = delivered_encode(&d, buf, sizeof(buf));

		assert_int_equal(len > 0, rows[i].good);
		if (len == 0)
			continue;
		assert_int_equal(delivered_decode(slice_of(buf, len), &out), 0);
		assert_int_equal(out.code, rows[i].code);
		assert_int_equal(out.enhanced[1], 2);
		assert_int_equal(out.full, d.full);
		assert_true(slice_equal(out.text, d.text));
		buf[2]++, buf[3]++;	/* a code that disagrees */
		assert_int_equal(delivered_decode(slice_of(buf, len), &out), -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivery_round_trip),
		cmocka_unit_test(test_delivery_refused),
		cmocka_unit_test(test_delivered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
