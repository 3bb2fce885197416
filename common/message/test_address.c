/* RFC 5322 appendix A, what real programs write, and linear work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "common/message/address.h"

static void
show_part(char *out, size_t size, struct slice s)
{
	size_t n = strlen(out);

	if (s.at == NULL)
		snprintf(out + n, size - n, "NIL|");
	else
		snprintf(out + n, size - n, "%.*s|", (int)s.len, s.at);
}

/* "name|route|mailbox|domain|" for each, {name| and } around groups */
static void
show(const char *in, char *out, size_t size)
{
	struct slice body = slice_str(in);
	char *scratch = malloc(body.len + 1);
	struct address_list l;
	struct address a;
	enum address_kind k;

	out[0] = '\0';
	address_list_init(&l, body, scratch, body.len);
	while ((k = address_next(&l, &a)) != ADDRESS_END) {
		if (k == ADDRESS_GROUP_END) {
			strncat(out, "}", size - strlen(out) - 1);
			continue;
		}
		if (k == ADDRESS_GROUP)
			strncat(out, "{", size - strlen(out) - 1);
		show_part(out, size, a.name);
		if (k == ADDRESS_GROUP)
			continue;
		show_part(out, size, a.route);
		show_part(out, size, a.mailbox);
		show_part(out, size, a.domain);
	}
	assert_false(l.scratch.cut);
	free(scratch);
}

static void
test_examples(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		/* RFC 5322 appendix A.1 */
		{ "John Doe <jdoe@machine.example>",
		    "John Doe|NIL|jdoe|machine.example|" },
		{ "\"Joe Q. Public\" <john.q.public@example.com>",
		    "Joe Q. Public|NIL|john.q.public|example.com|" },
		{ "Mary Smith <mary@x.test>, jdoe@example.org, "
		  "Who? <one@y.test>",
		    "Mary Smith|NIL|mary|x.test|NIL|NIL|jdoe|example.org|"
		    "Who?|NIL|one|y.test|" },
		{ "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" "
		  "<sysservices@example.net>",
		    "NIL|NIL|boss|nil.test|Giant; \"Big\" Box|NIL|sysservices|"
		    "example.net|" },
		{ "A Group:Ed Jones <c@a.test>,joe@where.test,"
		  "John <jdoe@one.test>;",
		    "{A Group|Ed Jones|NIL|c|a.test|NIL|NIL|joe|where.test|"
		    "John|NIL|jdoe|one.test|}" },
		{ "Undisclosed recipients:;", "{Undisclosed recipients|}" },
		/* appendix A.5: comments and white space */
		{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
		    "Pete|NIL|pete|silly.test|" },
		{ "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)"
		  "public.example>,\r\n     joe@example.org,\r\n  John "
		  "<jdoe@one.test> (my dear friend); (the end of the group)",
		    "{A Group|Chris Jones|NIL|c|public.example|NIL|NIL|joe|"
		    "example.org|John|NIL|jdoe|one.test|}" },
		{ "(Empty list)(start)Hidden recipients  :(nobody(that I know))"
		  "  ;", "{Hidden recipients|}" },
		/* appendix A.6.1 */
		{ "Joe Q. Public <john.q.public@example.com>",
		    "Joe Q. Public|NIL|john.q.public|example.com|" },
		{ "Mary Smith <@node.test:mary@example.net>, , "
		  "jdoe@test   . example",
		    "Mary Smith|@node.test|mary|example.net|NIL|NIL|jdoe|"
		    "test.example|" },
		{ "X <@a.test,@b.test:x@c.test>", "X|@a.test,@b.test|x|c.test|" },
		{ "bob . smith @ example.org (Bob)",
		    "Bob|NIL|bob.smith|example.org|" },
		{ "\"a b\"@[192.0.2.1]", "NIL|NIL|a b|[192.0.2.1]|" },
		{ "jdoe", "NIL|NIL|jdoe||" },
		{ "<>", "NIL|NIL|||" },
		{ "", "" }, { ",,;;:::", "" }, { ")>]", "" },
		{ "((((((", "" }, { "\"never", "NIL|NIL|never||" },
		{ "a <b@c.test, d@e.test", "a|NIL|b|c.test|NIL|NIL|d|e.test|" },
		{ "g: a@b.test", "{g|NIL|NIL|a|b.test|}" },
		{ "J\xc3\xb6rg <j@x.test>", "J\xc3\xb6rg|NIL|j|x.test|" },
	};
	char got[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		show(rows[i].in, got, sizeof(got));
		assert_string_equal(got, rows[i].want);
	}
}

static size_t
work(const char *shape, size_t times, unsigned *count)
{
	size_t len = strlen(shape) * times;
	char *in = malloc(len + 1), *scratch = malloc(len + 1);
	struct address_list l;
	struct address a;
	size_t steps;

	for (size_t i = 0; i < times; i++)
		memcpy(in + i * strlen(shape), shape, strlen(shape));
	address_list_init(&l, slice_of(in, len), scratch, len);
	while (address_next(&l, &a) != ADDRESS_END)
		;
	steps = l.in.steps;
	*count = l.count;
	free(in);
	free(scratch);
	return steps;
}

static void
test_linear_and_limited(void **state)
{
	static const char *const shapes[] = { "(", "()", "(\\", "\"", "\"\" ",
		"<", "<@", "a:", "a@", "@,", "a.", "a ", ".(", "[", "a@[",
		"<a@b>", "\\", ":;", "a\r\n b", "=?" };
	unsigned count;

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		size_t one = work(shapes[i], 20000, &count);
		assert_true(count <= ADDRESS_LIST_MAX);
		assert_true(work(shapes[i], 40000, &count) <= 2 * one + 16);
		assert_true(one <= 20000 * strlen(shapes[i]) + 16);
	}
	work("a@b.test, ", ADDRESS_LIST_MAX + 1, &count);
	assert_int_equal(count, ADDRESS_LIST_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_linear_and_limited),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
