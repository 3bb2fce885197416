/* Messages made fit for hosts that take less: what changes, and what not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/message/downgrade_private.h"
#include "common/message/encode.h"
#include "common/message/transfer.h"

static ssize_t
read_text(void *ctx, uint64_t at, void *buf, size_t len)
{
	memcpy(buf, (const char *)ctx + at, len);
	return (ssize_t)len;
}

static enum downgrade_verdict
convert(const char *in, size_t len, unsigned flags, char *out, size_t *out_len)
{
	struct downgrade_source source = { read_text, (void *)(uintptr_t)in,
		len };
	struct downgrade *d = NULL;
	enum downgrade_verdict v = downgrade_new(&source, flags, &d);
	ssize_t n;

	*out_len = 0;
	if (v != DOWNGRADE_OK)
		return v;
	while ((n = downgrade_next(d, out + *out_len, 4096)) > 0)
		*out_len += (size_t)n;
	assert_int_equal(n, 0);
	downgrade_free(d);
	return v;
}

static void
octets_become(const char *in, size_t in_len, unsigned flags, const char *want)
{
	static char out[65536];
	size_t len;

	assert_int_equal(convert(in, in_len, flags, out, &len), DOWNGRADE_OK);
	if (len != strlen(want) || memcmp(out, want, len) != 0)
		fail_msg("\"%.*s\", not \"%s\"", (int)len, out, want);
}

static void
becomes(const char *in, bool keep, const char *want)
{
	octets_become(in, strlen(in), keep ? DOWNGRADE_KEEP_8BIT : 0, want);
}

#define E8 "\xc3\xa9"

static void
test_single(void **state)
{
	(void)state;
	becomes("Subject: x\r\n\r\nplain\r\n", false,
	    "Subject: x\r\n\r\nplain\r\n");
	/* No MIME at all: what it is, nobody knows (RFC 1428). */
	becomes("Subject: x\r\n\r\ncaf" E8 " = \r\n", false,
	    "Subject: x\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=unknown-8bit\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "caf=C3=A9 =3D=20\r\n");
	becomes("MIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
	    "Content-Transfer-Encoding: 8bit\r\nTo: y\r\n\r\n" E8 "\r\n", false,
	    "MIME-Version: 1.0\r\nContent-Type: text/plain\r\nTo: y\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9\r\n");
	becomes("MIME-Version: 1.0\r\nContent-Type: image/x\r\n"
	    "Content-Transfer-Encoding: binary\r\n\r\n" E8 "\r\n", false,
	    "MIME-Version: 1.0\r\nContent-Type: image/x\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\nw6kNCg==");
	/* 8-bit lines may stay; a label that is not true any more may not. */
	becomes("Content-Type: text/plain\r\n"
	    "Content-Transfer-Encoding: binary\r\n\r\n" E8 "\r\n", true,
	    "Content-Type: text/plain\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\r\n" E8 "\r\n");
}

#define MULTI(type, inner) "MIME-Version: 1.0\r\nContent-Type: multipart/" type \
	"; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--b\r\n" inner \
	"\r\n--b\r\n\r\nplain\r\n--b--\r\n"

static void
test_multipart(void **state)
{
	static char out[4096];
	size_t len;

	(void)state;
	becomes(MULTI("mixed", "Content-Type: text/x\r\n\r\n" E8), false,
	    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b"
	    "\r\nContent-Transfer-Encoding: 7bit\r\n\r\n--b\r\n"
	    "Content-Type: text/x\r\nContent-Transfer-Encoding: "
	    "quoted-printable\r\n\r\n=C3=A9\r\n--b\r\n\r\nplain\r\n--b--\r\n");
	/* Signed: as it is, or not at all. */
	assert_int_equal(
	    convert(MULTI("signed", "Content-Type: text/x\r\n\r\n" E8),
		strlen(MULTI("signed", "Content-Type: text/x\r\n\r\n" E8)), 0,
		out, &len),
	    DOWNGRADE_CANNOT);
	assert_int_equal(
	    convert(MULTI("signed", "Content-Type: text/x\r\n\r\n" E8),
		strlen(MULTI("signed", "Content-Type: text/x\r\n\r\n" E8)),
		DOWNGRADE_KEEP_8BIT, out, &len),
	    DOWNGRADE_OK);
	becomes(MULTI("mixed", "Content-Type: message/rfc822\r\n\r\n"
	    "Subject: in\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain\r\n\r\n" E8), false,
	    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b"
	    "\r\nContent-Transfer-Encoding: 7bit\r\n\r\n--b\r\n"
	    "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n"
	    "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9\r\n"
	    "--b\r\n\r\nplain\r\n--b--\r\n");
}

#define OCTETS(s) (s), sizeof(s) - 1

/*
 * Outside of bodies, too, there are lines afterwards, and no boundary more or
 * less than before.
 */
static void
test_outside(void **state)
{
	static const char in[] =
	    "Subject: a\0b\rc\nX: y\r\n"
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	    "pre" E8 "\0\n--\0b\r\r\n--b\0\n\r--b\r\n"
	    "--b\r\nX: \r\rz\n\r\nplain\r\n--b--\r\nepi\r" E8;

	(void)state;
	octets_become(OCTETS(in), 0,
	    "Subject: a?b c\r\nX: y\r\n"
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	    "pre???\r\n?--?b \r\n?--b?\r\n --b\r\n"
	    "--b\r\nX:   z\r\n\r\nplain\r\n--b--\r\nepi ??");
	octets_become(OCTETS(in), DOWNGRADE_KEEP_8BIT,
	    "Subject: a?b c\r\nX: y\r\n"
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	    "pre" E8 "?\r\n?--?b \r\n?--b?\r\n --b\r\n"
	    "--b\r\nX:   z\r\n\r\nplain\r\n--b--\r\nepi " E8);
	/* A boundary of 8-bit octets is a boundary still; text is none. */
	octets_become(
	    OCTETS("Content-Type: multipart/mixed; boundary=\"" E8
		   "\"\r\n\r\n-" E8 "\r\n--" E8 "\r\n\r\nx\r\n--" E8 "--\r\n"),
	    0,
	    "Content-Type: multipart/mixed; boundary=\"" E8 "\"\r\n\r\n"
	    "-??\r\n--" E8 "\r\n\r\nx\r\n--" E8 "--\r\n");
	/* A multipart that a boundary cuts off stays without a body. */
	becomes("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
		"Content-Type: multipart/mixed; boundary=b\r\n"
		"Content-Transfer-Encoding: 8bit\r\n--b\r\n\r\n" E8
		"\r\n--b--\r\n",
	    false,
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
	    "Content-Type: multipart/mixed; boundary=b\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n--b\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A9"
	    "\r\n--b--\r\n");
	/* The last line of a header section may have no end. */
	becomes("Content-Transfer-Encoding: binary\r\nA: b", true,
	    "A: b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
	becomes("a\r\n\r\nb\r", true,
	    "a\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; "
	    "charset=unknown-8bit\r\nContent-Transfer-Encoding: "
	    "quoted-printable\r\n\r\nb=0D");
	octets_become(OCTETS("Subject: a\rb\n\r\nx\r\n"),
	    DOWNGRADE_KEEP_8BIT | DOWNGRADE_KEEP_OUTSIDE,
	    "Subject: a\rb\n\r\nx\r\n");
}

/* What takes the place of a NUL or a CR alone makes no line a boundary. */
static void
test_no_boundary_of_what_is_replaced(void **state)
{
#define TWO(boundary, line)                                               \
	"Content-Type: multipart/mixed; boundary=\"" boundary "\"\r\n\r\n" \
	line "\r\n\r\nX\r\n--" boundary "\r\n\r\nY" E8                     \
	"\r\n--" boundary "--\r\n" line
#define TWO_BECOMES(boundary, line)                                       \
	"Content-Type: multipart/mixed; boundary=\"" boundary "\"\r\n\r\n" \
	line "\r\n\r\nX\r\n--" boundary                                    \
	"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nY=C3=A9"  \
	"\r\n--" boundary "--\r\n" line
#define FIFTY "12345678901234567890123456789012345678901234567890"
	(void)state;
	octets_become(OCTETS(TWO("a?b", "--a\0b")), 0,
	    TWO_BECOMES("a?b", "?--a?b"));
	octets_become(OCTETS(TWO("a b", "--a\rb")), 0,
	    TWO_BECOMES("a b", "?--a b"));
	octets_become(OCTETS(TWO("?", "--\0")), 0, TWO_BECOMES("?", "?--?"));
	octets_become(OCTETS(TWO("a?b", "--a\0b--")), 0,
	    TWO_BECOMES("a?b", "?--a?b--"));
	octets_become(OCTETS(TWO("a?b", "-\0-a?b" E8)), 0,
	    TWO_BECOMES("a?b", "-?-a?b??"));
	octets_become(OCTETS(TWO("a?b", "--a\0b" E8)), 0,
	    TWO_BECOMES("a?b", "?--a?b??"));
	/* One that can be none is as it was, but for that. */
	octets_become(OCTETS(TWO("a", "--" FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY
				      "\0")),
	    0,
	    TWO_BECOMES("a", "--" FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY "?"));
	/* And spaces behind a boundary are its own, whatever they are. */
	octets_become(OCTETS("Content-Type: multipart/mixed; boundary=a\r\n\r\n"
			     "--a\r\r\n\r\nY" E8 "\r\n--a-- \r \r\n"),
	    0,
	    "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a \r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\nY=C3=A9\r\n"
	    "--a--   \r\n");
}

/* A line that is folded does not become a boundary where it is. */
static void
test_no_new_boundary(void **state)
{
#define E8_12 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8 E8
	char in[400], want[600] = "", line[200] = "";

	(void)state;
	for (int i = 0; i < 12; i++)
		strcat(line, "=C3=A9");
	for (int pad = 0; pad < 4; pad++) {
		const char *x = &"xxx"[3 - pad];

		snprintf(in, sizeof(in), "Content-Type: multipart/mixed; "
		    "boundary=b\r\n\r\n--b\r\n\r\n" E8_12 "%s--b\r\nz\r\n"
		    "--b--\r\n", x);
		snprintf(want, sizeof(want), "Content-Type: multipart/mixed; "
		    "boundary=b\r\n\r\n--b\r\n"
		    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		    "%s%s%s\r\nz\r\n--b--\r\n", line, x,
		    pad == 0 ? "--b" : pad == 1 ? "--=\r\nb" :
		    pad == 2 ? "-=\r\n=2Db" : "=\r\n=2D-b");
		becomes(in, false, want);
	}
	/* An octet that is encoded may end a boundary. */
	becomes("Content-Type: multipart/mixed; boundary=\"ab=E9\"\r\n\r\n"
		"--ab=E9\r\n\r\n--ab\xE9\r\nX: y\r\n--ab=E9--\r\n", false,
	    "Content-Type: multipart/mixed; boundary=\"ab=E9\"\r\n\r\n"
	    "--ab=E9\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "=2D-ab=E9\r\nX: y\r\n--ab=E9--\r\n");
	becomes("Content-Type: multipart/mixed; boundary=\"ab=3D\"\r\n\r\n"
		"--ab=3D\r\n\r\n--ab=\r\n" E8 "\r\n--ab=3D--\r\n", false,
	    "Content-Type: multipart/mixed; boundary=\"ab=3D\"\r\n\r\n"
	    "--ab=3D\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "=2D-ab=3D\r\n=C3=A9\r\n--ab=3D--\r\n");
}

/* What is signed has no lines, or 8 bits, in a header section of its own. */
static void
test_signed_header(void **state)
{
	static char out[4096];
	size_t len;

	(void)state;
	assert_int_equal(convert(OCTETS(MULTI("signed", "X: a\0b\r\n\r\nx")),
			     DOWNGRADE_KEEP_8BIT, out, &len),
	    DOWNGRADE_CANNOT);
	assert_int_equal(convert(OCTETS(MULTI("signed", "X: a\nY: b\r\n\r\nx")),
			     DOWNGRADE_KEEP_8BIT, out, &len),
	    DOWNGRADE_CANNOT);
	assert_int_equal(convert(OCTETS(MULTI("signed", "X: " E8 "\r\n\r\nx")),
			     0, out, &len),
	    DOWNGRADE_CANNOT);
	/* Only what is around it changes. */
	octets_become(OCTETS("X: a\nContent-Type: multipart/mixed; boundary=c"
			     "\r\n\r\n--c\r\n" MULTI(
				 "signed", "\r\nx") "\r\n--c\r\n\r\n"
						    "a\nb\r\n--c--\r\n"),
	    DOWNGRADE_KEEP_8BIT,
	    "X: a\r\nContent-Type: multipart/mixed; boundary=c"
	    "\r\n\r\n--c\r\n" MULTI("signed",
		"\r\nx") "\r\n--c\r\n"
			 "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
			 "a=0Ab\r\n--c--\r\n");
}

struct counted {
	const char *text;
	size_t read;
};

static ssize_t
read_counted(void *ctx, uint64_t at, void *buf, size_t len)
{
	struct counted *c = ctx;

	memcpy(buf, c->text + at, len);
	c->read += len;
	return (ssize_t)len;
}

/* However a message is made, a step reads little, and the steps are few. */
static void
steps_are_bounded(const char *text, size_t len, enum downgrade_verdict want)
{
	struct counted c = { text, 0 };
	struct downgrade_source source = { read_counted, &c, len };
	struct downgrade *d = downgrade_begin(&source, 0);
	enum downgrade_verdict v = DOWNGRADE_MORE;
	size_t steps = 0;

	assert_non_null(d);
	while (v == DOWNGRADE_MORE) {
		c.read = 0;
		v = downgrade_plan(d);
		steps++;
		/* A header section is at most 128 KiB (structure.h). */
		assert_true(
		    c.read <= DOWNGRADE_STEP + DOWNGRADE_PIECE + 128 * 1024);
	}
	assert_int_equal(v, want);
	assert_true(steps <= 4 + 4 * len / DOWNGRADE_STEP + 10000);
	downgrade_free(d);
}

static void
test_steps(void **state)
{
	static const char head[] =
	    "Content-Type: multipart/x; boundary=b\r\n\r\n";
	static const char part[] = "--b\r\n\r\n" E8 "\r\n";
	static const char field[] = "Content-Transfer-Encoding: 8bit\r\n";
	size_t size = 6 << 20, len = sizeof(head) - 1;
	char *text = malloc(size);

	(void)state;
	memset(text, 'x', size);
	for (size_t i = 1; i < size; i += 70)
		memcpy(text + i - 1, "\r\n", 2);
	memcpy(text, "\r\n\r\n" E8, 6);
	steps_are_bounded(text, size, DOWNGRADE_OK);
	memcpy(text, head, len);
	for (int i = 0; i < 9990; i++, len += sizeof(part) - 1)
		memcpy(text + len, part, sizeof(part) - 1);
	steps_are_bounded(text, len, DOWNGRADE_OK);
	/* Fields that are dropped, each of which cuts a run in two. */
	len = sizeof(head) - 1;
	while (len + 128 * 1024 < size) {
		memcpy(text + len, "--b\r\n", 5);
		len += 5;
		for (int i = 0; i < 3000; i++) {
			memcpy(text + len, field, sizeof(field) - 1);
			memcpy(text + len + sizeof(field) - 1, "X:\r\n", 4);
			len += sizeof(field) - 1 + 4;
		}
		memcpy(text + len, "\r\n" E8 "\r\n", 6);
		len += 6;
	}
	steps_are_bounded(text, len, DOWNGRADE_TOO_COMPLEX);
	free(text);
}

/* Any octets, in any pieces, come back as they were; no line is too long. */
static void
test_encoders(void **state)
{
	char in[700], out[4096], back[4096];

	(void)state;
	for (int round = 0; round < 2000; round++) {
		size_t len = (size_t)random() % sizeof(in), at = 0, line = 0;
		bool qp = round & 1;
		struct encode_state st = { 0 };
		struct transfer_state ts = { 0 };
		struct text t = text_in(out, sizeof(out));
		struct text b = text_in(back, sizeof(back));

		for (size_t i = 0; i < len; i++)
			in[i] = "\r\n \t=.aA\xe9\x00 b"[random() % 12];
		while (at < len) {
			size_t n = 1 + (size_t)random() % (len - at);

			(qp ? encode_quoted_printable : encode_base64)(&st,
			    slice_of(in + at, n), &t);
			at += n;
		}
		(qp ? encode_quoted_printable_end : encode_base64_end)(&st,
		    &t);
		assert_false(t.cut);
		for (size_t i = 0; i < t.len; i++) {
			assert_true((out[i] >= ' ' && out[i] <= '~') ||
			    strchr("\t\r\n", out[i]) != NULL);
			line = out[i] == '\n' ? 0 : line + (out[i] != '\r');
			assert_true(line <= ENCODE_LINE_MAX);
		}
		transfer_decode(qp ? TRANSFER_QUOTED_PRINTABLE :
		    TRANSFER_BASE64, &ts, slice_of(out, t.len), &b);
		transfer_finish(qp ? TRANSFER_QUOTED_PRINTABLE :
		    TRANSFER_BASE64, &ts, &b);
		assert_int_equal(b.len, len);
		assert_memory_equal(back, in, len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_multipart),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_no_boundary_of_what_is_replaced),
		cmocka_unit_test(test_no_new_boundary),
		cmocka_unit_test(test_signed_header),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_encoders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
