/* What a server says, read by a client: replies, and the list of EHLO. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/smtp/capabilities.h"
#include "common/smtp/reply_read.h"

/* Read a whole reply in pieces of step octets. */
static enum parse
read_in_steps(const char *text, size_t len, size_t step,
    struct smtp_reply_read *r, enum smtp_reply_fault *why)
{
	size_t from = 0, have = 0, used;
	struct slice line;
	enum parse p = PARSE_MORE;

	*r = (struct smtp_reply_read){ 0 };
	while (p == PARSE_MORE) {
		p = smtp_reply_take(r, slice_of(text + from, have - from),
		    &used, &line, why);
		from += used;
		if (p == PARSE_MORE && used == 0) {
			if (have == len)
				return PARSE_MORE;
			have = have + step < len ? have + step : len;
		}
	}
	return p;
}

static void
test_good(void **state)
{
	static const struct {
		const char *in;
		uint16_t code;
		uint8_t enhanced[3];
		const char *text;
	} rows[] = {
		{ "250 OK\r\n", 250, { 0 }, "OK" },
		{ "250\r\n", 250, { 0 }, "" },
		{ "354 \r\n", 354, { 0 }, "" },
		{ "250 2.1.5 Ok\n", 250, { 2, 1, 5 }, "Ok" },
		{ "550 5.1.1 <a@b>: no\r\n", 550, { 5, 1, 1 }, "<a@b>: no" },
		{ "550-5.7.1 first\r\n550-5.7.1 second\r\n550 5.7.1 third\r\n",
		    550, { 5, 7, 1 }, "first second third" },
		/* RFC 5321 appendix D.1. */
		{ "250-foo.com greets bar.com\r\n250-8BITMIME\r\n250-SIZE\r\n"
		    "250-DSN\r\n250 HELP\r\n", 250, { 0 },
		    "foo.com greets bar.com 8BITMIME SIZE DSN HELP" },
		/* The class of another reply is none. */
		{ "450 5.1.1 what\r\n", 450, { 0 }, "5.1.1 what" },
		{ "550 5.1 short\r\n", 550, { 0 }, "5.1 short" },
		{ "550 5.1.1x\r\n", 550, { 0 }, "5.1.1x" },
		{ "550 5.01.1 zero\r\n", 550, { 0 }, "5.01.1 zero" },
		{ "550 5.999.300 large\r\n", 550, { 5, 0, 0 }, "large" },
		{ "250 a\xc3\xa9\x01z\r\n", 250, { 0 }, "a???z" },
		{ "571 5.7.1 outside of the grammar\r\n", 571, { 5, 7, 1 },
		    "outside of the grammar" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t step = 1; step < 100; step += 9) {
			struct smtp_reply_read r;
			enum smtp_reply_fault why;

			assert_int_equal(read_in_steps(rows[i].in,
			    strlen(rows[i].in), step, &r, &why), PARSE_OK);
			assert_int_equal(r.code, rows[i].code);
			assert_memory_equal(r.enhanced, rows[i].enhanced, 3);
			assert_int_equal(r.text_len, strlen(rows[i].text));
			assert_memory_equal(r.text, rows[i].text, r.text_len);
		}
}

static void
test_bad(void **state)
{
	static const char *const rows[] = {
		"\r\n", "25\r\n", "hello\r\n", "150 too low\r\n",
		"999 too high\r\n", "000 zero\r\n", "250x\r\n", " 250 OK\r\n",
		"2500 four\r\n", "250-a\r\n251 b\r\n", "250-a\r\nno code\r\n",
		"250-a\r\n\r\n", "-50 OK\r\n", "+50 OK\r\n", "250\t\r\n",
	};
	struct smtp_reply_read r;
	enum smtp_reply_fault why;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(read_in_steps(rows[i], strlen(rows[i]), 3, &r,
		    &why), PARSE_BAD);
		assert_int_equal(why, SMTP_REPLY_SYNTAX);
	}
	assert_int_equal(read_in_steps("250\0\r\n", 6, 3, &r, &why), PARSE_BAD);
	/* NUL in a text is a character like any other. */
	assert_int_equal(read_in_steps("250 a\0b\r\n", 9, 3, &r, &why),
	    PARSE_OK);
	assert_memory_equal(r.text, "a?b", 3);
	assert_int_equal(read_in_steps("250-more\r\n25", 12, 3, &r, &why),
	    PARSE_MORE);
}

static void
test_endless(void **state)
{
	static char text[SMTP_REPLY_READ_OCTETS_MAX + 4096];
	struct smtp_reply_read r;
	enum smtp_reply_fault why;

	(void)state;
	/* A line without an end. */
	memset(text, 'x', sizeof(text));
	memcpy(text, "220 ", 4);
	assert_int_equal(read_in_steps(text, sizeof(text), 512, &r, &why),
	    PARSE_BAD);
	assert_int_equal(why, SMTP_REPLY_LONG);
	/* A reply without an end, in small lines and in large ones. */
	for (size_t i = 0; i + 6 <= sizeof(text); i += 6)
		memcpy(text + i, "250-\r\n", 6);
	assert_int_equal(read_in_steps(text, sizeof(text), 4096, &r, &why),
	    PARSE_BAD);
	assert_int_equal(why, SMTP_REPLY_LONG);
	assert_int_equal(r.lines, SMTP_REPLY_READ_LINES_MAX + 1);
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i + 2000 <= sizeof(text); i += 2000) {
		memcpy(text + i, "250-", 4);
		text[i + 1999] = '\n';
	}
	assert_int_equal(read_in_steps(text, sizeof(text), 4096, &r, &why),
	    PARSE_BAD);
	assert_int_equal(why, SMTP_REPLY_LONG);
	assert_int_equal(r.text_len, SMTP_REPLY_TEXT_MAX);
}

/* ---- capabilities ---- */

static struct smtp_capabilities
capabilities(const char *const *lines)
{
	struct smtp_capabilities c = { 0 };

	for (; *lines != NULL; lines++)
		smtp_capabilities_line(&c, slice_str(*lines));
	smtp_capabilities_end(&c);
	return c;
}

static void
test_capabilities(void **state)
{
	static const char *const all[] = { "pipelining", "SIZE 35000000",
		"8BITMIME", "ENHANCEDSTATUSCODES", "DSN", "CHUNKING",
		"BINARYMIME", "SMTPUTF8", "STARTTLS",
		"AUTH PLAIN LOGIN  SCRAM-SHA-256", "XCLIENT NAME",
		"LIMITS MAILMAX=20 RCPTMAX=100 RCPTDOMAINMAX=1", NULL };
	static const char *const odd[] = { "SIZE many", "BINARYMIME",
		"AUTH=LOGIN PLAIN", "PIPELININGX", "LIMITS MAILMAX=x", "",
		"AUTH \x01\x02 CRAM-MD5", NULL };
	struct smtp_capabilities c = capabilities(all);

	(void)state;
	assert_int_equal(c.have, (1u << 11) - 1);
	assert_int_equal(c.size, 35000000);
	assert_int_equal(c.mail_max, 20);
	assert_int_equal(c.rcpt_max, 100);
	assert_true(slice_equal(smtp_capabilities_mechanisms(&c),
	    slice_str("PLAIN LOGIN SCRAM-SHA-256")));
	c = capabilities(odd);
	assert_int_equal(c.have, SMTP_HAS_SIZE | SMTP_HAS_AUTH |
	    SMTP_HAS_LIMITS);
	assert_int_equal(c.size, 0);
	assert_int_equal(c.mail_max, 0);
	assert_true(slice_equal(smtp_capabilities_mechanisms(&c),
	    slice_str("LOGIN PLAIN CRAM-MD5")));
}

static void
test_many_mechanisms(void **state)
{
	struct smtp_capabilities c = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		smtp_capabilities_line(&c, slice_str("AUTH PLAIN LOGIN"));
	assert_true(c.mechanisms_len <= SMTP_MECHANISMS_MAX);
	assert_true(slice_starts_nocase(smtp_capabilities_mechanisms(&c),
	    slice_str("PLAIN LOGIN PLAIN")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_many_mechanisms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
