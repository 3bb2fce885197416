/* A message's state there and back; spool time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "queue-manager/message.h"
#include "queue-manager/spool/clock.h"

static struct message *
a_message(void)
{
	struct envelope e = { .reverse_path = slice_str("a@b"), .flags = 1,
	    .session = 77, .arrival_ms = 1234567 };
	struct envelope_recipient r = { .given = slice_str("c@d"),
	    .original = slice_str("rfc822;C@d") };
	struct event_message ev = { .arrival_ms = 99, .content_octets = 5 };
	struct place place = { 7, 4096, 100 };
	struct message *m;
	uint8_t buf[512];
	struct ipc_writer w;

	ipc_writer_init(&w, buf, sizeof(buf));
	envelope_begin(&w, &e);
	envelope_put_recipient(&w, &r);
	r.given = slice_str("e@f");
	envelope_put_recipient(&w, &r);
	ev.envelope = slice_of(buf, w.len);
	m = message_from_record(42, &place, &ev);
	assert_non_null(m);
	return m;
}

static void
test_state(void **state)
{
	struct message *m = a_message(), *got;
	struct recipient *r = message_recipient(m, 1);
	uint8_t buf[1024];
	struct ipc_writer w;

	(void)state;
	assert_non_null(r);
	r->attempts = 3;
	r->due_ms = 12345;
	r->unknown = true;
	r->state = RECIPIENT_FINAL;
	recipient_reason(r, slice_str("later"));
	m->held = true;
	assert_non_null(message_add(m, 9, slice_str("x@y"), slice_str("c@d"),
	    slice_of("", 0)));
	message_drop(m, message_recipient(m, 0));
	ipc_writer_init(&w, buf, sizeof(buf));
	message_state_put(&w, m);
	assert_false(w.failed);
	assert_int_equal(w.len, message_state_size(m));
	got = message_state_get(42, slice_of(buf, w.len));
	assert_non_null(got);
	assert_int_equal(got->n, 2);
	assert_int_equal(got->next_number, 10);
	assert_true(got->held);
	assert_int_equal(got->session, 77);
	assert_null(message_recipient(got, 0));
	r = message_recipient(got, 1);
	assert_int_equal(r->attempts, 3);
	assert_true(r->unknown);
	assert_int_equal(r->state, RECIPIENT_FINAL);
	assert_string_equal(r->reason, "later");
	assert_true(slice_equal(r->original, slice_str("rfc822;C@d")));
	assert_int_equal(message_due(got), 0);	/* the added one */
	message_free(got);
	/* Cut anywhere it is nothing. */
	for (size_t n = 0; n < w.len; n++)
		assert_null(message_state_get(42, slice_of(buf, n)));
	message_free(m);
}

static void
test_clock(void **state)
{
	enum { DAY = 86400000 };
	static const struct {
		const char *what;
		uint64_t boot;
		int64_t wall;
		uint64_t want;
	} rows[] = {
		{ "the same boot, a minute later", 160000, 1060000, 560000 },
		{ "a boot later, an hour", 5000, 1000000 + 3600000,
		    500000 + 3600000 },
		{ "ten years forward at once", 160000,
		    1000000 + 3650LL * DAY, 500000 + DAY },
		{ "ten years back", 160000, 1000000 - 3650LL * DAY, 500000 },
		{ "a boot later, years back", 10, -3650LL * DAY, 500000 },
	};
	struct clock_mark last = { 500000, 100000, 1000000 };
	struct spool_clock c;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		spool_clock_resume(&c, &last, 0, rows[i].boot, rows[i].wall);
		if (spool_clock_at(&c, rows[i].boot) != rows[i].want)
			fail_msg("%s", rows[i].what);
		assert_int_equal(spool_clock_at(&c, rows[i].boot + 5),
		    rows[i].want + 5);
	}
	/* Never behind what a record says. */
	spool_clock_resume(&c, &last, 900000, 160000, 1060000);
	assert_int_equal(spool_clock_at(&c, 160000), 900000);
	last = (struct clock_mark){ 0 };
	spool_clock_resume(&c, &last, 0, 55, 66);
	assert_int_equal(spool_clock_at(&c, 55), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_clock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
