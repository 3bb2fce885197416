/* Packets and answers of milters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/milter/answer.h"

#define S(text) SLICE_LITERAL(text)

/* In a buffer of exactly its size: valgrind and sanitizers see one too many. */
static int
decode(char code, struct slice data, struct milter_answer *a)
{
	static char *exact;
	struct milter_packet p = { .code = code };

	free(exact);
	exact = malloc(data.len);
	if (data.len > 0)
		memcpy(exact, data.at, data.len);
	p.data = slice_of(exact, data.len);
	return milter_answer_decode(&p, a);
}

static void
test_packet(void **state)
{
	static const char two[] = "\0\0\0\1c\0\0\0\4yab"; /* and a NUL */
	struct milter_packet p;
	size_t used;

	(void)state;
	for (size_t n = 0; n < 5; n++)
		assert_int_equal(
		    milter_packet_take(slice_of(two, n), 10, &p, &used),
		    PARSE_MORE);
	assert_int_equal(
	    milter_packet_take(slice_of(two, sizeof(two)), 10, &p, &used),
	    PARSE_OK);
	assert_true(p.code == 'c' && p.data.len == 0 && used == 5);
	assert_int_equal(
	    milter_packet_take(slice_of(two + 5, 8), 10, &p, &used), PARSE_OK);
	assert_true(p.code == 'y' && p.data.len == 3 && used == 8);
	assert_int_equal(
	    milter_packet_take(slice_of(two + 5, 8), 2, &p, &used), PARSE_BAD);
	assert_int_equal(
	    milter_packet_take(S("\0\0\0\0"), 10, &p, &used), PARSE_BAD);
	assert_int_equal(
	    milter_packet_take(S("\377\377\377\377"), 65535, &p, &used),
	    PARSE_BAD);
}

static void
test_writer(void **state)
{
	char buf[32], head[MILTER_PACKET_HEAD];
	struct milter_writer w;

	(void)state;
	milter_writer_init(&w, buf, sizeof(buf));
	milter_begin(&w, SMFIC_HELO);
	milter_put_string(&w, S("a\0b"));
	milter_end(&w);
	milter_begin(&w, SMFIC_QUIT);
	milter_end(&w);
	assert_true(!w.failed && w.len == 12);
	assert_memory_equal(buf, "\0\0\0\3Ha\0\0\0\0\1Q", 12);
	milter_head(head, SMFIC_BODY, 0x10000);
	assert_memory_equal(head, "\0\1\0\1B", 5);
	milter_put(&w, slice_of(buf, 21));
	assert_true(w.failed);
}

static const struct {
	char code;
	struct slice data;
	int result;
	uint32_t index;
	struct slice name, value;
} answers[] = {
	{ 'c', { "", 0 }, 0, 0, { "", 0 }, { "", 0 } },
	{ 'c', { "x", 1 }, -1, 0, { "", 0 }, { "", 0 } },
	{ 'Z', { "", 0 }, -1, 0, { "", 0 }, { "", 0 } },
	{ 'O', { "", 0 }, -1, 0, { "", 0 }, { "", 0 } },
	{ '+', { "<a@b>\0", 6 }, 0, 0, { "<a@b>", 5 }, { "", 0 } },
	/* Not ended, twice ended, nothing at all (ATTACKS: over-reads). */
	{ '+', { "<a@b>", 5 }, -1, 0, { "", 0 }, { "", 0 } },
	{ '+', { "<a@b>\0\0", 7 }, -1, 0, { "", 0 }, { "", 0 } },
	{ '+', { "", 0 }, -1, 0, { "", 0 }, { "", 0 } },
	{ 'e', { "<>\0", 3 }, 0, 0, { "<>", 2 }, { "", 0 } },
	{ 'e', { "<>\0RET=HDRS\0", 12 }, 0, 0, { "<>", 2 }, { "RET=HDRS", 8 } },
	{ 'e', { "<>\0RET=HDRS", 11 }, -1, 0, { "", 0 }, { "", 0 } },
	{ '2', { "a@b\0NOTIFY=NEVER\0", 17 }, 0, 0, { "a@b", 3 },
	    { "NOTIFY=NEVER", 12 } },
	{ '2', { "a@b\0", 4 }, 0, 0, { "a@b", 3 }, { "", 0 } },
	{ '2', { "a@b\0NOTIFY=NEVER", 16 }, -1, 0, { "", 0 }, { "", 0 } },
	{ '2', { "a@b\0A\0B\0", 8 }, -1, 0, { "", 0 }, { "", 0 } },
	{ 'h', { "X-A\0 b\0", 7 }, 0, 0, { "X-A", 3 }, { " b", 2 } },
	{ 'h', { "X A\0 b\0", 7 }, -1, 0, { "", 0 }, { "", 0 } },
	{ 'h', { "X:A\0 b\0", 7 }, -1, 0, { "", 0 }, { "", 0 } },
	{ 'h', { "\0 b\0", 4 }, -1, 0, { "", 0 }, { "", 0 } },
	{ 'h', { "X\r\nY\0 b\0", 8 }, -1, 0, { "", 0 }, { "", 0 } },
	{ 'i', { "\0\0\0\1A\0b\0", 8 }, 0, 1, { "A", 1 }, { "b", 1 } },
	{ 'i', { "\0\0\1A", 4 }, -1, 0, { "", 0 }, { "", 0 } },
	{ 'm', { "\0\0\0\2A\0\0", 7 }, 0, 2, { "A", 1 }, { "", 0 } },
	{ 'b', { "a\0b", 3 }, 0, 0, { "", 0 }, { "a\0b", 3 } },
	{ 'q', { "spam\0", 5 }, 0, 0, { "", 0 }, { "spam", 4 } },
};

static void
test_answers(void **state)
{
	struct milter_answer a;

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		int got = decode(answers[i].code, answers[i].data, &a);

		if (got != answers[i].result)
			fail_msg("row %zu: %d", i, got);
		if (got == -1)
			continue;
		assert_int_equal(a.index, answers[i].index);
		assert_true(slice_equal(a.name, answers[i].name));
		assert_true(slice_equal(a.value, answers[i].value));
	}
	assert_int_equal(milter_answer_action('b'), SMFIF_CHGBODY);
	assert_int_equal(milter_answer_action('c'), 0);
}

static int
options(struct slice data, struct milter_options *o)
{
	struct milter_packet p = { .code = SMFIC_OPTNEG, .data = data };

	return milter_options_decode(&p, SMFIF_ALL, 0x3ff, o);
}

static void
test_options(void **state)
{
	struct milter_options o;

	(void)state;
	assert_int_equal(options(S("\0\0\0\6\0\0\0\x11\0\0\2\1"), &o), 0);
	assert_true(o.version == 6 && o.actions == 0x11 && o.steps == 0x201);
	assert_null(o.macros[0].at);
	/* More than was offered, an unknown version, cut off. */
	assert_int_equal(options(S("\0\0\0\6\0\0\2\0\0\0\0\0"), &o), -1);
	assert_int_equal(options(S("\0\0\0\6\0\0\0\0\0\0\4\0"), &o), -1);
	assert_int_equal(options(S("\0\0\0\7\0\0\0\0\0\0\0\0"), &o), -1);
	assert_int_equal(options(S("\0\0\0\1\0\0\0\0\0\0\0\0"), &o), -1);
	assert_int_equal(options(S("\0\0\0\6\0\0\0\0\0\0\0"), &o), -1);
	/* Macros, where that is agreed upon. */
	assert_int_equal(options(S("\0\0\0\6\0\0\1\0\0\0\0\0"
				   "\0\0\0\2i {mail_addr}\0"),
			     &o),
	    0);
	assert_true(slice_equal(o.macros[2], S("i {mail_addr}")));
	assert_int_equal(options(S("\0\0\0\6\0\0\0\0\0\0\0\0"
				   "\0\0\0\2i\0"),
			     &o),
	    -1);
	assert_int_equal(options(S("\0\0\0\6\0\0\1\0\0\0\0\0"
				   "\0\0\0\7i\0"),
			     &o),
	    -1);
	assert_int_equal(options(slice_of("\0\0\0\6\0\0\1\0\0\0\0\0"
					  "\0\0\0\2i",
				     17),
			     &o),
	    -1);
}

static void
test_data_max(void **state)
{
	(void)state;
	assert_int_equal(milter_data_max(0x1fffff), 65535);
	assert_int_equal(milter_data_max(SMFIP_MDS_256K | 1), 262143);
	assert_int_equal(milter_data_max(SMFIP_MDS_1M | 1), 1048575);
	assert_int_equal(
	    milter_data_max(SMFIP_MDS_256K | SMFIP_MDS_1M), 262143);
}

static const struct {
	const char *in;
	int code; /* 0: refused */
	uint8_t enhanced[3];
	const char *text;
} replies[] = {
	{ "550 5.7.9 No", 550, { 5, 7, 9 }, "No" },
	{ "451 Later", 451, { 4, 7, 1 }, "Later" },
	{ "451", 451, { 4, 7, 1 }, "" },
	{ "550 5.7.1", 550, { 5, 7, 1 }, "" },
	{ "550-5.7.1 one\r\n550 5.7.1 two", 550, { 5, 7, 1 }, "one\ntwo" },
	{ "550-one\r\n550 5.2.1 two\r\n", 550, { 5, 7, 1 }, "one\n5.2.1 two" },
	{ "550 100%% spam, 5%", 550, { 5, 7, 1 }, "100% spam, 5%" },
	{ "550 a\tb\x80\x1b", 550, { 5, 7, 1 }, "a?b??" },
	{ "550 5.7 no", 550, { 5, 7, 1 }, "5.7 no" },
	{ "250 fine", 0, { 0 }, "" },
	{ "650 x", 0, { 0 }, "" },
	{ "569 x", 0, { 0 }, "" },
	{ "55", 0, { 0 }, "" },
	{ "5500 x", 0, { 0 }, "" },
	{ "", 0, { 0 }, "" },
	{ "550 4.7.1 disagrees", 0, { 0 }, "" },
	{ "550 2.7.1 disagrees", 0, { 0 }, "" },
	{ "550-a\r\n551 b", 0, { 0 }, "" },
	{ "550-a\r\n\r\n", 0, { 0 }, "" },
	{ "550-a\r\n221 Bye", 0, { 0 }, "" },
};

static void
test_replies(void **state)
{
	struct milter_reply r;

	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		int got = milter_reply_decode(slice_str(replies[i].in), &r);

		if ((got == 0) != (replies[i].code != 0))
			fail_msg("%s: %d", replies[i].in, got);
		if (got == -1)
			continue;
		assert_int_equal(r.code, replies[i].code);
		assert_memory_equal(r.enhanced, replies[i].enhanced, 3);
		assert_true(slice_equal(
		    slice_of(r.text, r.len), slice_str(replies[i].text)));
	}
}

static void
test_reply_limits(void **state)
{
	char text[8192];
	struct milter_reply r;
	size_t len = 0;

	(void)state;
	for (int i = 0; i < MILTER_REPLY_LINES; i++, len += 6)
		memcpy(text + len, "550 a\n", 6);
	assert_int_equal(milter_reply_decode(slice_of(text, len), &r), 0);
	memcpy(text + len, "550 a\n", 6);
	assert_int_equal(milter_reply_decode(slice_of(text, len + 6), &r), -1);
	memset(text, 'x', sizeof(text));
	memcpy(text, "550 ", 4);
	assert_int_equal(
	    milter_reply_decode(slice_of(text, 4 + MILTER_REPLY_MAX), &r), 0);
	assert_int_equal(
	    milter_reply_decode(slice_of(text, 5 + MILTER_REPLY_MAX), &r), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet),
		cmocka_unit_test(test_writer),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_data_max),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_reply_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
