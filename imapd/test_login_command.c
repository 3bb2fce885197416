/* Commands of RFC 3501 section 6.2 and 7888, whole, cut, and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bsd/string.h>

#include "imapd/login_command.h"

static const struct {
	const char	*in;
	enum parse	 want;
	unsigned	 continuations;
	const char	*arguments;	/* joined by | */
} rows[] = {
	{ "a1 NOOP\r\n", PARSE_OK, 0, "" },
	{ "a1 NOOP\n", PARSE_OK, 0, "" },
	{ "a LOGIN fred pass\r\n", PARSE_OK, 0, "fred|pass" },
	{ "a LOGIN \"fr ed\" \"p\\\"a\\\\ss\"\r\n", PARSE_OK, 0,
	    "fr ed|p\"a\\ss" },
	{ "a LOGIN {4}\r\n", PARSE_MORE, 1, "" },
	{ "a LOGIN {4}\r\nfred {2}\r\n", PARSE_MORE, 2, "" },
	{ "a LOGIN \"x\\\\\" {2}\r\n", PARSE_MORE, 1, "" },
	{ "a LOGIN {4}\r\nfred {2}\r\npw\r\n", PARSE_OK, 2, "fred|pw" },
	{ "a LOGIN {4+}\r\nfred {2+}\r\np\n\r\n", PARSE_OK, 0, "fred|p\n" },
	{ "a LOGIN \"\" \"\"\r\n", PARSE_OK, 0, "|" },
	{ "a ID (\"name\" \"x\" \"v\" NIL)\r\n", PARSE_OK, 0, "name|x|v|NIL" },
	{ "a ID NIL\r\n", PARSE_OK, 0, "NIL" },
	{ "a LOGIN {4097}\r\n", PARSE_BAD, 0, "" },
	{ "a LOGIN {4097+}\r\n", PARSE_BAD, 0, "" },
	{ "a LOGIN {99999999999999999999}\r\n", PARSE_BAD, 0, "" },
	{ "a LOGIN {-1}\r\n", PARSE_BAD, 0, "" },
	{ "a LOGIN \"open\r\n", PARSE_BAD, 0, "" },
	{ "a LOGIN \"a\\b\"\r\n", PARSE_BAD, 0, "" },
	{ "\r\n", PARSE_BAD, 0, "" },
	{ "a\r\n", PARSE_BAD, 0, "" },
	{ "+a NOOP\r\n", PARSE_BAD, 0, "" },
	{ "a  NOOP\r\n", PARSE_BAD, 0, "" },
	{ "a NOO", PARSE_MORE, 0, "" },
	{ "GET / HTTP/1.0\r\n", PARSE_OK, 0, "HTTP/1.0" },
};

static void
check(size_t i)
{
	struct imap_login_command c;
	enum imap_login_fault fault;
	char in[256], joined[256] = "";

	strlcpy(in, rows[i].in, sizeof(in));
	assert_int_equal(imap_login_command_parse(in, strlen(in), &c, &fault),
	    rows[i].want);
	if (rows[i].want == PARSE_BAD)
		return;
	assert_int_equal(c.continuations, rows[i].continuations);
	if (rows[i].want != PARSE_OK)
		return;
	assert_int_equal(c.used, strlen(rows[i].in));
	for (size_t n = 0; n < c.count; n++) {
		if (n > 0)
			strlcat(joined, "|", sizeof(joined));
		strncat(joined, c.arguments[n].at, c.arguments[n].len);
	}
	assert_string_equal(joined, rows[i].arguments);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
