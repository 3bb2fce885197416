/* The grammar by its examples, and what is outside of it; sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "imapd/session/command.h"
#include "imapd/session/token.h"

static const char *const good[] = {
	"a1 CAPABILITY", "a1 noop", "A142 SELECT INBOX", "A932 EXAMINE blurdybloop",
	"A004 CREATE owatagusiam/", "A005 DELETE \"a b\"", "A1 RENAME a \"b \\\"c\"",
	"A101 LIST \"\" \"\"", "A102 LIST #news.comp.mail.misc \"\"",
	"A202 LIST ~/Mail/ %", "A1 LSUB \"#news.\" \"comp.mail.*\"",
	"A042 STATUS blurdybloop (UIDNEXT MESSAGES)",
	"A1 STATUS {3}\r\na b (UNSEEN)", "A1 STATUS {3+}\r\na)b (UNSEEN RECENT)",
	"A003 APPEND saved-messages (\\Seen) ",
	"A003 APPEND x () \" 7-Feb-1994 21:52:25 -0800\" ", "A APPEND x ",
	"A282 SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"",
	"A283 SEARCH TEXT \"string not in mailbox\"",
	"A284 SEARCH CHARSET UTF-8 TEXT {6}\r\n\xd0\xbf\xd1\x80\xd0\xb8",
	"a SEARCH OR (SEEN 1:5,7) NOT (OR KEYWORD x NOT UID 1:* LARGER 5)",
	"a SEARCH ((((ALL))))", "a UID SEARCH 2,4:7,9,12:*",
	"A654 FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])",
	"a FETCH 1 ALL", "a FETCH 1 FAST", "a FETCH * FULL",
	("a FETCH 1 (BODY BODYSTRUCTURE RFC822 RFC822.SIZE RFC822.HEADER "
	"RFC822.TEXT ENVELOPE INTERNALDATE UID)"),
	"a FETCH 1 BODY.PEEK[1.2.MIME]<0.2048>", "a FETCH 1 body[4.2.2.1]",
	"a FETCH 1 BODY[3.HEADER.FIELDS.NOT (\"a b\" c)]<5.1>",
	"A003 STORE 2:4 +FLAGS (\\Deleted)", "a STORE 1 FLAGS.SILENT ()",
	"a UID STORE 1 -FLAGS \\Seen $Label1", "A003 COPY 2:4 MEETING",
	"A999 UID FETCH 4827313:4828442 FLAGS", "a UID EXPUNGE 3000:3002",
	"a EXPUNGE", "a MOVE 1 x", "a UID MOVE 1 x", "a IDLE",
	"A282 SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"",
	"a SEARCH RETURN () ALL", "a UID SEARCH RETURN (PARTIAL -1:-100) UNDELETED",
	"a SEARCH RETURN (SAVE) CHARSET UTF-8 (OR $ 1,3000:3021) TEXT {2}\r\nxy",
	"A301 UID SEARCH UID $ SMALLER 4096", "A283 FETCH $ (UID)", "a COPY $ x",
	"a SEARCH UNSEEN YOUNGER 259200", "a SEARCH OLDER 1",
	"101 UID FETCH 25900:26600 (UID FLAGS) (PARTIAL -1:-30 CHANGEDSINCE 98305)",
	"a STATUS x (SIZE DELETED HIGHESTMODSEQ)",
	"a ENABLE CONDSTORE", "a ENABLE X-GOOD qresync", "a SELECT x (CONDSTORE)",
	"a SELECT x (QRESYNC (67890007 20050715194045000 41,43:211,214:541))",
	"a EXAMINE x (QRESYNC (1 2 1:5 (1,3 5,7)) CONDSTORE)",
	"a SELECT x (QRESYNC (1 2 (1 5)))", "a FETCH 1:3 (MODSEQ)",
	"s100 UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345 VANISHED)",
	"a103 UID STORE 6,4,8 (UNCHANGEDSINCE 12121230045) +FLAGS.SILENT (\\Deleted)",
	"a SEARCH MODSEQ 620162338", "t SEARCH OR NOT MODSEQ 720162338 LARGER 50000",
	"a SEARCH MODSEQ \"/flags/\\\\draft\" all 620162338",
	"a ID (\"name\" \"x\" \"version\" NIL)", "a ID NIL", "a ID ()",
	"a FETCH 1 (BINARY[] BINARY.PEEK[1.2]<5.7> BINARY.SIZE[1] binary[2])",
	"A282 SORT (SUBJECT) UTF-8 SINCE 1-Feb-1994",
	"A283 UID SORT (SUBJECT REVERSE DATE) UTF-8 ALL",
	"a SORT (reverse arrival cc from size to) \"us-ascii\" UNSEEN 1:5",
	"A283 THREAD ORDEREDSUBJECT UTF-8 SINCE 5-MAR-2000",
	"a UID THREAD references UTF-8 ALL",
	"a COMPRESS DEFLATE", "a compress deflate",
	"a GETQUOTA account", "a GETQUOTAROOT INBOX", "a GETQUOTA \"\"",
	"a SETQUOTA x (STORAGE 512 MESSAGE 1)", "a SETQUOTA \"\" ()",
	"a STATUS x (MAILBOXID DELETED DELETED-STORAGE)",
	"a FETCH 1 (EMAILID THREADID SAVEDATE PREVIEW)", "a FETCH 1 PREVIEW",
	"a FETCH 1 (PREVIEW (LAZY) UID)", "a FETCH 1 PREVIEW (LAZY)",
	"a SEARCH SAVEDBEFORE 28-Dec-2014 SAVEDATESUPPORTED",
	"a SEARCH OR EMAILID M1 THREADID T1",
	"a REPLACE 4 Drafts (\\Seen) ", "a UID REPLACE 4 x ", "a REPLACE * x ",
	"a FETCH 1 BODY[]<9223372036854775807.9223372036854775807>",
	"a SEARCH LARGER 9223372036854775807 SMALLER 4294967296",
	"a STATUS x (APPENDLIMIT)", "a ENABLE UTF8=ACCEPT IMAP4rev2",
	"a APPEND x UTF8 (", "a APPEND UTF8 (\\Seen) UTF8 (",
	"a REPLACE 4 x \"17-Jul-1996 02:44:25 -0700\" UTF8 (",
};

static const char *const bad[] = {
	"a APPEND x UTF8", "a APPEND x UTF8 ", "a APPEND x UTF8 (x",
	"a APPEND x UTF8 (\\Seen) ",
	"a", "a ", "a1 CAPABILITY x", "a1 NOOPE", "a SELECT", "a SELECT ",
	"a SELECT a b", "a SELECT (", "a SELECT \"a", "a SELECT {5}\r\nabc",
	"a LIST \"\"", "a STATUS x ()", "a STATUS x (FOO)", "a STATUS x MESSAGES",
	"a APPEND x (\\Recent) ", "a APPEND x \"32-Feb-1994 21:52:25 -0800\" ",
	"a SEARCH", "a SEARCH ", "a SEARCH (", "a SEARCH )", "a SEARCH ()",
	"a SEARCH (ALL", "a SEARCH ALL)", "a SEARCH NOT", "a SEARCH OR ALL",
	"a SEARCH FOO", "a SEARCH SINCE 31-Feb-1994", "a SEARCH 0",
	"a SEARCH CHARSET x-foo ALL", "a SEARCH (OR ALL) ALL",
	"a FETCH 1", "a FETCH 0 FLAGS", "a FETCH 1: FLAGS", "a FETCH 1,,2 FLAGS",
	"a FETCH 4294967296 FLAGS", "a FETCH 1 ()", "a FETCH 1 (FLAGS",
	"a FETCH 1 BODY[", "a FETCH 1 BODY[MIME]", "a FETCH 1 BODY[1.]",
	"a FETCH 1 BODY[0]", "a FETCH 1 BODY[1.FOO]", "a FETCH 1 BODY[1HEADER]",
	"a FETCH 1 BODY[]<0>", "a FETCH 1 BODY[]<0.0>", "a FETCH 1 (ALL)",
	"a FETCH 1 BODY[]<0.9223372036854775808>", "a FETCH 1 BODY[HEADER.FIELDS ()]",
	"a FETCH 1 RFC822.FOO", "a STORE 1 FLAGS", "a STORE 1 FOO (\\Seen)",
	"a STORE 1 FLAGS (\\*)", "a STORE 1 *FLAGS ()", "a UID NOOP",
	"a UID EXPUNGE", "a COPY 1", "a ID", "a ID (\"x\"", "a ID x",
	"a FETCH 1 BINARY[TEXT]", "a FETCH 1 BINARY[1.MIME]", "a FETCH 1 BINARY",
	"a FETCH 1 BINARY.SIZE[1]<0.5>", "a FETCH 1 BINARY.PEEK[1",
	"a SORT () UTF-8 ALL", "a SORT (REVERSE) UTF-8 ALL", "a SORT (DATE) ALL",
	"a SORT (DATE) UTF-8", "a SORT DATE UTF-8 ALL", "a SORT (FOO) UTF-8 ALL",
	"a SORT (DATE) CHARSET UTF-8 ALL", "a THREAD REFS UTF-8 ALL",
	"a THREAD (REFERENCES) UTF-8 ALL", "a THREAD REFERENCES ALL",
	"a COMPRESS", "a COMPRESS GZIP", "a COMPRESS DEFLATE x",
	"a SETQUOTA x", "a SETQUOTA x (STORAGE)", "a SETQUOTA x (STORAGE x)",
	"a GETQUOTA", "a FETCH 1 PREVIEW (FOO)", "a FETCH 1 PREVIEW ()",
	"a SEARCH SAVEDON x", "a SEARCH EMAILID",
	"a REPLACE 1:2 x ", "a REPLACE 1,2 x ", "a REPLACE x ", "a REPLACE 1 x",
	"a SEARCH RETURN ALL", "a SEARCH RETURN (FOO) ALL", "a SEARCH RETURN (ALL)",
	"a SEARCH RETURN (ALL PARTIAL 1:2) ALL", "a SEARCH RETURN (PARTIAL) ALL",
	"a SEARCH RETURN (PARTIAL 0:2) ALL", "a SEARCH RETURN (PARTIAL -1:2) ALL",
	"a SEARCH RETURN (PARTIAL 1:*) ALL", "a SEARCH RETURN (MIN ALL",
	"a SEARCH RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL", "a SEARCH OLDER 0",
	"a SEARCH YOUNGER", "a SEARCH $:5", "a FETCH $,1 FLAGS",
	"a UID FETCH 1 FLAGS (PARTIAL)", "a UID FETCH 1 FLAGS (PARTIAL 1:0)",
	"a SELECT x (QRESYNC (1 1 $))",
	"a ENABLE", "a ENABLE \"x\"", "a SELECT x ()", "a SELECT x (QRESYNC)",
	"a SELECT x (QRESYNC (0 1))", "a SELECT x (QRESYNC (1 0))",
	"a SELECT x (QRESYNC (1 1 1:*))", "a SELECT x (QRESYNC (1 1 (1)))",
	"a SELECT x (QRESYNC (1 1) QRESYNC (1 1))", "a SELECT x (CONDSTORE",
	"a FETCH 1 FLAGS (CHANGEDSINCE)", "a FETCH 1 FLAGS (CHANGEDSINCE 1",
	"a FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775808)",
	"a FETCH 1 FLAGS (VANISHED VANISHED)", "a SEARCH MODSEQ",
	"a STORE 1 (UNCHANGEDSINCE) FLAGS ()", "a STORE 1 (FOO 1) FLAGS ()",
	"a SEARCH MODSEQ \"x\" 1", "a UID EXPUNGE", "a COPY 1", "a ID", "a ID (\"x\"", "a ID x",
};

static enum parse
parse(const char *s, size_t len, struct imap_command *c, struct arena *arena)
{
	enum imap_fault fault;

	return imap_command_parse(slice_of(s, len), arena, c, &fault);
}

static void
test_grammar(void **state)
{
	struct imap_command c;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		size_t len = strlen(good[i]);
		char *exact = malloc(len);
		struct arena arena = { 0 };

		memcpy(exact, good[i], len);
		if (parse(exact, len, &c, &arena) != PARSE_OK)
			fail_msg("refused: %s", good[i]);
		arena_clear(&arena);
		free(exact);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena arena = { 0 };

		if (parse(bad[i], strlen(bad[i]), &c, &arena) != PARSE_BAD)
			fail_msg("taken: %s", bad[i]);
		arena_clear(&arena);
	}
}

static void
test_labels(void **state)
{
	static const struct {
		const char *in, *label;
		bool peek;
	} table[] = {
		{ "a FETCH 1 body.peek[]", "BODY[]", true },
		{ "a FETCH 1 BODY[1.22.header]<7.3>", "BODY[1.22.HEADER]<7>",
		    false },
		{ "a FETCH 1 BODY[HEADER.FIELDS (date \"x y\")]",
		    "BODY[HEADER.FIELDS (date \"x y\")]", false },
		{ "a FETCH 1 rfc822.header", "RFC822.HEADER", true },
		{ "a FETCH 1 BODY[1.MIME]", "BODY[1.MIME]", false },
	};
	struct imap_command c;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct arena arena = { 0 };

		assert_int_equal(parse(table[i].in, strlen(table[i].in), &c,
		    &arena), PARSE_OK);
		assert_true(slice_equal(c.fetch.item[0].label,
		    slice_str(table[i].label)));
		assert_true(c.fetch.item[0].peek == table[i].peek);
		arena_clear(&arena);
	}
}

static void
test_set(void **state)
{
	struct slice in = slice_str("9,3:2,*:4,4,1,20:10,21");
	struct arena arena = { 0 };
	struct set set;

	(void)state;
	assert_true(take_set(&in, &arena, &set));
	assert_true(set_exceeds(&set, 20) && !set_exceeds(&set, 21));
	set_normalise(&set, 6);
	assert_int_equal(set.len, 2);
	assert_int_equal(set.range[0].last, 6);
	assert_int_equal(set.range[1].first, 9);
	arena_clear(&arena);
}

static void
test_partial(void **state)
{
	static const struct {
		const char *range;
		size_t n, from, to;
	} table[] = {
		{ "1:5", 10, 0, 5 }, { "5:1", 10, 0, 5 }, { "8:20", 10, 7, 10 },
		{ "11:20", 10, 0, 0 }, { "-1:-3", 10, 7, 10 },
		{ "-3:-1", 10, 7, 10 }, { "-8:-20", 10, 0, 3 },
		{ "-11:-12", 10, 0, 0 }, { "1:1", 0, 0, 0 }, { "-1:-1", 1, 0, 1 },
		{ "4294967295:1", 3, 0, 3 }, { "-4294967295:-1", 3, 0, 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct slice in = slice_str(table[i].range);
		struct partial p;
		size_t from, to;

		assert_true(take_partial_range(&in, &p) && in.len == 0);
		partial_of(&p, table[i].n, &from, &to);
		assert_int_equal(from, table[i].from);
		assert_int_equal(to, table[i].to);
	}
}

static void
test_search_logic(void **state)
{
	const char *in = "a SEARCH OR SEEN (NOT FLAGGED BODY x) ALL";
	struct arena arena = { 0 };
	struct imap_command c;
	enum truth v[8] = { 0 }, stack[8];

	(void)state;
	assert_int_equal(parse(in, strlen(in), &c, &arena), PARSE_OK);
	/* SEEN FLAGGED NOT BODY AND2 OR ALL AND2 */
	assert_int_equal(c.search.len, 8);
	v[6] = TRUTH_YES;
	v[0] = TRUTH_YES;
	v[3] = TRUTH_UNKNOWN;
	assert_int_equal(search_combine(&c.search, v, stack), TRUTH_YES);
	v[0] = TRUTH_NO;
	assert_int_equal(search_combine(&c.search, v, stack), TRUTH_UNKNOWN);
	v[1] = TRUTH_YES;	/* flagged: the body does not matter */
	assert_int_equal(search_combine(&c.search, v, stack), TRUTH_NO);
	v[1] = TRUTH_NO;
	v[3] = TRUTH_YES;
	assert_int_equal(search_combine(&c.search, v, stack), TRUTH_YES);
	arena_clear(&arena);
}

/* open n times, inner, and close n times. */
static void
nest(const char *open, const char *inner, const char *close, size_t n,
    enum parse want, size_t steps)
{
	size_t size = 16 + n * (strlen(open) + strlen(close)) + strlen(inner);
	char *in = calloc(size, 1), *at;
	struct arena arena = { 0 };
	enum imap_fault fault;
	struct imap_command c;

	assert_non_null(in);
	at = stpcpy(in, "a SEARCH ");
	for (size_t i = 0; i < n; i++)
		at = stpcpy(at, open);
	at = stpcpy(at, inner);
	for (size_t i = 0; i < n; i++)
		at = stpcpy(at, close);
	assert_int_equal(imap_command_parse(slice_str(in), &arena, &c, &fault),
	    want);
	if (want == PARSE_OK)
		assert_int_equal(c.search.len, steps);
	else
		assert_int_equal(fault, IMAP_LIMIT);
	arena_clear(&arena);
	free(in);
}

/* Nesting costs no more than the same criteria side by side. */
static void
test_search_depth(void **state)
{
	(void)state;
	nest("(", "ALL", ")", 10000, PARSE_OK, 10002);
	nest("NOT ", "ALL", "", 10000, PARSE_OK, 10002);
	nest("ALL ", "ALL", "", 10000, PARSE_OK, 10002);
	nest("OR 1 ", "ALL", "", 8000, PARSE_OK, 16002);
	nest("ALL ", "ALL", "", SEARCH_STEPS_MAX - 2, PARSE_OK,
	    SEARCH_STEPS_MAX);
	nest("ALL ", "ALL", "", SEARCH_STEPS_MAX - 1, PARSE_BAD, 0);
	nest("NOT ", "ALL", "", SEARCH_STEPS_MAX, PARSE_BAD, 0);
	nest("(", "ALL", ")", SEARCH_STEPS_MAX, PARSE_BAD, 0);
}

static void
test_literal(void **state)
{
	static const struct {
		const char *line;
		enum parse want;
		uint64_t len;
		bool waits, binary;
	} table[] = {
		{ "a APPEND x ~{5}", PARSE_OK, 5, true, true },
		{ "a APPEND x ~{5+}", PARSE_OK, 5, false, true },
		{ "~{0}", PARSE_OK, 0, true, true },
		{ "a SELECT {5}", PARSE_OK, 5, true, false },
		{ "a SELECT {12+}", PARSE_OK, 12, false, false },
		{ "a SELECT {4294967295}", PARSE_OK, 4294967295U, true, false },
		{ "a SELECT {9223372036854775807}", PARSE_OK,
		    9223372036854775807U, true, false },
		{ "a SELECT {9223372036854775808}", PARSE_BAD, 0, true, false },
		{ "a SELECT {99999999999999999999+}", PARSE_BAD, 0, false, false },
		{ "a SELECT {}", PARSE_MORE, 0, true, false },
		{ "a SELECT 5}", PARSE_MORE, 0, true, false },
		{ "a SELECT {-1}", PARSE_MORE, 0, true, false },
		{ "a SELECT \"{5}\"", PARSE_MORE, 0, true, false },
		{ "}", PARSE_MORE, 0, true, false },
		{ "", PARSE_MORE, 0, true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct literal l;

		assert_int_equal(literal_at_end(slice_str(table[i].line), &l),
		    table[i].want);
		if (table[i].want != PARSE_OK)
			continue;
		assert_true(l.len == table[i].len);
		assert_true(l.waits == table[i].waits);
		assert_true(l.binary == table[i].binary);
	}
}

/* RFC 6855 section 3: literals apart, all of it is UTF-8. */
static void
test_utf8(void **state)
{
	static const struct {
		const char	*command;
		bool		 want;
	} table[] = {
		{ "", true }, { "a NOOP", true },
		{ "a SELECT \"\xc3\xa4\"", true },
		{ "a SELECT \"\xc3\"", false },
		{ "a SELECT {2}\r\n\xff\xfe", true },
		{ "a SELECT {2+}\r\n\xff\xfe \xc3\xa4", true },
		{ "a SELECT {2}\r\n\xff\xfe\xfd", false },
		{ "a APPEND x ~{1}\r\n\x80", true },
		{ "a RENAME {1}\r\n\xff {1+}\n\xfe", true },
		{ "a SELECT \"\xed\xa0\x80\"", false },
		{ "a SELECT {9}\r\n\xff", true },	/* cut off */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_true(command_is_utf8(slice_str(table[i].command)) ==
		    table[i].want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_partial),
		cmocka_unit_test(test_search_logic),
		cmocka_unit_test(test_search_depth),
		cmocka_unit_test(test_literal),
		cmocka_unit_test(test_utf8),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
