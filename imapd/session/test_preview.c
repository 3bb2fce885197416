/* Previews: what is left of text and HTML, cut at any place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/message/charset.h"
#include "imapd/session/preview.h"

static void
test_text(void **state)
{
	static const struct {
		bool		 html;
		const char	*in, *want;
	} table[] = {
		{ false, "", "" }, { false, " \r\n\t a \r\n b\r\n", "a b" },
		{ false, "> old\n>> older\nnew\n > x\n", "new" },
		{ false, "a > b\n", "a > b" },
		{ false, "gr\xc3\xbc\xc3\x9f\xff e\xc3", "gr\xc3\xbc\xc3\x9f e" },
		{ false, "<b>x</b> &amp;", "<b>x</b> &amp;" },
		{ true, "<b>x</b>y &amp; z", "xy & z" },
		{ true, "<p>a</p><p>b<br>c</p>", "a b c" },
		{ true, "<html><head><title>T</title><style>x{}</style></head>"
		    "<body>text<script>if (a<b) x()</script>more", "text more" },
		{ true, "<!-- no > this --> yes <!-- -- -->!", "yes !" },
		{ true, "<a href=\"x>y\" t='>'>link</a>", "link" },
		{ true, "a&nbsp;&nbsp;b&unknown;c&lt;d", "a b c<d" },
		{ true, "AT&T a;", "AT&T a;" }, { true, "a & b", "a & b" },
		{ true, "<STYLE>x</StYlE>y", "y" }, { true, "<", "" },
		{ true, "a < b", "a" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct slice in = slice_str(table[i].in);

		for (size_t cut = 0; cut <= in.len; cut++) {
			struct preview p;

			preview_init(&p, table[i].html);
			preview_feed(&p, slice_of(in.at, cut));
			preview_feed(&p, slice_skip(in, cut));
			if (!slice_equal(slice_of(p.at, p.len),
			    slice_str(table[i].want)))
				fail_msg("%s: %.*s", table[i].in, (int)p.len,
				    p.at);
		}
	}
}

static void
test_limit(void **state)
{
	struct preview p;

	(void)state;
	preview_init(&p, false);
	for (int i = 0; i < 1000; i++)
		preview_feed(&p, slice_str("\xf0\x9f\x98\x80"));
	assert_true(preview_full(&p));
	assert_int_equal(p.len, PREVIEW_MAX);
	preview_init(&p, true);
	for (int i = 0; i < 150; i++)
		preview_feed(&p, slice_str("<p>a"));
	assert_true(preview_full(&p) && p.characters == PREVIEW_CHARACTERS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
