/* A message in parts: what milters are shown, and what comes out changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "milterd/message.h"

#define S(text) SLICE_LITERAL(text)
#define OWN "Received: by us;\r\n\tnow\r\n"

/* In parts of piece octets. */
static void
fill(struct message *m, const char *text, size_t piece)
{
	size_t len = strlen(text);

	*m = (struct message){ .n_fields = 0 };
	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		int fd = content_sealed_copy(text + at, n);

		assert_int_not_equal(fd, -1);
		assert_int_equal(parts_add(&m->parts, fd, (uint32_t)n), 0);
	}
}

static void
read_message(struct message *m, const char *text, size_t piece)
{
	fill(m, text, piece);
	assert_int_equal(message_read(m, sizeof(OWN) - 1), MESSAGE_OK);
}

/* What it is when made anew: the new parts, and those that stay. */
static char *
rebuilt(struct message *m)
{
	struct parts made;
	uint32_t kept;
	char *text;
	size_t len;

	assert_int_equal(message_rebuild(m, &made, &kept), 0);
	for (uint32_t i = kept; i < m->parts.n; i++)
		assert_int_equal(parts_add(&made, dup(m->parts.at[i].fd),
				     m->parts.at[i].octets),
		    0);
	len = (size_t)made.total;
	text = malloc(len + 1);
	assert_int_equal(parts_read(&made, 0, text, len), (ssize_t)len);
	text[len] = '\0';
	parts_clear(&made);
	return text;
}

static void
expect(struct message *m, const char *text)
{
	char *got = rebuilt(m);

	assert_string_equal(got, text);
	free(got);
	message_clear(m);
}

static void
test_fields(void **state)
{
	struct message m;
	char out[100];

	(void)state;
	for (size_t piece = 1; piece < 80; piece++) {
		read_message(&m,
		    OWN "A: 1\r\nb :  2\r\n\t3\r\nC:\tx\r\n\r\nbody\r\n",
		    piece);
		assert_int_equal(m.n_fields, 4);
		assert_true(m.fields[0].own && !m.fields[1].own);
		assert_true(slice_equal(field_name(&m.fields[2]), S("b")));
		assert_true(slice_equal(
		    field_value(&m.fields[2], false, out), S(" 2\n\t3")));
		assert_true(slice_equal(
		    field_value(&m.fields[2], true, out), S("  2\n\t3")));
		/* One blank is left out, and no tab. */
		assert_true(slice_equal(
		    field_value(&m.fields[3], false, out), S("\tx")));
		assert_int_equal(message_body(&m, 0, out, sizeof(out)), 6);
		assert_memory_equal(out, "body\r\n", 6);
		assert_int_equal(message_body(&m, 6, out, sizeof(out)), 0);
		message_clear(&m);
	}
}

static void
test_unusual(void **state)
{
	static const struct {
		const char *text;
		unsigned fields;
		const char *rebuilt; /* with X added */
	} rows[] = {
		{ OWN "\r\n", 1, OWN "X: y\r\n\r\n" },
		{ OWN "A: b\r\n", 2, OWN "A: b\r\nX: y\r\n\r\n" },
		/* Text that no empty line parts from the fields. */
		{ OWN "A: b\r\ntext\r\n", 2,
		    OWN "A: b\r\nX: y\r\n\r\ntext\r\n" },
		{ OWN "\r\n\r\n", 1, OWN "X: y\r\n\r\n\r\n" },
	};
	struct message m;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		read_message(&m, rows[i].text, 7);
		assert_int_equal(m.n_fields, rows[i].fields);
		assert_int_equal(
		    message_insert(&m, UINT32_MAX, S("X"), S("y"), false), 0);
		expect(&m, rows[i].rebuilt);
	}
}

static void
test_changes(void **state)
{
	struct message m;

	(void)state;
	for (size_t piece = 1; piece < 90; piece += 3) {
		read_message(&m,
		    OWN "A: 1\r\nB: 2\r\na: 3\r\n\r\nbody\r\nmore\r\n", piece);
		assert_int_equal(
		    message_insert(&m, 0, S("Top"), S("t"), false), 0);
		assert_int_equal(
		    message_insert(&m, 2, S("I"), S(" i"), true), 0);
		assert_int_equal(
		    message_change(&m, 2, S("A"), S("x\ny"), false), 0);
		assert_int_equal(
		    message_change(&m, 1, S("b"), S(""), false), 0);
		assert_int_equal(
		    message_change(&m, 1, S("received"), S(""), false), 0);
		assert_int_equal(
		    message_change(&m, 9, S("N"), S("n\r\n"), false), 0);
		expect(&m, "Top: t\r\n" OWN "I: i\r\nA: 1\r\nA: x\r\n\ty\r\n"
			   "N: n\r\n\r\nbody\r\nmore\r\n");
	}
}

static void
test_values(void **state)
{
	static const struct {
		const char *value, *field;
	} rows[] = {
		{ "", "X: \r\n" },
		{ "a\r\n b", "X: a\r\n b\r\n" },
		{ "a\nb: c", "X: a\r\n\tb: c\r\n" },
		{ "a\r\n\r\nbody", "X: a\r\n\t\r\n\tbody\r\n" },
		{ "a\rb", "X: a\r\n\tb\r\n" },
		{ "a\r\r\nb", "X: a\r\n\t\r\n\tb\r\n" },
		{ "a\n\n\n", "X: a\r\n" },
		{ "\n", "X: \r\n" },
	};
	struct message m;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char want[100] = OWN;

		read_message(&m, OWN "\r\n", 100);
		assert_int_equal(message_insert(&m, 1, S("X"),
				     slice_str(rows[i].value), false),
		    0);
		strcat(want, rows[i].field);
		strcat(want, "\r\n");
		expect(&m, want);
	}
}

static void
test_body(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "a\nb\r\n", "a\r\nb\r\n" },
		{ "no end", "no end\r\n" },
		{ "", "" },
		{ "\n\n", "\r\n\r\n" },
		{ "a\rb", NULL },
		{ "a\r\r\n", NULL },
		{ "a\r", NULL },
	};
	struct message m;
	struct body b;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *p = rows[i].in;
		char want[100] = OWN "\r\n";
		int good = 0;

		read_message(&m, OWN "\r\nold\r\n", 3);
		body_init(&b, 100);
		for (; *p != '\0' && good == 0; p++)
			good = body_append(&b, slice_of(p, 1));
		if (good == 0)
			good = body_finish(&b, &m);
		body_clear(&b);
		assert_int_equal(good, rows[i].out == NULL ? -1 : 0);
		if (rows[i].out == NULL) {
			message_clear(&m);
			continue;
		}
		strcat(want, rows[i].out);
		expect(&m, want);
	}
	body_init(&b, 10);
	assert_int_equal(body_append(&b, S("12345678\n")), 0);
	assert_int_equal(body_append(&b, S("1")), -1);
	body_clear(&b);
}

static void
test_limits(void **state)
{
	size_t size = MESSAGE_HEADER_MAX + 1000, n = sizeof(OWN) - 1;
	char *text = malloc(size + 1);
	struct message m;

	(void)state;
	memset(text, 'x', size);
	memcpy(text, OWN "A: ", n + 3);
	text[size] = '\0';
	fill(&m, text, QUEUE_PART_MAX);
	assert_int_equal(message_read(&m, (uint32_t)n), MESSAGE_HEADER_LONG);
	message_clear(&m);
	/* The limit is reached in what may be the name of a field; and in the
	 * first line of a body. */
	memcpy(text + n, "A: b\r\n", 6);
	fill(&m, text, QUEUE_PART_MAX);
	assert_int_equal(message_read(&m, (uint32_t)n), MESSAGE_HEADER_LONG);
	message_clear(&m);
	memcpy(text + n + 6, "\r\n", 2);
	fill(&m, text, QUEUE_PART_MAX);
	assert_int_equal(message_read(&m, (uint32_t)n), MESSAGE_OK);
	assert_int_equal(m.body_at, n + 8);
	message_clear(&m);
	for (size_t i = 0; i < MESSAGE_FIELDS_MAX + 1; i++)
		memcpy(text + n + 4 * i, "A:\r\n", 4);
	text[n + 4 * MESSAGE_FIELDS_MAX] = '\0';
	fill(&m, text, QUEUE_PART_MAX);
	assert_int_equal(message_read(&m, (uint32_t)n), MESSAGE_HEADER_LONG);
	message_clear(&m);
	text[n + 4 * (MESSAGE_FIELDS_MAX - 1)] = '\0';
	fill(&m, text, QUEUE_PART_MAX);
	assert_int_equal(message_read(&m, (uint32_t)n), MESSAGE_OK);
	assert_int_equal(message_insert(&m, 1, S("X"), S("y"), false), -1);
	message_clear(&m);
	/* Our own field is longer than the message. */
	fill(&m, "A: b\r\n", 6);
	assert_int_equal(message_read(&m, 7), MESSAGE_FAILED);
	message_clear(&m);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_unusual),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
