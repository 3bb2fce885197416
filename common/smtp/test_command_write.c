/* What a client writes: MAIL, RCPT, and content that is fit to be sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/smtp/canonical.h"
#include "common/smtp/command_write.h"

#define S(s) SLICE_LITERAL(s)

static char out[SMTP_COMMAND_WRITE_MAX];

static void
expect(size_t len, const char *want)
{
	if (len != strlen(want) || memcmp(out, want, len) != 0)
		fail_msg("%.*s, not %s", (int)len, out, want);
}

static void
test_mail(void **state)
{
	static const struct smtp_mail_write plain = {
		.reverse_path = S("a@example.org") };
	static const struct smtp_mail_write null = { .has_size = true };
	/* RFC 3461 section 10.1, with more. */
	static const struct smtp_mail_write all = {
		.reverse_path = S("Alice@Example.ORG"), .has_size = true,
		.size = 12345678901, .body = SMTP_WRITE_8BITMIME,
		.ret = SMTP_WRITE_HDRS, .envid = S("QQ=314 159"),
		.auth = S("e+mc2@example.com") };
	static const struct smtp_mail_write utf8 = {
		.reverse_path = S("\xc3\xa9@example.org"),
		.body = SMTP_WRITE_BINARYMIME, .smtputf8 = true,
		.ret = SMTP_WRITE_FULL, .auth = S("<>") };

	(void)state;
	expect(smtp_mail_write(&plain, out, sizeof(out)),
	    "MAIL FROM:<a@example.org>\r\n");
	expect(smtp_mail_write(&null, out, sizeof(out)),
	    "MAIL FROM:<> SIZE=0\r\n");
	expect(smtp_mail_write(&all, out, sizeof(out)),
	    "MAIL FROM:<Alice@Example.ORG> SIZE=12345678901 BODY=8BITMIME "
	    "RET=HDRS ENVID=QQ+3D314+20159 AUTH=e+2Bmc2@example.com\r\n");
	expect(smtp_mail_write(&utf8, out, sizeof(out)),
	    "MAIL FROM:<\xc3\xa9@example.org> BODY=BINARYMIME SMTPUTF8 "
	    "RET=FULL AUTH=<>\r\n");
	for (size_t size = 0; size < strlen("MAIL FROM:<> SIZE=0\r\n"); size++)
		assert_int_equal(smtp_mail_write(&null, out, size), 0);
}

static void
test_rcpt(void **state)
{
	static const struct {
		struct smtp_rcpt_write r;
		const char *want;
	} rows[] = {
		{ { .address = S("b@x.org") }, "RCPT TO:<b@x.org>\r\n" },
		{ { .address = S("b@x.org"), .notify = SMTP_WRITE_NEVER },
		    "RCPT TO:<b@x.org> NOTIFY=NEVER\r\n" },
		{ { .address = S("b@x.org"), .notify = SMTP_WRITE_SUCCESS |
		    SMTP_WRITE_FAILURE | SMTP_WRITE_DELAY,
		    .orcpt = S("rfc822;Bob+x@Y.org") },
		    "RCPT TO:<b@x.org> NOTIFY=SUCCESS,FAILURE,DELAY "
		    "ORCPT=rfc822;Bob+2Bx@Y.org\r\n" },
		{ { .address = S("b@x.org"), .notify = SMTP_WRITE_DELAY },
		    "RCPT TO:<b@x.org> NOTIFY=DELAY\r\n" },
		{ { .address = S("\"a b>\\\"<\"@x.org") },
		    "RCPT TO:<\"a b>\\\"<\"@x.org>\r\n" },
		/* RFC 6533: as it is to who can take it, else escaped. */
		{ { .address = S("b@x.org"), .orcpt = S("utf-8;\xc3\xa9@y"),
		    .smtputf8 = true },
		    "RCPT TO:<b@x.org> ORCPT=utf-8;\xc3\xa9@y\r\n" },
		{ { .address = S("b@x.org"), .orcpt = S("utf-8;\xc3\xa9=@y"),
		    .smtputf8 = true },
		    "RCPT TO:<b@x.org> ORCPT=utf-8;\xc3\xa9\\x{3D}@y\r\n" },
		{ { .address = S("b@x.org"), .orcpt = S("utf-8;\xc3\xa9+@y") },
		    "RCPT TO:<b@x.org> ORCPT=utf-8;\\x{E9}\\x{2B}@y\r\n" },
		/* Of another type it cannot be. */
		{ { .address = S("b@x.org"), .orcpt = S("rfc822;\xc3\xa9@y"),
		    .smtputf8 = true },
		    "RCPT TO:<b@x.org>\r\n" },
		{ { .address = S("b@x.org"), .orcpt = S("none") },
		    "RCPT TO:<b@x.org>\r\n" },
		{ { .address = S("b@x.org"), .orcpt = S("a b;c") },
		    "RCPT TO:<b@x.org>\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(smtp_rcpt_write(&rows[i].r, out, sizeof(out)),
		    rows[i].want);
}

/* An address that would end its path, or its line, is not written. */
static void
test_injection(void **state)
{
	static const struct slice rows[] = {
		S("a@b> SIZE=1"), S("a@b>\r\nRCPT TO:<c@d"), S("a b@c"),
		S("a@b\r"), S("a@b\n"), S("<a@b"), S("a\\>@b"), S("\"a"),
		S("\"a\\\""), S("\"a\n\"@b"), S("\"a\\\n\"@b"), S("a@b\0"),
		S("\"a\"> X=\"@b"), S("a\x7f@b"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtp_mail_write m = { .reverse_path = rows[i] };
		struct smtp_rcpt_write r = { .address = rows[i] };

		assert_false(smtp_address_can_be_written(rows[i]));
		assert_int_equal(smtp_mail_write(&m, out, sizeof(out)), 0);
		assert_int_equal(smtp_rcpt_write(&r, out, sizeof(out)), 0);
	}
	assert_int_equal(smtp_rcpt_write(&(struct smtp_rcpt_write){
	    .notify = 1 }, out, sizeof(out)), 0);
}

/* Every string of CR, LF, dot and a letter up to length 6, cut everywhere. */
static void
test_canonical(void **state)
{
	static const char letters[] = "\r\n.a";
	char text[6];

	(void)state;
	for (size_t len = 0; len <= 6; len++)
		for (unsigned n = 0; n < 1u << (2 * len); n++) {
			bool want = true;

			for (size_t i = 0; i < len; i++)
				text[i] = letters[n >> (2 * i) & 3];
			for (size_t i = 0; i < len; i++) {
				if (text[i] == '\n')
					want &= i > 0 && text[i - 1] == '\r';
				if (text[i] == '\r')
					want &= i + 1 < len &&
					    text[i + 1] == '\n';
			}
			for (size_t cut = 0; cut <= len; cut++) {
				struct smtp_canonical c = { 0 };
				bool got = smtp_canonical_take(&c,
				    slice_of(text, cut)) &&
				    smtp_canonical_take(&c, slice_of(text + cut,
				    len - cut)) && smtp_canonical_end(&c);

				assert_int_equal(got, want);
			}
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail),
		cmocka_unit_test(test_rcpt),
		cmocka_unit_test(test_injection),
		cmocka_unit_test(test_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
