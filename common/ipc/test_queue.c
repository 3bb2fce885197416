/* Envelopes and the bodies of the queue's channels: there and back, and what
 * a hostile peer may try. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/ipc/control.h"
#include "common/ipc/queue.h"

static size_t
an_envelope(uint8_t *buf, size_t size, const char *given)
{
	struct envelope e = {
		.reverse_path = slice_str("alice@crepes.fr"),
		.flags = ENVELOPE_8BITMIME, .session = 7, .arrival_ms = 1234,
		.client = slice_str("192.0.2.1"), .helo = slice_str("crepes.fr"),
		.listener = slice_str("smtp"), .protocol = slice_str("ESMTP"),
		.hold = slice_str("quarantined by milter dkim: no"),
		.envid = slice_str("QQ 314159"), .ret = ENVELOPE_RET_HDRS,
		.auth = slice_str("alice"),
	};
	struct envelope_recipient r = { .given = slice_str("bob@hamburger.edu") };
	struct ipc_writer w;

	ipc_writer_init(&w, buf, size);
	envelope_begin(&w, &e);
	envelope_put_recipient(&w, &r);
	r.given = slice_str(given);
	r.original = slice_str("rfc822;Carol@x");
	r.notify = ENVELOPE_NOTIFY_SUCCESS | ENVELOPE_NOTIFY_DELAY;
	envelope_put_recipient(&w, &r);
	return w.failed ? 0 : w.len;
}

static void
test_envelope(void **state)
{
	struct envelope_recipient r;
	struct envelope e;
	uint8_t buf[600];
	size_t len = an_envelope(buf, sizeof(buf), "carol@x");

	(void)state;
	assert_true(len > 0);
	assert_int_equal(envelope_decode(slice_of(buf, len), &e), 0);
	assert_int_equal(e.n_recipients, 2);
	assert_true(slice_equal(e.helo, slice_str("crepes.fr")));
	assert_int_equal(e.arrival_ms, 1234);
	assert_true(slice_equal(e.envid, slice_str("QQ 314159")));
	assert_true(slice_equal(e.hold,
	    slice_str("quarantined by milter dkim: no")));
	assert_int_equal(e.ret, ENVELOPE_RET_HDRS);
	assert_true(slice_equal(e.auth, slice_str("alice")));
	assert_true(envelope_next(&e, &r));
	assert_true(slice_equal(r.given, slice_str("bob@hamburger.edu")));
	assert_true(envelope_next(&e, &r));
	assert_true(slice_equal(r.original, slice_str("rfc822;Carol@x")));
	assert_int_equal(r.notify,
	    ENVELOPE_NOTIFY_SUCCESS | ENVELOPE_NOTIFY_DELAY);
	assert_false(envelope_next(&e, &r));
}

/* Every prefix that ends inside a field is refused. */
static void
test_envelope_cut(void **state)
{
	uint8_t buf[600];
	struct envelope e;
	size_t len = an_envelope(buf, sizeof(buf), "carol@x"), whole = 0;

	(void)state;
	for (size_t n = 0; n < len; n++)
		if (envelope_decode(slice_of(buf, n), &e) == 0)
			whole++;
	assert_int_equal(whole, 1);	/* after the first recipient */
}

static void
test_envelope_hostile(void **state)
{
	static const char *const bad[] = { "", "a\rb", "a\nb", "a\x01", "a\x7f" };
	uint8_t buf[600];
	struct envelope e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		size_t len = an_envelope(buf, sizeof(buf), bad[i]);
		assert_int_equal(envelope_decode(slice_of(buf, len), &e), -1);
	}
	size_t len = an_envelope(buf, sizeof(buf), "x@y");
	buf[0] = ENVELOPE_VERSION + 1;
	assert_int_equal(envelope_decode(slice_of(buf, len), &e), -1);
	buf[0] = ENVELOPE_VERSION;
	/* An unknown field: refused, unless it is marked as optional. */
	memcpy(buf + len, "\x50\x01\0\0\0x", 6);
	assert_int_equal(envelope_decode(slice_of(buf, len + 6), &e), -1);
	buf[len] = 0xf0;
	assert_int_equal(envelope_decode(slice_of(buf, len + 6), &e), 0);
	/* A second reverse-path. */
	memcpy(buf + len, "\x01\x01\0\0\0x", 6);
	assert_int_equal(envelope_decode(slice_of(buf, len + 6), &e), -1);
}

/* What was written before there were ENVID, RET, AUTH and NOTIFY. */
static void
test_envelope_of_old(void **state)
{
	static const char old[] = "\x01"
	    "\x01\x03\0\0\0a@b"			/* reverse-path */
	    "\x03\x04\0\0\0\x01\0\0\0"		/* flags */
	    "\x02\x0f\0\0\0" "\0\0\0\0" "\x03\0\0\0c@d" "\0\0\0\0";
	struct slice octets = slice_of(old, sizeof(old) - 1);
	struct envelope_recipient r;
	struct envelope e;

	(void)state;
	assert_int_equal(envelope_decode(octets, &e), 0);
	assert_int_equal(e.flags, ENVELOPE_8BITMIME);
	assert_int_equal(e.ret, ENVELOPE_RET_UNSAID);
	assert_int_equal(e.envid.len + e.auth.len + e.hold.len, 0);
	assert_true(envelope_next(&e, &r));
	assert_int_equal(r.notify, 0);
}

static void
test_envelope_fields(void **state)
{
	static const struct {
		const char *tag;
		size_t len;
		int ret;
	} rows[] = {
		{ "\x07\x03\0\0\0a b", 8, 0 },
		{ "\x07\x03\0\0\0a\xc3\xa4", 8, -1 },
		{ "\x07\x03\0\0\0a\nb", 8, -1 },
		{ "\x08\x04\0\0\0\x01\0\0\0", 9, 0 },
		{ "\x08\x04\0\0\0\0\0\0\0", 9, -1 },
		{ "\x08\x04\0\0\0\x03\0\0\0", 9, -1 },
		{ "\x08\x01\0\0\0\x01", 6, -1 },
		{ "\x09\x03\0\0\0a\xc3\xa4", 8, 0 },
		{ "\x09\x01\0\0\0\r", 6, -1 },
		/* NEVER stands alone */
		{ "\x02\x0f\0\0\0\x01\0\0\0\x03\0\0\0c@d\0\0\0\0", 20, 0 },
		{ "\x02\x0f\0\0\0\x03\0\0\0\x03\0\0\0c@d\0\0\0\0", 20, -1 },
		{ "\x02\x0f\0\0\0\x0e\0\0\0\x03\0\0\0c@d\0\0\0\0", 20, 0 },
		{ "\x02\x0f\0\0\0\x10\0\0\0\x03\0\0\0c@d\0\0\0\0", 20, -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct envelope plain = { .reverse_path = slice_str("a@b") }, e;
		struct envelope_recipient r = { .given = slice_str("c@d") };
		struct ipc_writer w;
		uint8_t buf[300];

		ipc_writer_init(&w, buf, sizeof(buf));
		envelope_begin(&w, &plain);
		envelope_put_recipient(&w, &r);
		ipc_put_raw(&w, rows[i].tag, rows[i].len);
		assert_false(w.failed);
		assert_int_equal(envelope_decode(slice_of(buf, w.len), &e),
		    rows[i].ret);
	}
}

static void
test_enqueue_sizes(void **state)
{
	static const struct {
		uint32_t part, octets;
		uint64_t content;
		uint32_t envelope, inside;
		int ret;
	} rows[] = {
		{ 0, 10, 10, 3, 3, 0 },
		{ 0, 10, 11, 3, 3, -1 },
		{ 1, 10, 262154, 3, 3, 0 },
		{ 1, 10, 262155, 3, 3, -1 },
		{ 0, 262145, 262145, 3, 3, -1 },
		{ 0, 10, 10, 3, 2, -1 },
		{ 0, 10, 10, 32769, 0, 0 },
		{ 0, 10, 10, 32769, 3, -1 },
		{ 0, 10, 10, ENVELOPE_MAX + 1, 0, -1 },
	};
	uint8_t buf[QUEUE_ENQUEUE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct queue_enqueue e = {
			.queue_id = 1, .last_part = rows[i].part,
			.last_octets = rows[i].octets,
			.content_octets = rows[i].content,
			.envelope_octets = rows[i].envelope,
			.envelope = slice_of("abc", rows[i].inside),
		};
		size_t len = queue_enqueue_encode(&e, buf);
		assert_true(len > 0);
		assert_int_equal(queue_enqueue_decode(slice_of(buf, len), &e),
		    rows[i].ret);
	}
}

static void
test_small(void **state)
{
	struct queue_refused r = { .queue_id = 9, .code = 452,
	    .enhanced = { 4, 3, 1 }, .text = slice_str("no room") };
	struct queue_ids ids = { UINT64_MAX, 2 };
	uint8_t buf[QUEUE_DONE_MAX];
	uint64_t id;
	size_t len;

	(void)state;
	len = queue_refused_encode(&r, buf);
	assert_int_equal(queue_refused_decode(slice_of(buf, len), &r), 0);
	r.enhanced[0] = 5;
	assert_int_equal(queue_refused_encode(&r, buf), 0);
	len = queue_ids_encode(&ids, buf);
	assert_int_equal(queue_ids_decode(slice_of(buf, len), &ids), -1);
	len = queue_id_encode(0, buf);
	assert_int_equal(queue_id_decode(slice_of(buf, len), &id), -1);
	len = queue_id_encode(5, buf);
	assert_int_equal(queue_id_decode(slice_of(buf, len), &id), 0);
	assert_int_equal(id, 5);
}

static void
test_control(void **state)
{
	struct queue_row row = { .queue_id = 3, .state = QUEUE_ROW_HELD,
	    .reverse_path = slice_str("a@b"), .n_recipients = 2, .n_listed = 1 };
	struct queue_recipient_row rcpt = { .number = 1, .attempts = 4,
	    .address = slice_str("c@d"), .reason = slice_str("later"),
	    .route = slice_str("smart"), .rests_until = 77 };
	struct queue_ask ask = { .verb = QUEUE_LIST };
	uint8_t buf[QUEUE_ROWS_MAX];
	struct ipc_writer w;
	struct ipc_reader r;

	(void)state;
	size_t len = queue_ask_encode(&ask, buf);
	assert_int_equal(queue_ask_decode(slice_of(buf, len), &ask), -1);
	ask.limit = 10;
	len = queue_ask_encode(&ask, buf);
	assert_int_equal(queue_ask_decode(slice_of(buf, len), &ask), 0);
	ipc_writer_init(&w, buf, sizeof(buf));
	queue_row_put(&w, &row);
	queue_recipient_row_put(&w, &rcpt);
	ipc_reader_init(&r, slice_of(buf, w.len));
	assert_int_equal(queue_row_get(&r, &row), 0);
	assert_int_equal(queue_recipient_row_get(&r, &rcpt), 0);
	assert_int_equal(ipc_reader_end(&r), 0);
	assert_true(slice_equal(rcpt.reason, slice_str("later")));
	assert_true(slice_equal(rcpt.route, slice_str("smart")));
	assert_int_equal(rcpt.rests_until, 77);
	/* All of a destination, page by page. */
	ask = (struct queue_ask){ .verb = QUEUE_HOLD };
	len = queue_ask_encode(&ask, buf);
	assert_int_equal(queue_ask_decode(slice_of(buf, len), &ask), -1);
	ask = (struct queue_ask){ .verb = QUEUE_HOLD, .limit = 3 };
	len = queue_ask_encode(&ask, buf);
	assert_int_equal(queue_ask_decode(slice_of(buf, len), &ask), 0);
}

/* ETRN: nothing that could mean something in a log, a key or a name. */
static void
test_flush(void **state)
{
	static const struct {
		struct queue_flush_ask ask;
		bool good;
	} rows[] = {
		{ { QUEUE_FLUSH_DOMAIN, SLICE_LITERAL("example.org") }, true },
		{ { QUEUE_FLUSH_BELOW, SLICE_LITERAL("x") }, true },
		{ { QUEUE_FLUSH_ROUTE, SLICE_LITERAL("smart-1") }, true },
		{ { 0, SLICE_LITERAL("x") }, false },
		{ { QUEUE_FLUSH_ROUTE + 1, SLICE_LITERAL("x") }, false },
		{ { QUEUE_FLUSH_DOMAIN, SLICE_LITERAL("") }, false },
		{ { QUEUE_FLUSH_DOMAIN, SLICE_LITERAL("a b") }, false },
		{ { QUEUE_FLUSH_DOMAIN, SLICE_LITERAL("a\n") }, false },
		{ { QUEUE_FLUSH_DOMAIN, SLICE_LITERAL("\xc3\xb6") }, false },
	};
	uint8_t buf[QUEUE_FLUSH_BODY_MAX], raw[QUEUE_FLUSH_BODY_MAX];
	struct queue_flush_answer answer = { QUEUE_FLUSH_BEGUN, 7, true };
	struct queue_flush_ask got;
	struct ipc_writer w;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		len = queue_flush_ask_encode(&rows[i].ask, buf);
		assert_true((len > 0) == rows[i].good);
		/* The same from a hostile writer. */
		ipc_writer_init(&w, raw, sizeof(raw));
		ipc_put_u8(&w, (uint8_t)rows[i].ask.kind);
		ipc_put_bytes(&w, rows[i].ask.name);
		assert_int_equal(queue_flush_ask_decode(slice_of(raw, w.len),
		    &got), rows[i].good ? 0 : -1);
	}
	len = queue_flush_answer_encode(&answer, buf);
	answer = (struct queue_flush_answer){ 0 };
	assert_int_equal(queue_flush_answer_decode(slice_of(buf, len),
	    &answer), 0);
	assert_int_equal(answer.waiting, 7);
	assert_true(answer.more);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(queue_flush_answer_decode(slice_of(buf, cut),
		    &answer), -1);
	buf[0] = QUEUE_FLUSH_BUSY + 1;
	assert_int_equal(queue_flush_answer_decode(slice_of(buf, len),
	    &answer), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envelope),
		cmocka_unit_test(test_envelope_cut),
		cmocka_unit_test(test_envelope_hostile),
		cmocka_unit_test(test_envelope_of_old),
		cmocka_unit_test(test_envelope_fields),
		cmocka_unit_test(test_enqueue_sizes),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_flush),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
