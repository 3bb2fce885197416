/* Character sets: names, characters, and texts cut at every octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/message/charset.h"

static const struct {
	const char	*charset, *in, *want;
} rows[] = {
	{ "us-ascii", "a\xe4", "a\xe4" }, { "utf-8", "\xc3\xa4", "\xc3\xa4" },
	{ "unheard-of", "\xff", "\xff" }, { "latin1", "\xe4\x80", "ä€" },
	{ "ISO-8859-2", "\xb3\xf3\xbf", "łóż" },
	{ "iso-8859-5", "\xbf\xe0\xd8", "При" },
	{ "iso-8859-7", "\xe1\xe2", "αβ" }, { "iso-8859-8-i", "\xf9", "ש" },
	{ "iso-8859-15", "\xa4", "€" }, { "windows-1250", "\x9e", "ž" },
	{ "cp1251", "\xcf\xf0\xe8", "При" }, { "KOI8-R", "\xf0\xd2\xc9", "При" },
	{ "koi8-u", "\xa4", "є" }, { "cp866", "\x8f\xe0\xa8", "При" },
	{ "windows-1252", "\x80\x81", "€\xef\xbf\xbd" },
	{ "tis-620", "\xa1\xd2", "กา" }, { "macintosh", "\x8a", "ä" },
	{ "gb2312", "\xc4\xe3\xba\xc3", "你好" }, { "gbk", "\x81\x40", "丂" },
	{ "GB18030", "\x81\x30\x84\x36", "\xc2\xa5" },
	{ "GB18030", "\x90\x30\x81\x30", "\xf0\x90\x80\x80" },
	{ "GB18030", "\x81\x30!", "\xef\xbf\xbd" "0!" },
	{ "big5", "\xa7\x41\xa6\x6e", "你好" },
	{ "euc-kr", "\xbe\xc8\xb3\xe7", "안녕" }, { "ks_c_5601-1987", "\xb0\xa1", "가" },
	{ "cp949", "\x81\x41", "갂" },
	{ "Shift_JIS", "\x93\xfa\x96\x7b", "日本" }, { "sjis", "\xb1\xb2", "ｱｲ" },
	{ "sjis", "\x83\x5c\x87\x40", "ソ①" },
	{ "euc-jp", "\xc6\xfc\xcb\xdc", "日本" }, { "euc-jp", "\x8e\xb1", "ｱ" },
	{ "ISO-2022-JP", "a\x1b$BF|K\\\x1b(Bb", "a日本b" },
	{ "iso-2022-jp", "\x1b(I12\x1b(J~", "ｱｲ~" },
	{ "iso-2022-jp", "\x1b$BF|\nF", "日\nF" },
	{ "iso-2022-jp", "\x1b$BF", "\xef\xbf\xbd" },
	{ "iso-2022-jp", "\x1b*x", "\xef\xbf\xbdx" },
	{ "utf-7", "A+ImIDkQ.", "A≢Α." }, { "utf-7", "Hi Mom +Jjo--!", "Hi Mom ☺-!" },
	{ "utf-7", "+ZeVnLIqe-", "日本語" }, { "utf-7", "a+-b", "a+b" },
	{ "utf-7", "+2D3eAA-", "\xf0\x9f\x98\x80" },
	{ "utf-7", "+2D0-", "\xef\xbf\xbd" },
	/* a pair cut off by ASCII, and by the end */
	{ "gbk", "\xc4" "A\xc4", "腁\xef\xbf\xbd" },
	{ "euc-kr", "\xff\xbe", "\xef\xbf\xbd\xef\xbf\xbd" },
	{ "euc-jp", "\xc6" "a", "\xef\xbf\xbd" "a" },
	{ "big5", "\xa7\x20x", "\xef\xbf\xbd x" },
};

static void
test_decode(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct charset *cs = charset_of(slice_str(rows[i].charset));
		struct slice in = slice_str(rows[i].in);

		for (size_t cut = 0; cut <= in.len; cut++) {
			struct charset_state st = { 0 };
			char got[256];
			struct text t = text_in(got, CHARSET_ROOM(in.len));

			charset_decode(cs, &st, slice_of(in.at, cut), &t);
			charset_decode(cs, &st, slice_skip(in, cut), &t);
			charset_finish(cs, &st, &t);
			assert_false(t.cut);
			if (!slice_equal(text_since(&t, 0),
			    slice_str(rows[i].want)))
				fail_msg("%zu %s: %.*s, not %s", i,
				    rows[i].charset, (int)t.len, got,
				    rows[i].want);
		}
	}
}

static void
test_names(void **state)
{
	(void)state;
	for (size_t i = 0; charset_name(i) != NULL; i++)
		assert_non_null(charset_of(slice_str(charset_name(i))));
	assert_ptr_equal(charset_of(slice_str("CP1252")),
	    charset_of(slice_str("windows-1252")));
	assert_ptr_equal(charset_of(slice_str("ascii")),
	    charset_of(slice_str("US-ASCII")));
	assert_ptr_equal(charset_of(slice_str("us")),
	    charset_of(slice_str("US-ASCII")));
	assert_null(charset_of(slice_str("")));
	assert_null(charset_of(slice_str(" ")));
	assert_null(charset_of(slice_str("latin")));
	assert_null(charset_of(slice_str("utf8 ")));
}

/* Every octet, pair and triple of each set gives well-formed UTF-8. */
static void
test_all(void **state)
{
	char in[3], got[CHARSET_ROOM(3)];

	(void)state;
	for (size_t i = 2; charset_name(i) != NULL; i++)
		for (unsigned n = 0; n < 1U << 18; n++) {
			const struct charset *cs =
			    charset_of(slice_str(charset_name(i)));
			struct charset_state st = { 0 };
			struct text t = text_in(got, sizeof(got));

			in[0] = (char)n;
			in[1] = (char)(n >> 8);
			in[2] = "A\x81\xfe\x30"[n >> 16];
			charset_decode(cs, &st, slice_of(in, 3), &t);
			charset_finish(cs, &st, &t);
			assert_false(t.cut);
			assert_true(utf8_is_valid(text_since(&t, 0)));
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
