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

#include "common/message/downgrade.h"
#include "common/message/encode.h"
#include "common/message/transfer.h"

static ssize_t
read_text(void *ctx, uint64_t at, void *buf, size_t len)
{
	memcpy(buf, (const char *)ctx + at, len);
	return (ssize_t)len;
}

static enum downgrade_verdict
convert(const char *in, size_t len, bool keep, char *out, size_t *out_len)
{
	struct downgrade_source source = { read_text, (void *)(uintptr_t)in,
		len };
	struct downgrade *d = NULL;
	enum downgrade_verdict v = downgrade_new(&source, keep, &d);
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
becomes(const char *in, bool keep, const char *want)
{
	static char out[65536];
	size_t len;

	assert_int_equal(convert(in, strlen(in), keep, out, &len),
	    DOWNGRADE_OK);
	if (len != strlen(want) || memcmp(out, want, len) != 0)
		fail_msg("\"%.*s\", not \"%s\"", (int)len, out, want);
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
	assert_int_equal(convert(MULTI("signed", "Content-Type: text/x\r\n\r\n"
	    E8), strlen(MULTI("signed", "Content-Type: text/x\r\n\r\n" E8)),
	    false, out, &len), DOWNGRADE_CANNOT);
	assert_int_equal(convert(MULTI("signed", "Content-Type: text/x\r\n\r\n"
	    E8), strlen(MULTI("signed", "Content-Type: text/x\r\n\r\n" E8)),
	    true, out, &len), DOWNGRADE_OK);
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
		cmocka_unit_test(test_encoders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
