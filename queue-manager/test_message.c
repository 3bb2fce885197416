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
	recipient_remote_mta(r, slice_str("mx.x"));
	r->notify = ENVELOPE_NOTIFY_SUCCESS;
	r->warned = true;
	assert_int_equal(recipient_target(r, &(struct target){
	    slice_str("smart"), slice_str("x.example"), slice_str("o@y") }), 0);
	m->may_relay = true;
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
	assert_string_equal(r->remote_mta, "mx.x");
	assert_int_equal(r->notify, ENVELOPE_NOTIFY_SUCCESS);
	assert_true(r->warned && got->may_relay);
	assert_true(slice_equal(r->target->route, slice_str("smart")));
	assert_true(slice_equal(r->target->domain, slice_str("x.example")));
	assert_true(slice_equal(recipient_sender(r), slice_str("o@y")));
	assert_null(message_recipient(got, 9)->target);
	assert_true(slice_equal(r->original, slice_str("rfc822;C@d")));
	assert_int_equal(message_due(got), 0);	/* the added one */
	message_free(got);
	/* Cut anywhere it is nothing. */
	for (size_t n = 0; n < w.len; n++)
		assert_null(message_state_get(42, slice_of(buf, n)));
	message_free(m);
}

/* State as it was written before there were targets and DSN. */
static void
test_state_of_old(void **state)
{
	uint8_t buf[300];
	struct ipc_writer w;
	struct message *m;

	(void)state;
	ipc_writer_init(&w, buf, sizeof(buf));
	ipc_put_u8(&w, 1);
	ipc_put_u32(&w, 90);			/* content_at */
	ipc_put_u64(&w, 26);
	ipc_put_u32(&w, 7);
	ipc_put_u8(&w, 2);			/* held */
	ipc_put_u32(&w, ENVELOPE_LOCAL);
	for (unsigned i = 0; i < 4; i++)
		ipc_put_u64(&w, 1000);
	ipc_put_u32(&w, 3);			/* next_number */
	ipc_put_bytes(&w, slice_str("a@b"));
	ipc_put_u32(&w, 1);
	ipc_put_u32(&w, 2);
	ipc_put_u8(&w, RECIPIENT_AWAY);
	ipc_put_u32(&w, 5);
	ipc_put_u64(&w, 1234);
	ipc_put_u16(&w, 451);
	ipc_put_raw(&w, "\4\4\4", 3);
	ipc_put_bytes(&w, slice_str("c@d"));
	ipc_put_bytes(&w, slice_str(""));
	ipc_put_bytes(&w, slice_str(""));
	ipc_put_bytes(&w, slice_str("no relay"));
	assert_false(w.failed);
	m = message_state_get(9, slice_of(buf, w.len));
	assert_non_null(m);
	assert_true(m->held && m->may_relay);	/* it was injected here */
	assert_int_equal(m->envid.len + m->auth.len, 0);
	assert_int_equal(m->recipients[0]->state, RECIPIENT_AWAY);
	assert_int_equal(m->recipients[0]->notify, 0);
	message_free(m);
	buf[0] = 3;
	assert_null(message_state_get(9, slice_of(buf, w.len)));
}

/* Records: targets there and back; a result with and without who said so. */
static void
test_events(void **state)
{
	static const struct event_target all[] = {
		{ .kind = EVENT_TARGET_LOCAL, .notify = 1,
		    .address = SLICE_LITERAL("a@x") },
		{ .kind = EVENT_TARGET_RELAY, .with_original = true,
		    .address = SLICE_LITERAL("b@y"),
		    .route = SLICE_LITERAL("smart"),
		    .domain = SLICE_LITERAL("y"),
		    .sender = SLICE_LITERAL("o@x") },
		{ .kind = EVENT_TARGET_REFUSED, .code = 550,
		    .enhanced = { 5, 7, 1 }, .address = SLICE_LITERAL("c@z"),
		    .text = SLICE_LITERAL("no") },
	};
	struct event_expanded e = { .number = 1, .first = 4, .count = 3 };
	struct event_result r = { .number = 3, .outcome = OUTCOME_REPORT,
	    .warned = true, .text = SLICE_LITERAL("ok") }, back;
	uint8_t buf[512];
	struct event_target t;
	struct ipc_writer w;
	size_t size = 12;

	(void)state;
	ipc_writer_init(&w, buf, sizeof(buf));
	event_expanded_put(&w, &e);
	for (unsigned i = 0; i < 3; i++) {
		event_target_put(&w, &all[i]);
		size += event_target_size(&all[i]);
	}
	assert_int_equal(w.len, size);
	assert_int_equal(event_targets_get(slice_of(buf, size), &e), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(event_target_next(&e.addresses, &t));
		assert_true(slice_equal(t.address, all[i].address) &&
		    slice_equal(t.domain, slice_of(all[i].domain.at,
		    all[i].domain.len)) && t.kind == all[i].kind &&
		    t.notify == all[i].notify && t.code == all[i].code &&
		    t.with_original == all[i].with_original);
	}
	assert_false(event_target_next(&e.addresses, &t));
	for (size_t n = 0; n < size; n++)
		assert_int_equal(event_targets_get(slice_of(buf, n), &e), -1);
	for (unsigned i = 0; i < 2; i++) {
		ipc_writer_init(&w, buf, sizeof(buf));
		event_result_put(&w, &r);
		assert_int_equal(event_result_get(slice_of(buf, w.len), &back),
		    0);
		assert_true(back.warned && !back.away &&
		    back.outcome == OUTCOME_REPORT);
		assert_int_equal(back.remote_mta.len, r.remote_mta.len);
		r.remote_mta = slice_str("mx.x");
	}
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
		cmocka_unit_test(test_state_of_old),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_clock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
