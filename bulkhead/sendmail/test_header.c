#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bulkhead/sendmail/from.h"
#include "bulkhead/sendmail/header.h"

/* A pipe that holds text; the tests' texts fit into it. */
static int
pipe_of(const char *text, size_t len)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], text, len), (ssize_t)len);
	close(fds[1]);
	return fds[0];
}

static struct input *
input_of(const char *text, bool dot_is_text)
{
	struct input *in = malloc(sizeof(*in));

	assert_non_null(in);
	input_init(in, pipe_of(text, strlen(text)), dot_is_text);
	return in;
}

static void
input_end(struct input *in)
{
	close(in->fd);
	free(in);
}

/* Lines of the input joined with '|'. */
static void
test_line_ends(void **state)
{
	static const struct {
		const char *in, *want;
		bool dot_is_text;
	} rows[] = {
		{ "", "", false },
		{ "a", "a|", false },
		{ "a\n", "a|", false },
		{ "a\r\nb\nc\rd", "a|b|c|d|", false },
		{ "a\r\r\nb", "a|b|", false },
		{ "a\r\rb", "a||b|", false },
		{ "\n\n", "||", false },
		{ "a\n.\nb\n", "a|", false },
		{ "a\n.\r\nb\n", "a|", false },
		{ "a\n.", "a|", false },
		{ "a\n..\nb.\n", "a|..|b.|", false },
		{ "a\n.\nb\n", "a|.|b|", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct input *in = input_of(rows[i].in, rows[i].dot_is_text);
		char got[100] = "";
		struct slice piece;
		bool first, last;

		while (input_piece(in, &piece, &first, &last) == 1) {
			assert_true(first && last);
			strncat(got, piece.at, piece.len);
			strcat(got, "|");
		}
		assert_string_equal(got, rows[i].want);
		input_end(in);
	}
}

/* A long line comes in pieces, and its end is found wherever it falls. */
static void
test_long_lines(void **state)
{
	(void)state;
	for (size_t len = INPUT_PIECE_MAX - 2; len < INPUT_PIECE_MAX + 3;
	     len++) {
		char *text = malloc(len + 4);
		struct input *in;
		struct slice piece;
		bool first, last, was_last = false;
		size_t total = 0, lines = 0;

		memset(text, 'x', len);
		memcpy(text + len, "\r\ny", 4);
		in = input_of(text, false);
		while (input_piece(in, &piece, &first, &last) == 1) {
			assert_int_equal(first, total == 0 || was_last);
			assert_true(piece.len <= INPUT_PIECE_MAX);
			total += piece.len;
			lines += last;
			was_last = last;
		}
		assert_int_equal(total, len + 1);
		assert_int_equal(lines, 2);
		input_end(in);
		free(text);
	}
}

static void
test_header(void **state)
{
	static const struct {
		const char *in, *kept, *body;
		bool more;
	} rows[] = {
		{ "", "", "", false },
		{ "\n", "", "", true },
		{ "Subject: x\n\nbody\n", "Subject: x\r\n", "", true },
		{ "Subject: x\n y\n\n", "Subject: x\r\n y\r\n", "", true },
		/* what follows is no field: a body without an empty line */
		{ "Subject: x\nhello world\n", "Subject: x\r\n", "hello world",
		    true },
		{ "hello\n", "", "hello", true },
		{ " leading\n", "", " leading", true },
		{ "From joe Sat Nov 21\nSubject: x\n\n", "Subject: x\r\n", "",
		    true },
		{ "Bcc: a@b.c,\n d@e.f\nTo: g@h.i\n\n", "To: g@h.i\r\n", "",
		    true },
		{ "bcc : a@b.c\nSubject : y\n\n", "Subject : y\r\n", "", true },
		{ "Return-Path: <x@y.z>\nTo: a\n\n", "To: a\r\n", "", true },
		{ "Subject: last", "Subject: last\r\n", "", false },
		{ ".dot: x\n\n", ".dot: x\r\n", "", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct input *in = input_of(rows[i].in, true);
		struct header h = { 0 };

		assert_int_equal(header_read(&h, in, false), 0);
		assert_int_equal(h.kept.len, strlen(rows[i].kept));
		if (h.kept.len > 0)
			assert_memory_equal(h.kept.at, rows[i].kept, h.kept.len);
		assert_int_equal(h.first_body.len, strlen(rows[i].body));
		assert_int_equal(h.body_follows, rows[i].more);
		header_clear(&h);
		input_end(in);
	}
}

static void
test_recipient_fields(void **state)
{
	struct input *in = input_of("To: a@x, b@x\ncC: c@x\nBCC: d@x,\n\te@x\n"
				    "Resent-To: f@x\nX-To: g@x\n\n", true);
	struct header h = { 0 };

	(void)state;
	assert_int_equal(header_read(&h, in, true), 0);
	assert_int_equal(h.to.count, 5);
	assert_string_equal(h.to.at[4], "e@x");
	assert_true(h.has_resent);
	assert_int_equal(h.resent_to.count, 1);
	header_clear(&h);
	input_end(in);

	in = input_of("To: a b c\n\n", true);
	assert_int_equal(header_read(&h, in, true), EX_DATAERR);
	header_clear(&h);
	input_end(in);
	/* Without -t nobody asks what To holds. */
	in = input_of("To: a b c\n\n", true);
	assert_int_equal(header_read(&h, in, false), 0);
	header_clear(&h);
	input_end(in);
}

static void
test_from(void **state)
{
	static const struct {
		const char *in, *name, *want;
	} rows[] = {
		{ "Subject: x\n\n", "B \"o\" b",
		    "Subject: x\r\nFrom: \"B \\\"o\\\" b\" <bob@x.y>\r\n" },
		{ "\n", NULL, "From: <bob@x.y>\r\n" },
		{ "\n", "", "From: <bob@x.y>\r\n" },
		{ "\n", "J\xc3\xb6rg", "From: <bob@x.y>\r\n" },
		{ "\n", "a\r\nBcc: b@x.y", "From: <bob@x.y>\r\n" },
		{ "FROM: me\n\n", "Bob", "FROM: me\r\n" },
		{ "Resent-To: a@b\n\n", "Bob", "Resent-To: a@b\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct input *in = input_of(rows[i].in, true);
		struct header h = { 0 };

		assert_int_equal(header_read(&h, in, false), 0);
		assert_int_equal(from_complete(&h, "bob@x.y", rows[i].name), 0);
		assert_int_equal(h.kept.len, strlen(rows[i].want));
		assert_memory_equal(h.kept.at, rows[i].want, h.kept.len);
		header_clear(&h);
		input_end(in);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_recipient_fields),
		cmocka_unit_test(test_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
