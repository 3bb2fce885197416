/* One spelling of each name, and never a way out of the Maildir. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/mailbox/folder_name.h"

static void
test_good(void **state)
{
	static const struct {
		const char *imap, *disk, *utf8;
	} rows[] = {
		{ "INBOX", "", "INBOX" }, { "inBox", "", "INBOX" },
		{ "Sent", ".Sent", "Sent" },
		{ "a.b.c", ".a.b.c", "a.b.c" },
		{ "INBOX.Sent", ".INBOX.Sent", "INBOX.Sent" },
		{ "Tom &- Jerry", ".Tom &- Jerry", "Tom & Jerry" },
		/* RFC 3501 section 5.1.3, with our separator */
		{ "~peter.mail.&U,BTFw-.&ZeVnLIqe-",
		    ".~peter.mail.&U,BTFw-.&ZeVnLIqe-",
		    "~peter.mail.\xe5\x8f\xb0\xe5\x8c\x97."
		    "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
		{ "Entw&APw-rfe", ".Entw&APw-rfe", "Entw\xc3\xbcrfe" },
		{ "&2D3eAA-", ".&2D3eAA-", "\xf0\x9f\x98\x80" },
		{ "100% *", ".100% *", "100% *" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct folder_name n, m;
		char utf8[FOLDER_UTF8_MAX + 1];

		assert_int_equal(folder_name_parse(slice_str(rows[i].imap), &n),
		    PARSE_OK);
		assert_string_equal(n.disk, rows[i].disk);
		folder_name_utf8(&n, utf8);
		assert_string_equal(utf8, rows[i].utf8);
		assert_int_equal(folder_name_parse_utf8(slice_str(utf8), &m),
		    PARSE_OK);
		assert_true(folder_name_equal(&n, &m));
		if (n.disk[0] != '\0')
			assert_int_equal(folder_name_parse_disk(
			    slice_str(n.disk), &m), PARSE_OK);
	}
}

static void
test_bad(void **state)
{
	static const char *const rows[] = {
		"", ".", "..", "../x", "a..b", ".a", "a.", "a/b", "/etc/passwd",
		"a\tb", "a\x7f", "\xc3\xbc",
		"&",			/* shift without an end */
		"&AOQ", "&A-", "&AA-",
		"&AGE-",		/* a letter that needs no shift */
		"&AGEAAA-", "&-&-&",
		"&AOR-",		/* left-over bits are not zero */
		"&AOQA-",		/* left-over digit */
		"&AOQ-&AOQ-",		/* two shifts for one run */
		"&2D0-", "&3gA-", "&2D0A5A-",	/* half a surrogate pair */
		"&AC8-", "&AC4ALg-",	/* slash and dots in disguise */
		"&AAA-", "&AAo-", "&AIU-",
		"&J|o-",
	};
	struct folder_name n;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (folder_name_parse(slice_str(rows[i]), &n) != PARSE_BAD)
			fail_msg("accepted: %s", rows[i]);
		assert_string_equal(n.disk, "");
	}
	assert_int_equal(folder_name_parse(slice_of("a\0b", 3), &n), PARSE_BAD);
	assert_int_equal(folder_name_parse_utf8(slice_str("\xc0\xaf"), &n), PARSE_BAD);
	assert_int_equal(folder_name_parse_utf8(slice_str("\xed\xa0\x80"), &n), PARSE_BAD);
	assert_int_equal(folder_name_parse_utf8(slice_str("\xf4\x90\x80\x80"), &n), PARSE_BAD);
	assert_int_equal(folder_name_parse_utf8(slice_str("a\xe2\x82"), &n), PARSE_BAD);
	assert_int_equal(folder_name_parse_disk(slice_str(".inbox"), &n), PARSE_BAD);
	assert_int_equal(folder_name_parse_disk(slice_str("..x"), &n), PARSE_BAD);
	assert_int_equal(folder_name_parse_disk(slice_str("cur"), &n), PARSE_BAD);
}

static void
test_limits(void **state)
{
	char name[FOLDER_NAME_MAX + 2];
	struct folder_name n;

	(void)state;
	memset(name, 'x', sizeof(name));
	assert_int_equal(folder_name_parse(
	    slice_of(name, FOLDER_NAME_MAX - 1), &n), PARSE_OK);
	assert_int_equal(folder_name_parse(
	    slice_of(name, FOLDER_NAME_MAX), &n), PARSE_BAD);
	for (size_t i = 1; i < sizeof(name); i += 2)
		name[i] = '.';
	assert_int_equal(folder_name_parse(
	    slice_of(name, 2 * FOLDER_DEPTH_MAX - 1), &n), PARSE_OK);
	assert_int_equal(folder_name_parse(
	    slice_of(name, 2 * FOLDER_DEPTH_MAX + 1), &n), PARSE_BAD);
}

static void
test_hierarchy(void **state)
{
	struct folder_name a, ab, abc, inbox;

	(void)state;
	folder_name_parse(slice_str("a"), &a);
	folder_name_parse(slice_str("a.b"), &ab);
	folder_name_parse(slice_str("ab.c"), &abc);
	folder_name_parse(slice_str("INBOX"), &inbox);
	assert_true(folder_name_is_below(&ab, &a));
	assert_false(folder_name_is_below(&a, &a));
	assert_false(folder_name_is_below(&abc, &a));
	assert_false(folder_name_is_below(&a, &inbox));
	assert_true(folder_name_superior(&ab, &abc));
	assert_true(folder_name_equal(&abc, &a));
	assert_false(folder_name_superior(&a, &abc));
	assert_false(folder_name_superior(&inbox, &abc));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_hierarchy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
