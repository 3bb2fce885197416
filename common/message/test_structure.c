/* Parts, places and sizes of messages, whole and fed octet by octet; limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "common/message/header.h"
#include "common/message/structure.h"

static struct mime *
parse(struct slice in, size_t piece, const struct mime_limits *limits,
    size_t *steps)
{
	struct mime_parser *p = mime_parser_new(limits);
	struct mime *m;

	assert_non_null(p);
	while (in.len > 0) {
		size_t n = in.len < piece ? in.len : piece;
		mime_feed(p, slice_of(in.at, n));
		in = slice_skip(in, n);
	}
	m = mime_finish(p);
	assert_non_null(m);
	if (steps != NULL)
		*steps = mime_steps(p);
	mime_parser_free(p);
	return m;
}

/* "depth type/subtype header+body/lines" of each part, in order */
static void
show(const struct mime *m, char *out, size_t size)
{
	size_t n = 0;

	for (uint32_t i = 0; i < m->parts_len; i++) {
		const struct mime_part *p = &m->parts[i];
		struct slice t = mime_string(m, p->type.value);
		struct slice s = mime_string(m, p->subtype);
		n += (size_t)snprintf(out + n, size - n, "%u%c%.*s/%.*s %d+%d/%d;",
		    p->depth, "BTXM"[p->kind], (int)t.len,
		    t.at == NULL ? "" : t.at, (int)s.len,
		    s.at == NULL ? "" : s.at, (int)mime_header_octets(p),
		    (int)p->octets, (int)p->lines);
	}
}

static const struct {
	const char *in, *want;
} rows[] = {
	{ "", "0T/ 0+0/0;" },
	{ "\n", "0T/ 2+0/0;" },
	{ "Subject: x\n\nhello\n", "0T/ 14+7/1;" },
	{ "Subject: x\n\nhello", "0T/ 14+5/1;" },
	{ "Subject: x\n", "0T/ 12+0/0;" },
	{ "Content-Type: image/png\n\nx\n\n", "0Bimage/png 27+5/2;" },
	{ "Content-Type: multipart/mixed; boundary=b\n\npre\n--b\n\none\n--b\n"
	  "Content-Type: text/html\n\ntwo\n\n--b--\nepi\n",
	    "0Xmultipart/mixed 45+68/11;1T/ 2+3/1;1Ttext/html 27+5/1;" },
	/* a boundary that is a prefix of another */
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
	  "Content-Type: multipart/alternative; boundary=bb\n\n--bb\n\nin\n"
	  "--bb--\n--b\n\nout\n--b--",
	    "0Xmultipart/mixed 45+94/11;"
	    "1Xmultipart/alternative 52+18/4;2T/ 2+2/1;1T/ 2+3/1;" },
	/* the inner one is never closed */
	{ "Content-Type: multipart/mixed; boundary=a\n\n--a\n"
	  "Content-Type: multipart/mixed; boundary=c\n\n--c\n\nx\n--a--\n",
	    "0Xmultipart/mixed 45+67/7;1Xmultipart/mixed 45+8/3;2T/ 2+1/1;" },
	{ "Content-Type: message/rfc822\n\nSubject: in\n\nbody\n",
	    "0Mmessage/rfc822 32+21/3;1T/ 15+6/1;" },
	{ "Content-Type: message/rfc822\n\n",
	    "0Mmessage/rfc822 32+0/0;1T/ 0+0/0;" },
	{ "Content-Type: multipart/digest; boundary=d\n\n--d\n\nSubject: 1\n\n"
	  "x\n--d--\n",
	    "0Xmultipart/digest 46+31/6;1Mmessage/rfc822 2+15/3;"
	    "2T/ 14+1/1;" },
	/* neither a boundary parameter nor a part: text */
	{ "Content-Type: multipart/mixed\n\n--b\n\nx\n", "0T/ 33+10/3;" },
	{ "Content-Type: multipart/mixed; boundary=b\n\nx\n",
	    "0Tmultipart/mixed 45+3/1;" },
	/* part without an empty line after its header section */
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\nA: b\n--b--\n",
	    "0Xmultipart/mixed 45+18/3;1T/ 4+0/0;" },
	/* not boundaries: text follows, or it is the header section */
	{ "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--bx\n --b\n"
	  "--b-\n--b \t\n\n--b--x\n--b--\n",
	    "0Xmultipart/mixed 45+49/9;1T/ 2+16/3;1T/ 2+6/1;" },
};

static void
test_parts(void **state)
{
	char got[1024], crlf[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice in = slice_str(rows[i].in);
		size_t n = 0;
		for (size_t piece = 1; piece < in.len + 2; piece += 3) {
			struct mime *m = parse(in, piece, &mime_default_limits,
			    NULL);
			show(m, got, sizeof(got));
			assert_string_equal(got, rows[i].want);
			mime_free(m);
		}
		/* sizes do not depend on the line ends of the file */
		for (size_t k = 0; k < in.len; k++) {
			if (in.at[k] == '\n')
				crlf[n++] = '\r';
			crlf[n++] = in.at[k];
		}
		struct mime *m = parse(slice_of(crlf, n), 7,
		    &mime_default_limits, NULL);
		show(m, got, sizeof(got));
		assert_string_equal(got, rows[i].want);
		assert_true(m->end.raw == n && m->end.crlf == n);
		mime_free(m);
	}
}

static void
test_fields(void **state)
{
	const char *in = "From: a@b.test\nSubject: folded\n  line\nsubject: no\n"
	    "Content-Type: text/plain; charset=utf-8; format=flowed\n"
	    "Content-Transfer-Encoding: 8bit (really)\n"
	    "Content-Disposition: inline; filename=\"a b\"\n"
	    "Content-ID: <1@b.test>\n\n";
	struct mime *m = parse(slice_str(in), 5, &mime_default_limits, NULL);
	const struct mime_part *p = &m->parts[0];
	struct slice s;

	(void)state;
	assert_int_equal(p->envelope, 0);
	s = mime_string(m, m->envelopes[0].field[ENVELOPE_SUBJECT]);
	assert_true(slice_equal(s, slice_str("folded  line")));
	s = mime_string(m, m->envelopes[0].field[ENVELOPE_DATE]);
	assert_null(s.at);
	assert_int_equal(p->type.count, 2);
	s = mime_string(m, m->params[p->type.first + 1].value);
	assert_true(slice_equal(s, slice_str("flowed")));
	s = mime_string(m, p->encoding);
	assert_true(slice_equal(s, slice_str("8bit")));
	s = mime_string(m, m->params[p->disposition.first].value);
	assert_true(slice_equal(s, slice_str("a b")));
	s = mime_string(m, p->id);
	assert_true(slice_equal(s, slice_str("<1@b.test>")));
	mime_free(m);
}

/* head + n times body */
static struct slice
repeat(const char *head, const char *body, size_t n)
{
	size_t h = strlen(head), b = strlen(body);
	char *at = malloc(h + n * b + 1);

	memcpy(at, head, h);
	for (size_t i = 0; i < n; i++)
		memcpy(at + h + i * b, body, b);
	return slice_of(at, h + n * b);
}

static void
test_linear(void **state)
{
	static const struct {
		const char *head, *body;
	} shapes[] = {
		{ "Content-Type: multipart/mixed; boundary=b\n\n", "--b\n" },
		{ "Content-Type: multipart/mixed; boundary=b\n\n", "--b\n\n" },
		{ "", "Content-Type: multipart/mixed; boundary=b\n\n--b\n" },
		{ "", "Content-Type: message/rfc822\n\n" },
		{ "", "Subject: x\n" }, { "", " x\n" }, { "", "(" },
		{ "To: ", "(" }, { "Content-Type: a/b", ";x*0=y" },
		{ "Content-Type: a/b", "; a=\"\\" }, { "\n", "--" },
		{ "\n", "--\n" }, { "\n", "\r" }, { "\n", "\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		size_t steps[2];
		for (size_t k = 0; k < 2; k++) {
			struct slice in = repeat(shapes[i].head, shapes[i].body,
			    20000 * (k + 1));
			mime_free(parse(in, 4096, &mime_default_limits,
			    &steps[k]));
			free((char *)(size_t)in.at);
		}
		assert_true(steps[1] <= 2 * steps[0] + 1024);
	}
}

static void
test_limits(void **state)
{
	const struct mime_limits small = { .depth = 3, .parts = 4,
		.header = 64, .strings = 64 };
	struct slice in;
	struct mime *m;

	(void)state;
	in = repeat("Content-Type: multipart/mixed; boundary=b\n\n",
	    "--b\n\nx\n", 3);
	m = parse(in, 9, &small, NULL);
	assert_int_equal(m->parts_len, 4);
	mime_free(m);
	free((char *)(size_t)in.at);

	/* one part more: it takes all the rest */
	in = repeat("Content-Type: multipart/mixed; boundary=b\n\n",
	    "--b\n\nx\n", 5);
	m = parse(in, 9, &small, NULL);
	assert_int_equal(m->parts_len, 4);
	assert_true(m->limited);
	assert_int_equal(m->parts[3].octets, 3 + 2 * 10);
	mime_free(m);
	free((char *)(size_t)in.at);

	in = repeat("", "Content-Type: message/rfc822\n\n", 10);
	m = parse(in, 9, &small, NULL);
	assert_int_equal(m->parts_len, 4);
	assert_int_equal(m->parts[3].kind, MIME_BASIC);
	mime_free(m);
	free((char *)(size_t)in.at);

	in = repeat("Subject: ", "x", 100);
	m = parse(in, 9, &small, NULL);
	assert_true(m->limited);
	assert_int_equal(m->strings_len, 64 - 9);
	mime_free(m);
	free((char *)(size_t)in.at);
}

static void
test_header(void **state)
{
	struct slice in = slice_str("From alice Sat Nov 21\nA : 1\n 2\njunk\n: x\n"
	    "b:\r\nC: 3\n\nD: 4\n");
	struct slice rest = in;
	struct header_field f;
	char buf[32];
	struct text t = text_in(buf, sizeof(buf));

	(void)state;
	assert_true(header_next(&rest, &f));
	assert_true(slice_equal(f.name, slice_str("A")));
	assert_true(slice_equal(f.whole, slice_str("A : 1\n 2\n")));
	header_unfold(f.body, &t);
	assert_true(slice_equal(text_since(&t, 0), slice_str("1 2")));
	assert_true(header_next(&rest, &f));
	assert_true(slice_equal(f.name, slice_str("b")));
	assert_int_equal(f.body.len, 0);
	assert_true(header_find(in, slice_str("c"), &f));
	assert_false(header_find(in, slice_str("D"), &f));
	assert_int_equal(header_section_len(in), in.len - 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_linear),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_header),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
