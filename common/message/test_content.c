/* RFC 2045, RFC 2183 and RFC 2231 examples; 100 parameters and no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "common/message/content.h"

static void
show(const char *in, char *out, size_t size)
{
	size_t room = strlen(in) * 4 + 1, n;
	char *scratch = malloc(room);
	struct text t = text_in(scratch, room);
	struct content *c = malloc(sizeof(*c));

	if (content_parse(slice_str(in), &t, c, NULL) != PARSE_OK)
		snprintf(out, size, "BAD");
	else {
		n = (size_t)snprintf(out, size, "%.*s/%.*s", (int)c->type.len,
		    c->type.at, (int)c->subtype.len,
		    c->subtype.at == NULL ? "" : c->subtype.at);
		for (size_t i = 0; i < c->params_len; i++)
			n += (size_t)snprintf(out + n, size - n, "|%.*s=%.*s",
			    (int)c->params[i].name.len, c->params[i].name.at,
			    (int)c->params[i].value.len, c->params[i].value.at);
	}
	assert_false(t.cut);
	free(scratch);
	free(c);
}

static void
test_examples(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ " text/plain; charset=us-ascii (Plain text)",
		    "text/plain|charset=us-ascii" },
		{ "text/plain; charset=\"us-ascii\"",
		    "text/plain|charset=us-ascii" },
		{ "multipart/mixed;\r\n\tboundary=gc0pJq0M:08jU534c0p",
		    "multipart/mixed|boundary=gc0pJq0M:08jU534c0p" },
		{ "Text / Plain (c) ; A = b;c=\"d\\\"e\" ; ;=x; y; z=",
		    "Text/Plain|A=b|c=d\"e|z=" },
		{ "attachment; filename=genome.jpeg;\r\n modification-date="
		  "\"Wed, 12 Feb 1997 16:29:51 -0500\"",
		    "attachment/|filename=genome.jpeg|modification-date="
		    "Wed, 12 Feb 1997 16:29:51 -0500" },
		/* RFC 2231 sections 3 and 4 */
		{ "message/external-body; access-type=URL; URL*0=\"ftp://\";\r\n"
		  " URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
		    "message/external-body|access-type=URL|URL=ftp://"
		    "cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar" },
		{ "application/x-stuff; title*=us-ascii'en-us'This%20is%20"
		  "%2A%2A%2Afun%2A%2A%2A",
		    "application/x-stuff|title*=us-ascii'en-us'This%20is%20"
		    "%2A%2A%2Afun%2A%2A%2A" },
		{ "application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20"
		  "more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; "
		  "title*2=\"isn't it!\"",
		    "application/x-stuff|title*=us-ascii'en'This%20is%20even%20"
		    "more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it!" },
		{ "a/b; n*1=two; x=y; n*0=one; n*3=lost",
		    "a/b|x=y|n=onetwo" },
		{ "a/b; n*1=lost", "a/b" },
		{ "a/b; *=1; **=2; n*x=3", "a/b|*=1|**=2|n*x=3" },
		{ "a/b; name=two words.pdf; x=1", "a/b|name=two|x=1" },
		{ "a/b; name=\"never closed; x=1", "a/b|name=never closed; x=1" },
		{ "text", "text/" }, { "", "BAD" }, { "/plain", "BAD" },
		{ "(((", "BAD" },
	};
	char got[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		show(rows[i].in, got, sizeof(got));
		assert_string_equal(got, rows[i].want);
	}
}

/* steps for a field of n times the shape */
static size_t
work(const char *shape, size_t n, size_t *params)
{
	size_t one = strlen(shape), len = 3 + n * one, steps = 0;
	char *in = malloc(len), *scratch = malloc(len * 4);
	struct text t = text_in(scratch, len * 4);
	struct content *c = malloc(sizeof(*c));

	memcpy(in, "a/b", 3);
	for (size_t i = 0; i < n; i++)
		memcpy(in + 3 + i * one, shape, one);
	content_parse(slice_of(in, len), &t, c, &steps);
	*params = c->params_len;
	free(in);
	free(scratch);
	free(c);
	return steps;
}

static void
test_linear_and_limited(void **state)
{
	static const char *const shapes[] = { ";", "(", ";a=\"", ";a=(",
		";*", "\"", ";\"", ";a=b", ";x*0=y", ";x*1*=y", "\\" };
	size_t params;

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		size_t one = work(shapes[i], 20000, &params);
		assert_true(one <= 3 + 20000 * strlen(shapes[i]));
		assert_true(work(shapes[i], 40000, &params) <= 2 * one + 3);
		assert_true(params <= CONTENT_PARAMS_MAX);
	}
	work(";a=b", CONTENT_PARAMS_MAX + 1, &params);
	assert_int_equal(params, CONTENT_PARAMS_MAX);
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
