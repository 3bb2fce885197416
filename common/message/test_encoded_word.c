/* RFC 2047 section 8, transfer encodings cut at every octet, charsets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "common/message/charset.h"
#include "common/message/encoded_word.h"
#include "common/message/transfer.h"

static void
test_words(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "=?ISO-8859-1?Q?a?=", "a" },
		{ "=?ISO-8859-1?Q?a?= b", "a b" },
		{ "=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab" },
		{ "=?ISO-8859-1?Q?a?=  \t =?ISO-8859-1?Q?b?=", "ab" },
		{ "=?ISO-8859-1?Q?a_b?=", "a b" },
		{ "=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?_b?=", "a b" },
		{ "=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>",
		    "Keith Moore <moore@cs.utk.edu>" },
		{ "=?ISO-8859-1?Q?Patrik_F=E4ltstr=F6m?=",
		    "Patrik F\xc3\xa4ltstr\xc3\xb6m" },
		{ "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=",
		    "If you can read this yo" },
		{ "=?utf-8*en?q?=E2=82=AC?=", "\xe2\x82\xac" },
		{ "=?windows-1252?Q?=80?=", "\xe2\x82\xac" },
		{ "=?iso-8859-15?Q?=A4?=", "\xe2\x82\xac" },
		{ "=?x-unknown?Q?=A4?=", "\xa4" },
		{ "=?utf-8?X?abc?=", "=?utf-8?X?abc?=" },
		{ "=?utf-8?Q?a b?=", "=?utf-8?Q?a b?=" },
		{ "=?utf-8?Q?abc", "=?utf-8?Q?abc" },
		{ "=?", "=?" }, { "", "" }, { " a  b ", " a  b " },
		/* words in words are not decoded twice */
		{ "=?us-ascii?Q?=3D=3Fus-ascii=3FQ=3Fx=3F=3D?=",
		    "=?us-ascii?Q?x?=" },
	};
	char got[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text t = text_in(got, sizeof(got) - 1);
		encoded_words_decode(slice_str(rows[i].in), &t, NULL);
		got[t.len] = '\0';
		assert_string_equal(got, rows[i].want);
	}
}

static void
test_words_linear(void **state)
{
	static const char *const shapes[] = { "=?", "=?a?q?", "=?a?q?b?= ",
		"?", "=", "=?a", "=?utf-8?Q?=", " " };

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		size_t one = strlen(shapes[i]), steps[2] = { 0, 0 };
		for (size_t k = 0; k < 2; k++) {
			size_t n = 20000 * (k + 1);
			char *in = malloc(n * one), *out = malloc(3 * n * one);
			struct text t = text_in(out, 3 * n * one);
			for (size_t j = 0; j < n; j++)
				memcpy(in + j * one, shapes[i], one);
			encoded_words_decode(slice_of(in, n * one), &t,
			    &steps[k]);
			assert_false(t.cut);
			free(in);
			free(out);
		}
		assert_true(steps[1] <= 2 * steps[0] + 4096);
	}
}

static void
test_transfer(void **state)
{
	static const struct {
		const char *encoding, *in, *want;
	} rows[] = {
		{ "BASE64", "aGVs\r\nbG8=", "hello" },
		{ "base64", "aGVs!bG8", "hello" },
		{ "base64", "YQ==YQ==", "aa" },
		{ "Quoted-Printable",
		    "Now's the time =\r\nfor all folk=20\r\n",
		    "Now's the time for all folk \r\n" },
		{ "quoted-printable", "a  \r\nb\t\n= \r\nc=3d=3D=xx=",
		    "a\r\nb\nc===xx=" },
		{ "quoted-printable", "ends in spaces   ",
		    "ends in spaces   " },
		{ "quoted-printable", "a\tb \t c\t=09\t\r\n", "a\tb \t c\t\t\r\n" },
		{ "8bit", "a=20", "a=20" },
	};
	char got[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum transfer_encoding e =
		    transfer_encoding_of(slice_str(rows[i].encoding));
		struct slice in = slice_str(rows[i].in);
		for (size_t cut = 0; cut <= in.len; cut++) {
			struct transfer_state st = { 0 };
			struct text t = text_in(got, sizeof(got) - 1);
			transfer_decode(e, &st, slice_of(in.at, cut), &t);
			transfer_decode(e, &st, slice_skip(in, cut), &t);
			transfer_finish(e, &st, &t);
			got[t.len] = '\0';
			assert_string_equal(got, rows[i].want);
		}
	}
}

static void
test_known_encodings(void **state)
{
	static const char *const known[] = { "", "7BIT", "8bit", "binary",
		"Base64", "quoted-printable" };
	static const char *const unknown[] = { "x-uuencode", "base-64", "7" };

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_true(transfer_encoding_is_known(slice_str(known[i])));
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_false(transfer_encoding_is_known(slice_str(unknown[i])));
}

static void
test_utf8(void **state)
{
	static const struct {
		const char *in;
		bool valid;
	} rows[] = {
		{ "", true }, { "a\xc3\xa9", true }, { "\xe2\x82\xac", true },
		{ "\xf0\x9f\x98\x80", true }, { "\xf4\x8f\xbf\xbf", true },
		{ "\xc3", false }, { "\xe2\x82", false }, { "\x80", false },
		{ "\xc0\x80", false }, { "\xe0\x80\x80", false },
		{ "\xed\xa0\x80", false }, { "\xf4\x90\x80\x80", false },
		{ "\xf5\x80\x80\x80", false }, { "\xf0\x80\x80\x80", false },
		{ "\xff", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* exact size, so that a sanitizer sees a read past the end */
		size_t len = strlen(rows[i].in);
		char *s = malloc(len + 1);
		memcpy(s + 1, rows[i].in, len);
		assert_true(utf8_is_valid(slice_of(s + 1, len)) ==
		    rows[i].valid);
		free(s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_words_linear),
		cmocka_unit_test(test_transfer),
		cmocka_unit_test(test_known_encodings),
		cmocka_unit_test(test_utf8),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
