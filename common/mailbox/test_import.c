/* Lines as Dovecot 2.3 and Courier 1.0 write them, and what is wrong with
 * others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/mailbox/import.h"

#define GUID "0f3c2a7711d0e4b50f3c2a7711d0e4b5"

static void
test_uidlist_header(void **state)
{
	static const struct {
		const char *line;
		enum parse parse;
		uint32_t uidvalidity, next;
		const char *guid;
	} rows[] = {
		{ "3 V1732166400 N18 G" GUID, PARSE_OK, 1732166400, 18, GUID },
		{ "3 N18 V7", PARSE_OK, 7, 18, "" },
		{ "3 V7 N18 Gnope X", PARSE_OK, 7, 18, "" },
		{ "3 V7", PARSE_OK, 7, 0, "" },
		{ "1 1732166400 18", PARSE_OK, 1732166400, 18, "" },
		{ "3 N18", PARSE_BAD, 0, 0, "" },
		{ "3 V0 N18", PARSE_BAD, 0, 0, "" },
		{ "3 V4294967296 N18", PARSE_BAD, 0, 0, "" },
		{ "3 V7 N-1", PARSE_BAD, 0, 0, "" },
		{ "1 7", PARSE_BAD, 0, 0, "" },
		{ "1 0 18", PARSE_BAD, 0, 0, "" },
		{ "1 7 18 9", PARSE_BAD, 0, 0, "" },
		{ "2 7 18", PARSE_BAD, 0, 0, "" },
		{ "4 V7 N18", PARSE_BAD, 0, 0, "" },
		{ "", PARSE_BAD, 0, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct uidlist_header h;

		assert_int_equal(
		    uidlist_header_parse(slice_str(rows[i].line), &h),
		    rows[i].parse);
		if (rows[i].parse != PARSE_OK)
			continue;
		assert_int_equal(h.uidvalidity, rows[i].uidvalidity);
		assert_int_equal(h.next, rows[i].next);
		assert_string_equal(h.guid, rows[i].guid);
	}
}

static void
test_uidlist_line(void **state)
{
	static const struct {
		const char *line;
		unsigned version;
		uint32_t uid; /* 0: bad */
		const char *name, *uidl;
	} rows[] = {
		{ "17 :173.M1P2.host,S=4,W=5", 3, 17, "173.M1P2.host,S=4,W=5",
		    "" },
		{ "17 PUID5-77 W5 G12 :1.x:2,S", 3, 17, "1.x", "UID5-77" },
		{ "17 W5 Pa:b :a name", 3, 17, "a name", "a:b" },
		{ "17 1.x,S=4:2,RS", 1, 17, "1.x,S=4", "" },
		{ "17 1.x with space", 1, 17, "1.x with space", "" },
		{ "4294967294 :x", 3, 4294967294, "x", "" },
		{ "4294967295 :x", 3, 0, "", "" },
		{ "0 :x", 3, 0, "", "" },
		{ "17 x", 3, 0, "", "" },
		{ "17 :", 3, 0, "", "" },
		{ "17 :../x", 3, 0, "", "" },
		{ "17 :a/b", 3, 0, "", "" },
		{ "17", 1, 0, "", "" },
		{ "x y", 1, 0, "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct uidlist_line l;
		enum parse p = uidlist_line_parse(
		    slice_str(rows[i].line), rows[i].version, &l);

		assert_int_equal(p, rows[i].uid == 0 ? PARSE_BAD : PARSE_OK);
		if (p != PARSE_OK)
			continue;
		assert_int_equal(l.uid, rows[i].uid);
		assert_true(slice_equal(l.name, slice_str(rows[i].name)));
		assert_true(slice_equal(l.uidl, slice_str(rows[i].uidl)));
	}
}

static void
test_dovecot_keywords(void **state)
{
	struct slice name;
	unsigned n;

	(void)state;
	assert_int_equal(
	    dovecot_keyword_parse(slice_str("25 $Label1"), &n, &name),
	    PARSE_OK);
	assert_int_equal(n, 25);
	assert_true(slice_equal(name, slice_str("$Label1")));
	assert_int_equal(
	    dovecot_keyword_parse(slice_str("26 x"), &n, &name), PARSE_BAD);
	assert_int_equal(
	    dovecot_keyword_parse(slice_str("1 "), &n, &name), PARSE_BAD);
	assert_int_equal(
	    dovecot_keyword_parse(slice_str("x"), &n, &name), PARSE_BAD);
}

static void
test_sizelist(void **state)
{
	static const struct {
		const char *line, *name, *uidl; /* NULL: bad */
	} rows[] = {
		{ "173.M1P2.host,S=4:2,S 5021 17:1732166400",
		    "173.M1P2.host,S=4", "UID17-1732166400" },
		{ "1.x 5 17:9:0", "1.x", "UID17-9" },
		{ "1.x 5 17:0:1", "1.x", "UID17" },
		{ "1.x'+y:2, 5 0:0", "1.x'+y", "1.x+27+2By" },
		{ "a b 5 17:9", "a b", "UID17-9" },
		{ "1.x 5 17", NULL, NULL },
		{ "1.x 17:9", NULL, NULL },
		{ "1.x 5 a:b", NULL, NULL },
		{ "", NULL, NULL },
	};
	char uidl[UIDL_LEN_MAX + 1], longest[101];
	struct sizelist_line l;

	(void)state;
	assert_int_equal(
	    sizelist_header_parse(slice_str("/2 18 17321")), PARSE_OK);
	assert_int_equal(
	    sizelist_header_parse(slice_str("/3 18 17321")), PARSE_OK);
	assert_int_equal(
	    sizelist_header_parse(slice_str("/4 18 17321")), PARSE_BAD);
	assert_int_equal(sizelist_header_parse(slice_str("1.x 5")), PARSE_BAD);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum parse p = sizelist_line_parse(slice_str(rows[i].line), &l);

		assert_int_equal(
		    p, rows[i].name == NULL ? PARSE_BAD : PARSE_OK);
		if (p != PARSE_OK)
			continue;
		assert_true(slice_equal(l.name, slice_str(rows[i].name)));
		assert_int_equal(sizelist_uidl(&l, uidl), PARSE_OK);
		assert_string_equal(uidl, rows[i].uidl);
	}
	memset(longest, 'x', 100);
	l = (struct sizelist_line){ .name = slice_of(longest, 70) };
	assert_int_equal(sizelist_uidl(&l, uidl), PARSE_OK);
	l.name.len = 71;
	assert_int_equal(sizelist_uidl(&l, uidl), PARSE_BAD);
}

static void
test_courier_keywords(void **state)
{
	struct slice name;
	uint64_t bits;

	(void)state;
	assert_int_equal(
	    courier_keywords_parse(slice_str("1.x,S=4:0 3 63"), &name, &bits),
	    PARSE_OK);
	assert_true(slice_equal(name, slice_str("1.x,S=4")));
	assert_true(bits == (UINT64_C(1) << 63 | 9));
	assert_int_equal(
	    courier_keywords_parse(slice_str("1.x:64 99"), &name, &bits),
	    PARSE_OK);
	assert_true(bits == 0);
	assert_int_equal(
	    courier_keywords_parse(slice_str("1.x:a"), &name, &bits),
	    PARSE_BAD);
	assert_int_equal(
	    courier_keywords_parse(slice_str("1.x"), &name, &bits), PARSE_BAD);
}

static void
test_subscriptions(void **state)
{
	static const struct {
		const char *line;
		bool v2, courier;
		const char *name;
	} rows[] = {
		{ "Work.2024", false, false, "Work.2024" },
		{ "Work\t2024", true, false, "Work.2024" },
		{ "INBOX.Sent", false, true, "Sent" },
		{ "INBOX", false, true, "INBOX" },
		{ "INBOX.", false, true, "INBOX." },
		{ "INBOX.Sent", false, false, "INBOX.Sent" },
		{ "a\001tb", true, false, "" },
		{ "", false, false, "" },
	};
	char to[SUBSCRIPTION_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = subscription_parse(
		    slice_str(rows[i].line), rows[i].v2, rows[i].courier, to);

		assert_true(
		    slice_equal(slice_of(to, n), slice_str(rows[i].name)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uidlist_header),
		cmocka_unit_test(test_uidlist_line),
		cmocka_unit_test(test_dovecot_keywords),
		cmocka_unit_test(test_sizelist),
		cmocka_unit_test(test_courier_keywords),
		cmocka_unit_test(test_subscriptions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
