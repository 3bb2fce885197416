/* LIST's arguments, its wildcards and their cost, and the tree of names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mailbox/mailbox.h"
#include "imapd/session/folder_tree.h"
#include "imapd/session/list_arguments.h"
#include "imapd/session/pattern.h"

static void
test_pattern(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool want;
	} table[] = {
		{ "*", "a.b.c", true }, { "%", "a.b", false },
		{ "%", "a", true }, { "%.%", "a.b", true },
		{ "%.b", "a.b", true }, { "*b", "a.b", true },
		{ "a*", "a", true }, { "a*c%e", "abcde", true },
		{ "a*c%e", "abcd.e", false }, { "%x.%c", "1x.2x.3c", false },
		{ "*x.%c", "1x.2x.3c", true }, { "inbox", "INBOX", true },
		{ "i*", "INBOX", true }, { "inboxes", "INBOX", false },
		{ "A", "a", false }, { "", "a", false }, { "*%*%", "a.b", true },
		{ "%*", "a.b", true }, { "*.", "a.", true },
		{ "InBoX", "INBOX", true }, { "InBoX", "INBOX.a", false },
		{ "", "", true }, { "*", "", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct pattern p;

		assert_int_equal(pattern_make(slice_str(""),
		    slice_str(table[i].pattern), &p), PARSE_OK);
		if (pattern_matches(&p, slice_str(table[i].name), '.', NULL) !=
		    table[i].want)
			fail_msg("%s %s", table[i].pattern, table[i].name);
	}
}

/* A carry from word to word: 130 octets exactly, and one more or less. */
static void
test_pattern_words(void **state)
{
	char text[PATTERN_MAX + 2], name[200];
	struct pattern p;

	(void)state;
	memset(name, 'x', sizeof(name));
	for (size_t n = 60; n < 140; n++) {
		assert_int_equal(pattern_make(slice_of(name, n),
		    slice_str("*x"), &p), PARSE_OK);
		assert_false(pattern_matches(&p, slice_of(name, n), '.', NULL));
		assert_true(pattern_matches(&p, slice_of(name, n + 1), '.',
		    NULL));
		assert_true(pattern_matches(&p, slice_of(name, 199), '.', NULL));
	}
	memset(text, 'y', sizeof(text));
	assert_int_equal(pattern_make(slice_of(text, PATTERN_MAX),
	    slice_str(""), &p), PARSE_OK);
	assert_true(pattern_matches(&p, slice_of(text, PATTERN_MAX), '.', NULL));
	assert_int_equal(pattern_make(slice_of(text, PATTERN_MAX),
	    slice_str("y"), &p), PARSE_BAD);
}

/* ATTACKS' *%*%*%: twice the name, or twice the pattern, is twice the work. */
static uint64_t
work(size_t name_len, size_t stars)
{
	char text[PATTERN_MAX + 1], *name = malloc(name_len);
	struct pattern p;
	uint64_t steps = 0;

	for (size_t i = 0; i < stars; i++)
		memcpy(text + 2 * i, i % 2 == 0 ? "*a" : "%a", 2);
	text[2 * stars] = 'b';
	memset(name, 'a', name_len);
	assert_int_equal(pattern_make(slice_str(""),
	    slice_of(text, 2 * stars + 1), &p), PARSE_OK);
	assert_false(pattern_matches(&p, slice_of(name, name_len), '.',
	    &steps));
	free(name);
	return steps;
}

static void
test_pattern_growth(void **state)
{
	(void)state;
	assert_true(work(20000, 100) <= 2 * work(10000, 100));
	assert_true(work(10000, 200) <= 2 * work(10000, 100));
	assert_true(work(240, 250) <= 240 * PATTERN_WORDS);
}

/* ---- the tree ---- */

static char
letter_of(const struct folder_node *n)
{
	return n->is & NODE_EXISTS ? 'e' : n->is & NODE_SUBSCRIBED ? 's' : '-';
}

static void
expect_tree(const struct folder_tree *t, const char *want)
{
	char got[1024] = "";

	for (size_t i = 0; i < t->len; i++) {
		const struct folder_node *n = &t->node[i];
		size_t at = strlen(got);

		snprintf(got + at, sizeof(got) - at, "%s%.*s:%c%s",
		    i > 0 ? " " : "", n->len, n->at, letter_of(n),
		    n->is & NODE_HAS_CHILDREN ? "+" : "");
	}
	assert_string_equal(got, want);
}

static void
add(struct folder_tree *t, const char *name, uint8_t is)
{
	assert_int_equal(folder_tree_add(t, slice_str(name), is), 0);
}

static void
test_tree(void **state)
{
	struct folder_tree t = { .separator = '.' };

	(void)state;
	assert_int_equal(folder_tree_build(&t), 0);
	assert_int_equal(t.len, 0);
	add(&t, "z.y.x", NODE_SUBSCRIBED);
	add(&t, "a", NODE_EXISTS);
	add(&t, "a!", NODE_EXISTS);
	add(&t, "a.b", NODE_EXISTS);
	add(&t, "INBOX.k", NODE_EXISTS);
	add(&t, "INBOX", NODE_EXISTS);
	add(&t, "a", NODE_SUBSCRIBED);
	add(&t, "m.n.o", NODE_EXISTS);
	add(&t, "m.n.p", NODE_EXISTS);
	assert_int_equal(folder_tree_build(&t), 0);
	expect_tree(&t, "INBOX:e+ INBOX.k:e a:e+ a.b:e a!:e m:-+ m.n:-+ "
	    "m.n.o:e m.n.p:e z:- z.y:- z.y.x:s");
	assert_true(t.node[2].is & NODE_SUBSCRIBED);
	for (size_t i = 0; i < t.len; i++)
		if (t.node[i].is & NODE_SUBSCRIBED)
			t.node[i].is |= NODE_CHOSEN;
	t.node[9].is |= NODE_MATCHES;
	folder_tree_choose(&t);
	assert_true(t.node[9].is & NODE_UNSEEN_BELOW);
	assert_true(t.node[10].is & NODE_CHOSEN_BELOW);
	assert_false(t.node[2].is & NODE_CHOSEN_BELOW);
	t.node[11].is |= NODE_MATCHES;
	for (size_t i = 0; i < t.len; i++)
		t.node[i].is &= (uint8_t)~NODE_UNSEEN_BELOW;
	folder_tree_choose(&t);
	assert_false(t.node[9].is & NODE_UNSEEN_BELOW);
	folder_tree_clear(&t);
}

/* ---- arguments ---- */

static bool
parse(const char *text, bool extended, struct list_arguments *a)
{
	struct slice in = slice_str(text);
	struct arena arena = { 0 };
	bool ok = take_list_arguments(&in, &arena, extended, a) && in.len == 0;

	arena_clear(&arena);
	return ok;
}

static void
test_arguments(void **state)
{
	static const char *const bad[] = { "", "\"\"", "() \"\"", "\"\" ()",
		"(RECURSIVEMATCH) \"\" *", "(REMOTE RECURSIVEMATCH) \"\" *",
		"(FOO) \"\" *", "\"\" * RETURN", "\"\" * RETURN (FOO)",
		"\"\" * RETURN (STATUS)", "\"\" * RETURN (STATUS ())",
		"\"\" (a b", "\"\" * (CHILDREN)", "(SUBSCRIBED \"\" *",
		"\"\" *RETURN ()" };
	struct list_arguments a;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i], true, &a))
			fail_msg("taken: %s", bad[i]);
	assert_true(parse("\"\" *", true, &a));
	assert_true(!a.extended && a.patterns == 1 && a.select == 0);
	assert_true(parse("() \"\" *", true, &a) && a.extended);
	assert_true(parse("\"\" (INBOX \"a b\" %) return ()", true, &a));
	assert_true(a.extended && a.patterns == 3);
	assert_true(parse("(subscribed RECURSIVEMATCH remote SUBSCRIBED) \"\" *",
	    true, &a));
	assert_int_equal(a.select, LIST_SELECT_SUBSCRIBED |
	    LIST_SELECT_RECURSIVEMATCH | LIST_SELECT_REMOTE);
	assert_true(parse("\"\" % RETURN (CHILDREN STATUS (MESSAGES UNSEEN) "
	    "SPECIAL-USE)", true, &a));
	assert_int_equal(a.status, STATUS_MESSAGES | STATUS_UNSEEN);
	assert_int_equal(a.give, LIST_RETURN_CHILDREN | LIST_RETURN_STATUS |
	    LIST_RETURN_SPECIAL_USE);
	/* LSUB has none of it */
	assert_true(parse("\"\" *", false, &a));
	assert_false(parse("() \"\" *", false, &a));
	assert_false(parse("\"\" (a b)", false, &a));
	assert_false(parse("\"\" * RETURN ()", false, &a));
}

static void
test_create_uses(void **state)
{
	static const struct {
		const char	*text;
		bool		 good;
		unsigned	 uses;
		bool		 unknown;
	} table[] = {
		{ "", true, 0, false }, { " (USE ())", true, 0, false },
		{ " (USE (\\Sent))", true, SPECIAL_USE_SENT, false },
		{ " (use (\\drafts \\TRASH))", true,
		    SPECIAL_USE_DRAFTS | SPECIAL_USE_TRASH, false },
		{ " (USE (\\All))", true, SPECIAL_USE_ALL, false },
		{ " (USE (\\Junk \\Mine))", true, SPECIAL_USE_JUNK, true },
		{ " (USE)", false, 0, false }, { " ()", false, 0, false },
		{ " (USE (Sent))", false, 0, false },
		{ " (USE (\\Sent)", false, 0, false }, { "x", false, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct slice in = slice_str(table[i].text);
		unsigned uses;
		bool unknown;
		bool good = take_create_uses(&in, &uses, &unknown) &&
		    in.len == 0;

		if (good != table[i].good)
			fail_msg("%s", table[i].text);
		if (good)
			assert_true(uses == table[i].uses &&
			    unknown == table[i].unknown);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pattern),
		cmocka_unit_test(test_pattern_words),
		cmocka_unit_test(test_pattern_growth),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_create_uses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
