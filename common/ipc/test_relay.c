/* RELAY and RELAYED: there and back, and what disagrees is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/ipc/relay.h"

static struct relay
sample(void)
{
	return (struct relay){
		.queue_id = 0x2a, .nonce = 0x9f3c2a7711d0e4b5,
		.content_size = 1234, .content_offset = 8, .arrival = -5,
		.flags = RELAY_8BIT | RELAY_SMTPUTF8, .ret = ENVELOPE_RET_FULL,
		.reverse_path = slice_str("alice@crepes.fr"),
		.envid = slice_str("QQ314159"), .auth = slice_str("alice"),
		.route = slice_str("smart"), .domain = slice_str("xn--bcher-kva.example"),
	};
}

static size_t
a_relay(const struct relay *y, uint8_t *buf, unsigned n)
{
	struct relay_part p;
	char address[] = "bobA@xn--bcher-kva.example";

	relay_begin(&p, y, buf);
	for (unsigned i = 0; i < n; i++) {
		struct relay_recipient r = { .number = i * 3,
		    .original = slice_str("rfc822;Bob@there"),
		    .notify = ENVELOPE_NOTIFY_SUCCESS };

		address[3] = (char)('A' + i % 26);
		r.address = slice_str(address);
		if (!relay_add(&p, &r))
			break;
	}
	return relay_end(&p);
}

static void
test_relay_round_trip(void **state)
{
	static uint8_t buf[RELAY_BODY_MAX];
	struct relay in = sample(), out;
	struct relay_recipient r;
	size_t len = a_relay(&in, buf, 3);

	(void)state;
	assert_true(len > 0);
	assert_int_equal(relay_decode(slice_of(buf, len), &out), 0);
	assert_true(out.queue_id == in.queue_id && out.nonce == in.nonce &&
	    out.content_size == 1234 && out.content_offset == 8 &&
	    out.arrival == -5 && out.flags == in.flags &&
	    out.ret == ENVELOPE_RET_FULL && out.n_recipients == 3);
	assert_true(slice_equal(out.reverse_path, in.reverse_path));
	assert_true(slice_equal(out.envid, in.envid));
	assert_true(slice_equal(out.auth, in.auth));
	assert_true(slice_equal(out.route, in.route));
	assert_true(slice_equal(out.domain, in.domain));
	for (unsigned i = 0; i < 3; i++) {
		assert_true(relay_next(&out, &r));
		assert_int_equal(r.number, i * 3);
		assert_int_equal(r.notify, ENVELOPE_NOTIFY_SUCCESS);
		assert_int_equal(r.address.at[3], 'A' + i);
		assert_true(slice_equal(r.original,
		    slice_str("rfc822;Bob@there")));
	}
	assert_false(relay_next(&out, &r));
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(relay_decode(slice_of(buf, cut), &out), -1);
	buf[len] = 0;
	assert_int_equal(relay_decode(slice_of(buf, len + 1), &out), -1);
}

static void
test_relay_limits(void **state)
{
	static uint8_t buf[RELAY_BODY_MAX];
	static char original[ENVELOPE_ORIGINAL_MAX], address[ENVELOPE_ADDRESS_MAX];
	struct relay y = sample();
	struct relay_recipient r = { .address = slice_of(address, sizeof(address)),
	    .original = slice_of(original, sizeof(original)) };
	struct relay_part p;
	unsigned n = 0;

	(void)state;
	assert_true(a_relay(&y, buf, 300) > 0);
	assert_int_equal(relay_decode(slice_of(buf, a_relay(&y, buf, 300)), &y),
	    0);
	assert_int_equal(y.n_recipients, RELAY_RECIPIENTS_MAX);
	assert_int_equal(a_relay(&y, buf, 0), 0);
	/* The longest of all: the first fits, and some more. */
	memset(original, 'o', sizeof(original));
	memset(address, 'a', sizeof(address));
	y = sample();
	relay_begin(&p, &y, buf);
	while (relay_add(&p, &r)) {
		r.number++;
		n++;
	}
	assert_true(n >= 10 && n < RELAY_RECIPIENTS_MAX);
	assert_true(relay_end(&p) > 0);
	/* The same number twice. */
	relay_begin(&p, &y, buf);
	assert_true(relay_add(&p, &r));
	assert_true(relay_add(&p, &r));
	assert_int_equal(relay_end(&p), 0);
}

static void
test_relay_refused(void **state)
{
	static uint8_t buf[RELAY_BODY_MAX];
	struct relay y;

	(void)state;
#define REFUSED(field, value)			\
	y = sample();				\
	y.field = value;			\
	assert_int_equal(a_relay(&y, buf, 1), 0)
	REFUSED(domain, slice_str(""));
	REFUSED(domain, slice_str("a\nb"));
	REFUSED(domain, slice_str("b\xc3\xbc" "cher.example"));
	REFUSED(route, slice_str("a\rb"));
	REFUSED(reverse_path, slice_str("a@b>\r\nDATA"));
	REFUSED(envid, slice_str("a\x01"));
	REFUSED(auth, slice_str("\x7f"));
	REFUSED(flags, 8);
	REFUSED(ret, 3);
	REFUSED(queue_id, 0);
	REFUSED(content_offset, UINT64_MAX - 10);
#undef REFUSED
}

static void
test_relayed(void **state)
{
	static const struct {
		enum relay_result result;
		bool unknown, dsn_passed, host_down;
		uint16_t code;
		uint8_t class;
		bool good;
	} rows[] = {
		{ RELAY_DELIVERED, false, true, false, 250, 2, true },
		{ RELAY_DELIVERED, false, false, true, 250, 2, false },
		{ RELAY_DELIVERED, true, false, false, 250, 2, false },
		{ RELAY_DELIVERED, false, false, false, 450, 2, false },
		{ RELAY_DEFERRED, true, false, true, 451, 4, true },
		{ RELAY_DEFERRED, false, true, false, 451, 4, false },
		{ RELAY_DEFERRED, false, false, false, 451, 5, false },
		{ RELAY_FAILED, false, false, false, 554, 5, true },
		{ RELAY_FAILED, false, false, true, 554, 5, false },
		{ 0, false, false, false, 250, 2, false },
		{ 4, false, false, false, 250, 2, false },
	};
	char buf[RELAYED_BODY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct relayed d = { 7, 3, rows[i].result, rows[i].unknown,
		    rows[i].dsn_passed, rows[i].host_down, true, rows[i].code,
		    { rows[i].class, 4, 1 }, slice_str("no answer"),
		    slice_str("mx.example [192.0.2.1]") }, out;
		size_t len = relayed_encode(&d, buf, sizeof(buf));

		assert_int_equal(len > 0, rows[i].good);
		if (len == 0)
			continue;
		assert_int_equal(relayed_decode(slice_of(buf, len), &out), 0);
		assert_true(out.queue_id == 7 && out.number == 3 &&
		    out.last && out.code == d.code &&
		    out.unknown == d.unknown && out.host_down == d.host_down &&
		    out.dsn_passed == d.dsn_passed);
		assert_true(slice_equal(out.remote_mta, d.remote_mta));
		assert_true(slice_equal(out.text, d.text));
		for (size_t cut = 0; cut < len; cut++)
			assert_int_equal(relayed_decode(slice_of(buf, cut),
			    &out), -1);
		buf[13] |= 0x10;	/* a mark that there is not */
		assert_int_equal(relayed_decode(slice_of(buf, len), &out), -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_relay_round_trip),
		cmocka_unit_test(test_relay_limits),
		cmocka_unit_test(test_relay_refused),
		cmocka_unit_test(test_relayed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
