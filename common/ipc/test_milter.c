/* MILTER_...: there and back, and what may not be is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/ipc/milter.h"

static uint8_t buf[MILTER_VERDICT_MAX];

static struct milter_mail
a_mail(void)
{
	return (struct milter_mail){ .session = 7,
		.n_milters = 2,
		.milters = { SLICE_LITERAL("dkim"), SLICE_LITERAL("spam") },
		.listener = SLICE_LITERAL("smtp"),
		.family = MILTER_FAMILY_IPV6,
		.address = SLICE_LITERAL("2001:db8::1"),
		.port = 4025,
		.name = SLICE_LITERAL("mx.example.net"),
		.own_address = SLICE_LITERAL("2001:db8::2"),
		.own_port = 25,
		.helo = SLICE_LITERAL("mx"),
		.tls_version = SLICE_LITERAL(""),
		.tls_cipher = SLICE_LITERAL(""),
		.login = SLICE_LITERAL(""),
		.mechanism = SLICE_LITERAL(""),
		.reverse_path = SLICE_LITERAL("a@example.net"),
		.params = SLICE_LITERAL(" SIZE=99 BODY=8BITMIME"),
		.utf8 = true };
}

static void
test_mail(void **state)
{
	struct milter_mail in = a_mail(), out;
	size_t len = milter_mail_encode(&in, buf);

	(void)state;
	assert_int_equal(milter_mail_decode(slice_of(buf, len), &out), 0);
	assert_true(out.session == 7 && out.n_milters == 2 &&
		    out.port == 4025 && out.own_port == 25 && out.utf8 &&
		    out.family == MILTER_FAMILY_IPV6);
	assert_true(slice_equal(out.milters[1], in.milters[1]));
	assert_true(slice_equal(out.reverse_path, in.reverse_path));
	assert_true(slice_equal(out.params, in.params));
	/* Cut off anywhere, and with one octet more. */
	for (size_t n = 0; n < len; n++)
		assert_int_equal(
		    milter_mail_decode(slice_of(buf, n), &out), -1);
	assert_int_equal(milter_mail_decode(slice_of(buf, len + 1), &out), -1);
}

static void
refused_mail(const struct milter_mail *m)
{
	struct milter_mail out;

	assert_int_equal(
	    milter_mail_decode(slice_of(buf, milter_mail_encode(m, buf)), &out),
	    -1);
}

static void
test_mail_refused(void **state)
{
	struct milter_mail m = a_mail();

	(void)state;
	m.n_milters = 0;
	refused_mail(&m);
	m = a_mail();
	m.family = (enum milter_family)'X';
	refused_mail(&m);
	m = a_mail();
	m.helo = SLICE_LITERAL("a\nb"); /* it goes into macros */
	refused_mail(&m);
	m = a_mail();
	m.reverse_path = SLICE_LITERAL("a\0b");
	refused_mail(&m);
	m = a_mail();
	m.milters[0] = SLICE_LITERAL("a name that is longer than names are");
	refused_mail(&m);
	m = a_mail();
	m.params = SLICE_LITERAL(" SIZE=1\0BODY=7BIT"); /* strings to milters */
	refused_mail(&m);
}

static void
test_rcpt(void **state)
{
	struct milter_rcpt in = { .session = 7,
		.forward_path = SLICE_LITERAL("b@example.net"),
		.params = SLICE_LITERAL(" NOTIFY=NEVER"),
		.code = 550,
		.enhanced = { 5, 1, 1 },
		.text = SLICE_LITERAL("No such user here") };
	struct milter_rcpt out;
	size_t len = milter_rcpt_encode(&in, buf);

	(void)state;
	assert_int_equal(milter_rcpt_decode(slice_of(buf, len), &out), 0);
	assert_true(out.session == 7 && out.code == 550 &&
		    memcmp(out.enhanced, in.enhanced, 3) == 0 &&
		    slice_equal(out.forward_path, in.forward_path) &&
		    slice_equal(out.params, in.params) &&
		    slice_equal(out.text, in.text));
	for (size_t n = 0; n < len; n++)
		assert_int_equal(
		    milter_rcpt_decode(slice_of(buf, n), &out), -1);
	in.text = SLICE_LITERAL("a\nb"); /* it goes into a macro */
	len = milter_rcpt_encode(&in, buf);
	assert_int_equal(milter_rcpt_decode(slice_of(buf, len), &out), -1);
}

static void
test_unknown(void **state)
{
	static const char longest[MILTER_LINE_MAX + 1] = "";
	struct milter_unknown in = { 7, SLICE_LITERAL("XYZZY twice") }, out;
	size_t len = milter_unknown_encode(&in, buf);

	(void)state;
	assert_int_equal(milter_unknown_decode(slice_of(buf, len), &out), 0);
	assert_true(out.session == 7 && slice_equal(out.line, in.line));
	for (size_t n = 0; n < len; n++)
		assert_int_equal(
		    milter_unknown_decode(slice_of(buf, n), &out), -1);
	in.line = SLICE_LITERAL("A\0B");
	len = milter_unknown_encode(&in, buf);
	assert_int_equal(milter_unknown_decode(slice_of(buf, len), &out), -1);
	in.line = slice_of(longest, sizeof(longest));
	len = milter_unknown_encode(&in, buf);
	assert_int_equal(milter_unknown_decode(slice_of(buf, len), &out), -1);
}

static size_t
put(const struct milter_verdict *v, const struct milter_change *c, unsigned n)
{
	struct ipc_writer w;

	ipc_writer_init(&w, buf, sizeof(buf));
	milter_verdict_put(&w, v);
	for (unsigned i = 0; i < n; i++)
		milter_change_put(&w, &c[i]);
	return w.failed ? 0 : w.len;
}

static struct milter_verdict
a_verdict(void)
{
	return (struct milter_verdict){ .session = 3,
		.decision = MILTER_GO_ON,
		.milter = SLICE_LITERAL("dkim"),
		.wishes = MILTER_WANTS_RCPT,
		.text = SLICE_LITERAL(""),
		.changed = true,
		.parts = 2,
		.kept = 1,
		.hold = true,
		.reason = SLICE_LITERAL("spam"),
		.has_reverse_path = true,
		.reverse_path = SLICE_LITERAL(""),
		.reverse_params = SLICE_LITERAL(" RET=HDRS"),
		.n_changes = 2 };
}

static void
test_verdict(void **state)
{
	const struct milter_change changes[2] = {
		{ true, SLICE_LITERAL("a@b.example"),
		    SLICE_LITERAL(" NOTIFY=NEVER") },
		{ false, SLICE_LITERAL("c@d.example"), SLICE_LITERAL("") }
	};
	struct milter_verdict in = a_verdict(), out;
	size_t len = put(&in, changes, 2);
	struct milter_change c;

	(void)state;
	assert_int_equal(milter_verdict_decode(slice_of(buf, len), &out), 0);
	assert_true(out.session == 3 && out.changed && out.parts == 2 &&
		    out.kept == 1 && out.hold && out.has_reverse_path);
	assert_true(slice_equal(out.reverse_params, in.reverse_params));
	assert_true(milter_change_next(&out, &c) && c.add &&
		    slice_equal(c.params, changes[0].params));
	assert_true(milter_change_next(&out, &c) && !c.add &&
		    slice_equal(c.address, changes[1].address));
	assert_false(milter_change_next(&out, &c));
	for (size_t n = 0; n < len; n++)
		assert_int_equal(
		    milter_verdict_decode(slice_of(buf, n), &out), -1);
	/* Fewer than it says, and more. */
	assert_int_equal(
	    milter_verdict_decode(slice_of(buf, put(&in, changes, 1)), &out),
	    -1);
	in.n_changes = 1;
	assert_int_equal(
	    milter_verdict_decode(slice_of(buf, put(&in, changes, 2)), &out),
	    -1);
}

static void
refused_verdict(const struct milter_verdict *v)
{
	struct milter_verdict out;

	assert_int_equal(
	    milter_verdict_decode(slice_of(buf, put(v, NULL, 0)), &out), -1);
}

/* A refusal is what a client may be told, and nothing else. */
static void
test_verdict_refused(void **state)
{
	struct milter_verdict v = a_verdict(), out;

	(void)state;
	v.n_changes = 0;
	v.decision = MILTER_REFUSE;
	refused_verdict(&v);
	v.code = 550;
	v.enhanced[0] = 4;
	refused_verdict(&v);
	v.enhanced[0] = 5;
	v.text = SLICE_LITERAL("a\r\n250 b");
	refused_verdict(&v);
	v.text = SLICE_LITERAL("a\nb");
	assert_int_equal(
	    milter_verdict_decode(slice_of(buf, put(&v, NULL, 0)), &out), 0);
	v.code = 250;
	v.enhanced[0] = 2;
	refused_verdict(&v);
	v = a_verdict();
	v.n_changes = 0;
	v.decision = (enum milter_decision)9;
	refused_verdict(&v);
	v = a_verdict();
	v.n_changes = 0;
	v.reason = SLICE_LITERAL("a\nb");
	refused_verdict(&v);
}

static void
test_small(void **state)
{
	struct milter_small in = { 1, 2, 3, 4, 5 }, out;
	char name[MILTER_NAME_MAX];
	size_t len = milter_small_encode(&in, buf);
	int error;

	(void)state;
	assert_int_equal(milter_small_decode(slice_of(buf, len), &out), 0);
	/* Field by field: a structure may have octets that belong to none. */
	assert_int_equal(out.session, in.session);
	assert_int_equal(out.queue_id, in.queue_id);
	assert_int_equal(out.octets, in.octets);
	assert_int_equal(out.own, in.own);
	assert_int_equal(out.parts, in.parts);
	assert_int_equal(milter_small_decode(slice_of(buf, len - 1), &out), -1);
	len = milter_error_encode(111, buf);
	assert_int_equal(milter_error_decode(slice_of(buf, len), &error), 0);
	assert_int_equal(error, 111);
	len = milter_error_encode(1 << 20, buf);
	assert_int_equal(milter_error_decode(slice_of(buf, len), &error), -1);
	assert_int_equal(milter_name_encode(SLICE_LITERAL("dkim"), name), 0);
	assert_memory_equal(name, "dkim\0\0\0\0", 8);
	assert_int_equal(milter_name_encode(SLICE_LITERAL(""), name), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail),
		cmocka_unit_test(test_mail_refused),
		cmocka_unit_test(test_rcpt),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_verdict),
		cmocka_unit_test(test_verdict_refused),
		cmocka_unit_test(test_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
