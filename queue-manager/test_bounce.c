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
	    .enhanced = { 5, 1, 1 }, .text = slice_str(text),
	    .remote_mta = SLICE_LITERAL("mx.x") };
	struct bounce b = { .hostname = SLICE_LITERAL("mx.example.org"),
	    .to = SLICE_LITERAL("alice@crepes.fr"), .queue_id = 10,
	    .about = 9, .now = 1795242495, .arrival = 1795242000,
	    .reverse_path = SLICE_LITERAL("alice@crepes.fr"),
	    .recipients = &r, .n = 1, .content = slice_str(headers) };
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
		    "Status: 5.1.1\r\nRemote-MTA: dns; mx.x\r\n"
		    "Diagnostic-Code: smtp; 550 5.1.1 no bob\r\n"),
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

static char *
write_many(const struct bounce_recipient *r, size_t n, const char *content,
    bool whole, bool smtputf8)
{
	struct bounce b = { .hostname = SLICE_LITERAL("mx.example.org"),
	    .to = SLICE_LITERAL("alice@crepes.fr"), .queue_id = 10,
	    .about = 9, .now = 1795242495, .arrival = 1795242000,
	    .envid = SLICE_LITERAL("QQ 314159"),
	    .reverse_path = SLICE_LITERAL("alice@crepes.fr"),
	    .recipients = r, .n = n, .content = slice_str(content),
	    .whole = whole, .smtputf8 = smtputf8 };
	size_t len;

	return bounce_write(&b, &len);
}

/* Each action has its word and its fields; one that failed gives the name. */
static void
test_actions(void **state)
{
	static const struct bounce_recipient all[] = {
		{ .action = BOUNCE_DELIVERED, .final = SLICE_LITERAL("a@x"),
		    .enhanced = { 2, 0, 0 } },
		{ .action = BOUNCE_RELAYED, .final = SLICE_LITERAL("b@x"),
		    .enhanced = { 2, 1, 5 }, .code = 250,
		    .text = SLICE_LITERAL("Ok"),
		    .remote_mta = SLICE_LITERAL("mx.x") },
		{ .action = BOUNCE_EXPANDED, .final = SLICE_LITERAL("c@x"),
		    .enhanced = { 2, 0, 0 } },
		{ .action = BOUNCE_DELAYED, .final = SLICE_LITERAL("d@x"),
		    .enhanced = { 4, 4, 1 }, .code = 451,
		    .text = SLICE_LITERAL("No answer"),
		    .retry_until = 1795674000 },
	};
	char *got = write_many(all, 4, "Subject: hello\r\n", false, false);

	(void)state;
	assert_non_null(strstr(got, "\r\nOriginal-Envelope-Id: QQ 314159\r\n"
	    "Reporting-MTA: dns; mx.example.org\r\n"));
	assert_non_null(strstr(got, "\r\n\r\nFinal-Recipient: rfc822; a@x\r\n"
	    "Action: delivered\r\nStatus: 2.0.0\r\n\r\n"));
	assert_non_null(strstr(got, "rfc822; b@x\r\nAction: relayed\r\n"
	    "Status: 2.1.5\r\nRemote-MTA: dns; mx.x\r\n"
	    "Diagnostic-Code: smtp; 250 2.1.5 Ok\r\n\r\n"));
	assert_non_null(strstr(got, "c@x\r\nAction: expanded\r\n"));
	assert_non_null(strstr(got, "d@x\r\nAction: delayed\r\n"
	    "Status: 4.4.1\r\nDiagnostic-Code: X-Bulkhead; No answer\r\n"
	    "Will-Retry-Until: Thu, 26 Nov 2026 "));
	assert_non_null(strstr(got, "\r\nSubject: Mail is delayed"));
	free(got);
	got = write_many(all, 3, "", false, false);
	assert_non_null(strstr(got, "\r\nSubject: Mail was delivered\r\n"));
	free(got);
}

static void
test_whole(void **state)
{
	static const struct bounce_recipient r = { .final =
	    SLICE_LITERAL("a@x"), .enhanced = { 5, 0, 0 }, .code = 550 };
	char *got = write_many(&r, 1, "Subject: x\r\n\r\nbody\r\n", true,
	    false);

	(void)state;
	assert_non_null(strstr(got, "Content-Type: message/rfc822\r\n"));
	assert_non_null(strstr(got, "\r\n\r\nSubject: x\r\n\r\nbody\r\n"));
	assert_null(strstr(got, "Return-Path"));
	free(got);
}

/* A report about headers, to somebody. */
static char *
write_to(const char *to, const struct bounce_recipient *r, size_t n,
    const char *headers)
{
	struct bounce b = { .hostname = SLICE_LITERAL("mx.example.org"),
	    .to = slice_str(to), .queue_id = 10, .about = 9,
	    .now = 1795242495, .arrival = 1795242000,
	    .reverse_path = slice_str(to), .recipients = r, .n = n,
	    .content = slice_str(headers) };
	size_t len;
	char *octets = bounce_write(&b, &len);

	assert_non_null(octets);
	assert_int_equal(strlen(octets), len);
	return octets;
}

/* RFC 6533. */
static void
test_international(void **state)
{
	static const struct bounce_recipient r[] = {
		{ .final = SLICE_LITERAL("p\xc3\xa5l@x"),
		    .original = SLICE_LITERAL("utf-8;p\\x{E5}l\\x{20AC}"
		    "\\x{1F600}\\x{D800}\\x{0A}@x"),
		    .enhanced = { 5, 1, 1 }, .code = 550 },
		{ .final = SLICE_LITERAL("a@x"), .enhanced = { 5, 1, 1 } },
	};
	char *got;

	(void)state;
	/* The reader's address needs SMTPUTF8: whoever has that has 8BITMIME. */
	got = write_to("p\xc3\xa5l@y", r, 2, "Subject: p\xc3\xa5l\r\n");
	assert_int_equal(count(got, "Content-Transfer-Encoding: 8bit\r\n"), 4);
	assert_non_null(strstr(got, "message/global-delivery-status\r\n"));
	assert_non_null(strstr(got, "message/global-headers\r\n"));
	assert_non_null(strstr(got, "Final-Recipient: utf-8; p\xc3\xa5l@x\r\n"));
	assert_non_null(strstr(got, "Final-Recipient: rfc822; a@x\r\n"));
	/* Unquoted, but for what is no character. */
	assert_non_null(strstr(got, "Original-Recipient: utf-8;p\xc3\xa5l"
	    "\xe2\x82\xac\xf0\x9f\x98\x80\\x{D800}\\x{0A}@x\r\n"));
	free(got);
	/* An ASCII reader: nothing that his host might not take (section
	 * 4.5), and nothing is lost by that. */
	got = write_to("a@y", r, 2, "Subject: p\xc3\xa5l\r\n");
	assert_null(strstr(got, "8bit"));
	for (const char *p = got; *p != '\0'; p++)
		assert_true((unsigned char)*p < 0x80);
	assert_int_equal(count(got, "Content-Transfer-Encoding: "
	    "quoted-printable\r\n"), 3);
	assert_non_null(strstr(got, "message/global-delivery-status\r\n"));
	assert_non_null(strstr(got, "message/global-headers\r\n"));
	assert_non_null(strstr(got, "Final-Recipient: utf-8; p=C3=A5l@x\r\n"));
	assert_non_null(strstr(got, "Subject: p=C3=A5l\r\n"));
	free(got);
	/* Plain addresses, though the message came by SMTPUTF8. */
	got = write_many(r + 1, 1, "Subject: x\r\n\r\n", true, true);
	assert_non_null(strstr(got, "Content-Type: message/global\r\n"));
	free(got);
	/* ASCII only: the quoted form stays. */
	got = write_many(&(struct bounce_recipient){ .final =
	    SLICE_LITERAL("a@x"), .original = r[0].original }, 1, "", false,
	    false);
	assert_non_null(strstr(got, "utf-8;p\\x{E5}l"));
	assert_non_null(strstr(got, "Type: message/delivery-status\r\n"));
	free(got);
	/* As smtpd keeps it now: quoted again. */
	got = write_many(&(struct bounce_recipient){ .final =
	    SLICE_LITERAL("a@x"), .original = SLICE_LITERAL("UTF-8;"
	    "p\xc3\xa5+@x") }, 1, "", false, false);
	assert_non_null(strstr(got,
	    "Original-Recipient: utf-8;p\\x{E5}\\x{2B}@x\r\n"));
	assert_null(strchr(got, '\xc3'));
	free(got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_international),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
