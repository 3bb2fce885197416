/* Names of ours, of qmail, Courier, Dovecot and mbsync, and of nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/mailbox/maildir_name.h"

#define LONG_BASE "1234567890123456789012345678901234567890123456789012345678" \
	"9012345678901234567890123456789012345678901234567890123456789012345" \
	"6789012345678901234567890123456789012345678901234567890123456789012" \
	"34567890123456789012345678901234567890123456789"

static void
test_parse(void **state)
{
	static const struct {
		const char *in, *base;
		uint32_t uidvalidity, uid;
		uint8_t flags;
		uint32_t keywords;
		int has_info;
	} rows[] = {
		{ "1204680122.27c448.box", "1204680122.27c448.box", 0, 0, 0, 0, 0 },
		{ "1.2.x:2,", "1.2.x", 0, 0, 0, 0, 1 },
		{ "1.2.x:2,FS", "1.2.x", 0, 0, FLAG_FLAGGED | FLAG_SEEN, 0, 1 },
		{ "1.2.x:2,TSRPFD", "1.2.x", 0, 0, FLAG_ALL, 0, 1 },
		{ "1.2.x,S=12,W=13:2,Sa", "1.2.x", 0, 0, FLAG_SEEN, 1, 1 },
		{ "1.2.x,U=7:2,z", "1.2.x", 0, 0, 0, 1u << 25, 1 },
		{ "1.x,B=99-7:2,", "1.x", 99, 7, 0, 0, 1 },
		{ "1.x,B=4294967295-4294967295", "1.x", UINT32_MAX, UINT32_MAX, 0, 0, 0 },
		/* no identity: overflow, zero, half, sign, two of them */
		{ "1.x,B=4294967296-1:2,", "1.x", 0, 0, 0, 0, 1 },
		{ "1.x,B=1-4294967296:2,", "1.x", 0, 0, 0, 0, 1 },
		{ "1.x,B=0-1:2,", "1.x", 0, 0, 0, 0, 1 },
		{ "1.x,B=1-0:2,", "1.x", 0, 0, 0, 0, 1 },
		{ "1.x,B=1:2,", "1.x", 0, 0, 0, 0, 1 },
		{ "1.x,B=1--1:2,", "1.x", 0, 0, 0, 0, 1 },
		{ "1.x,B=1-2,B=1-3:2,", "1.x", 0, 0, 0, 0, 1 },
		{ "1.x,B=x,B=1-3:2,", "1.x", 0, 0, 0, 0, 1 },
		/* the last :2, counts; other info is no info */
		{ "1.x:2,S:2,F", "1.x:2", 0, 0, FLAG_FLAGGED, 0, 1 },
		{ "1.x:1,S", "1.x:1", 0, 0, 0, 0, 0 },
		{ ":2,S", "", 0, 0, FLAG_SEEN, 0, 1 },
		{ ",", "", 0, 0, 0, 0, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct maildir_name n;
		assert_int_equal(maildir_name_parse(slice_str(rows[i].in), &n),
		    PARSE_OK);
		assert_true(slice_equal(n.base, slice_str(rows[i].base)));
		assert_int_equal(n.has_identity, rows[i].uid != 0);
		if (n.has_identity) {
			assert_int_equal(n.uid, rows[i].uid);
			assert_int_equal(n.uidvalidity, rows[i].uidvalidity);
		}
		assert_int_equal(n.flags, rows[i].flags);
		assert_int_equal(n.keywords, rows[i].keywords);
		assert_int_equal(n.has_info, rows[i].has_info);
	}
}

static void
test_bad(void **state)
{
	struct maildir_name n;

	(void)state;
	assert_int_equal(maildir_name_parse(slice_str(""), &n), PARSE_BAD);
	assert_int_equal(maildir_name_parse(slice_str(".x"), &n), PARSE_BAD);
	assert_int_equal(maildir_name_parse(slice_str("a/b"), &n), PARSE_BAD);
	assert_int_equal(maildir_name_parse(slice_of("a\0b", 3), &n), PARSE_BAD);
	assert_int_equal(maildir_name_parse(slice_str(LONG_BASE LONG_BASE), &n),
	    PARSE_BAD);
}

static void
test_print(void **state)
{
	static const struct {
		const char *in;
		uint32_t uid;
		const char *out;
	} rows[] = {
		{ "1.x", 7, "1.x,B=9-7:2,ST" },
		{ "1.x:2,SF", 7, "1.x,B=9-7:2,ST" },
		{ "1.x,S=1,U=5,W=2:2,X?b", 7, "1.x,S=1,W=2,U=5,B=9-7:2,STX?" },
		{ "1.x,B=1-2,S=1:2,", 7, "1.x,S=1,B=9-7:2,ST" },
		{ "1.x,B=1-2,B=1-3:2,", 0, "1.x:2,ST" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct maildir_name n;
		char to[MAILDIR_NAME_MAX + 1];

		assert_int_equal(maildir_name_parse(slice_str(rows[i].in), &n),
		    PARSE_OK);
		n.has_identity = rows[i].uid != 0;
		n.uidvalidity = 9;
		n.uid = rows[i].uid;
		n.flags = FLAG_SEEN | FLAG_DELETED;
		n.keywords = 0;
		assert_int_equal(maildir_name_print(&n, true, to), 0);
		assert_string_equal(to, rows[i].out);
	}
}

static void
test_print_too_long(void **state)
{
	struct maildir_name n;
	char to[MAILDIR_NAME_MAX + 1];

	(void)state;
	assert_int_equal(maildir_name_parse(slice_str(LONG_BASE), &n), PARSE_OK);
	assert_int_equal(maildir_name_print(&n, true, to), 0);
	n.has_identity = true;
	n.uidvalidity = n.uid = UINT32_MAX;
	assert_int_equal(maildir_name_print(&n, true, to), -1);
	assert_string_equal(to, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_print_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
