/* What the lines of a .forward file mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "local-delivery/runner/forward_file.h"

struct expected {
	enum forward_kind kind;
	unsigned	 line;
	const char	*text;
};

static void
expect(const char *file, const struct expected *want, size_t n)
{
	struct forward_reader *r = malloc(sizeof(*r));
	struct forward_target t;

	forward_reader_init(r, slice_str(file));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(forward_next(r, &t), FORWARD_TARGET);
		assert_int_equal(t.kind, want[i].kind);
		assert_int_equal(t.line, want[i].line);
		if (!slice_equal(t.text, slice_str(want[i].text)))
			fail_msg("\"%.*s\", not \"%s\"", (int)t.text.len,
			    t.text.at, want[i].text);
	}
	assert_int_equal(forward_next(r, &t), FORWARD_END);
	free(r);
}

#define EXPECT(file, ...) do {						\
	const struct expected want[] = { __VA_ARGS__ };			\
	expect(file, want, sizeof(want) / sizeof(want[0]));		\
} while (0)

static void
kinds(void **state)
{
	(void)state;
	EXPECT("alice@example.com\n",
	    { FORWARD_ADDRESS, 1, "alice@example.com" });
	EXPECT("\\alice, bob\n# no, not this\n\n  carol",
	    { FORWARD_OWN, 1, "alice" }, { FORWARD_ADDRESS, 1, "bob" },
	    { FORWARD_ADDRESS, 4, "carol" });
	EXPECT("/home/a/mbox\r\n~/box\r\n",
	    { FORWARD_MBOX, 1, "/home/a/mbox" }, { FORWARD_MBOX, 2, "~/box" });
	EXPECT(":include:/home/a/list,:INCLUDE: /b",
	    { FORWARD_INCLUDE, 1, "/home/a/list" },
	    { FORWARD_INCLUDE, 1, "/b" });
	expect("", NULL, 0);
	expect(" \n,\n# x\n", NULL, 0);
}

static void
programs(void **state)
{
	(void)state;
	EXPECT("|/bin/a -x y\n\"|/bin/b 'one, two' \\\"z\\\"\"\n",
	    { FORWARD_PROGRAM, 1, "/bin/a -x y" },
	    { FORWARD_PROGRAM, 2, "/bin/b 'one, two' \"z\"" });
	EXPECT("|\"/bin/a, b\", c",
	    { FORWARD_PROGRAM, 1, "/bin/a, b" }, { FORWARD_ADDRESS, 1, "c" });
	EXPECT("|/bin/a \"b c\"", { FORWARD_PROGRAM, 1, "/bin/a \"b c\"" });
	EXPECT("|/bin/a \\\"b", { FORWARD_PROGRAM, 1, "/bin/a \\\"b" });
}

static void
addresses(void **state)
{
	(void)state;
	EXPECT("\"Last, First\" <a@example.org>, \"b, c\"@example.org",
	    { FORWARD_ADDRESS, 1, "\"Last, First\" <a@example.org>" },
	    { FORWARD_ADDRESS, 1, "\"b, c\"@example.org" });
	EXPECT("\"a\\\"b\"@example.org",
	    { FORWARD_ADDRESS, 1, "\"a\\\"b\"@example.org" });
}

static void
wrong(void **state)
{
	static const struct {
		const char	*file;
		unsigned	 line;
	} rows[] = {
		{ "\"|/bin/a", 1 }, { "a\n\"|/bin/a\nb\"", 2 }, { "|", 1 },
		{ "\\", 1 }, { ":include:", 1 }, { "a\001b", 1 },
		{ "\"|a\" b", 1 }, { "a\rb", 1 }, { "\n\n\"a", 3 },
		{ "\"\"", 1 }, { "a \"b\nc\" d", 1 }, { "a\177", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct forward_reader *r = malloc(sizeof(*r));
		enum forward_step step;
		struct forward_target t;

		forward_reader_init(r, slice_str(rows[i].file));
		while ((step = forward_next(r, &t)) == FORWARD_TARGET)
			;
		if (step != FORWARD_BAD || r->line != rows[i].line ||
		    r->why == NULL)
			fail_msg("%zu: %d at %u", i, step, r->line);
		free(r);
	}
}

static void
too_long(void **state)
{
	static char text[FORWARD_TEXT_MAX + 2];
	struct forward_reader *r = malloc(sizeof(*r));
	struct forward_target t;

	(void)state;
	memset(text, 'a', FORWARD_TEXT_MAX);
	forward_reader_init(r, slice_str(text));
	assert_int_equal(forward_next(r, &t), FORWARD_TARGET);
	text[FORWARD_TEXT_MAX] = 'a';
	forward_reader_init(r, slice_str(text));
	assert_int_equal(forward_next(r, &t), FORWARD_BAD);
	free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds), cmocka_unit_test(programs),
		cmocka_unit_test(addresses), cmocka_unit_test(wrong),
		cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
