/* Reports: their form, and what hostile mail may do to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "queue-manager/bounce.h"

static void
test_headers(void **state)
{
	static const struct {
		const char *in;
		size_t want;
	} rows[] = {
		{ "", 0 },
		{ "\r\nbody\r\n", 0 },
		{ "A: b\r\n\r\nbody\r\n", 6 },
		{ "A: b\r\nC: d\r\n e\r\n\r\n", 16 },
		{ "A: b\r\nC: d", 6 },		/* cut: whole lines only */
		{ "A: b\r\n", 6 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(bounce_headers(slice_str(rows[i].in)).len,
		    rows[i].want);
	/* A header without end is cut at the limit. */
	char *big = malloc(BOUNCE_HEADERS_MAX * 2);
	memset(big, 'x', BOUNCE_HEADERS_MAX * 2);
	for (size_t i = 0; i < BOUNCE_HEADERS_MAX * 2; i += 100)
		memcpy(big + i, "\r\nX: ", 5);
	struct slice h = bounce_headers(slice_of(big + 2,
	    BOUNCE_HEADERS_MAX * 2 - 2));
	assert_in_range(h.len, BOUNCE_HEADERS_MAX - 100, BOUNCE_HEADERS_MAX);
	assert_int_equal(h.at[h.len - 1], '\n');
	free(big);
}

static char *
write_one(const char *final, const char *text, const char *headers)
{
	struct bounce_recipient r = { .final = slice_str(final),
	    .original = SLICE_LITERAL("rfc822;Bob@x"), .code = 550,
	    .enhanced = { 5, 1, 1 }, .text = slice_str(text) };
	struct bounce b = { .hostname = SLICE_LITERAL("mx.example.org"),
	    .to = SLICE_LITERAL("alice@crepes.fr"), .queue_id = 10,
	    .about = 9, .now = 1795242495, .arrival = 1795242000,
	    .reverse_path = SLICE_LITERAL("alice@crepes.fr"),
	    .recipients = &r, .n = 1, .headers = slice_str(headers) };
	size_t len;
	char *octets = bounce_write(&b, &len);

	assert_non_null(octets);
	assert_int_equal(strlen(octets), len);
	return octets;
}

static size_t
count(const char *in, const char *what)
{
	size_t n = 0;

	for (; (in = strstr(in, what)) != NULL; in++)
		n++;
	return n;
}

static void
test_form(void **state)
{
	static const char *const wanted[] = {
		"\r\nTo: <alice@crepes.fr>\r\n",
		"Auto-Submitted: auto-replied\r\n",
		"multipart/report; report-type=delivery-status;\r\n",
		"Content-Type: message/delivery-status\r\n",
		"\r\nReporting-MTA: dns; mx.example.org\r\n",
		"\r\nOriginal-Recipient: rfc822;Bob@x\r\n",
		("\r\nFinal-Recipient: rfc822; bob@x\r\nAction: failed\r\n"
		    "Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 no bob\r\n"),
		"Content-Type: text/rfc822-headers\r\n",
		"\r\nSubject: hello\r\n",
		"Arrival-Date: Sat, 21 Nov 2026 ",
	};
	char *got = write_one("bob@x", "no bob", "Subject: hello\r\n");

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_non_null(strstr(got, wanted[i]));
	/* Three parts and an end; lines end in CRLF, and only they do. */
	assert_int_equal(count(got, "\r\n--"), 4);
	assert_int_equal(count(got, "\n"), count(got, "\r\n"));
	assert_int_equal(count(got, "\r"), count(got, "\r\n"));
	assert_null(strstr(got, "8bit"));
	free(got);
}

/* Text from elsewhere stays on its line. */
static void
test_hostile(void **state)
{
	char *got = write_one("a\r\nBcc: x\r\n\r\n", "b\n--\x01",
	    "Subject: \xe4\r\n");

	(void)state;
	assert_null(strstr(got, "\nBcc"));
	assert_null(strstr(got, "\x01"));
	assert_int_equal(count(got, "\n"), count(got, "\r\n"));
	assert_int_equal(count(got, "Content-Transfer-Encoding: 8bit\r\n"), 2);
	free(got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_hostile),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
