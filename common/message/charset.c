#include "common/message/charset.h"

#include "common/message/charset_private.h"

/* The order of charset_single. */
enum single {
	TABLE_8859_1, TABLE_8859_2, TABLE_8859_3, TABLE_8859_4, TABLE_8859_5,
	TABLE_8859_6, TABLE_8859_7, TABLE_8859_8, TABLE_8859_9, TABLE_8859_10,
	TABLE_8859_13, TABLE_8859_14, TABLE_8859_15, TABLE_8859_16,
	TABLE_1250, TABLE_1251, TABLE_1252, TABLE_1253, TABLE_1254, TABLE_1255,
	TABLE_1256, TABLE_1257, TABLE_1258, TABLE_KOI8_R, TABLE_KOI8_U,
	TABLE_866, TABLE_437, TABLE_850, TABLE_852, TABLE_874, TABLE_MACINTOSH
};

#define SINGLE(name, aliases, table) \
	{ name, " " aliases " ", charset_take_single, NULL, TABLE_##table }
#define PAIRS(name, aliases, take) \
	{ name, " " aliases " ", charset_take_##take, NULL, 0 }
#define MODES(name, aliases, octet) \
	{ name, " " aliases " ", NULL, charset_octet_##octet, 0 }
#define PLAIN(name, aliases) { name, " " aliases " ", NULL, NULL, 0 }

static const struct charset charsets[] = {
	PLAIN("US-ASCII", "ascii ansi_x3.4-1968 iso-ir-6 us"),
	PLAIN("UTF-8", "utf8 unicode-1-1-utf-8"),
	SINGLE("ISO-8859-1", "latin1 l1 iso_8859-1 iso8859-1 cp819", 8859_1),
	SINGLE("ISO-8859-2", "latin2 l2 iso_8859-2 iso8859-2", 8859_2),
	SINGLE("ISO-8859-3", "latin3 l3 iso_8859-3 iso8859-3", 8859_3),
	SINGLE("ISO-8859-4", "latin4 l4 iso_8859-4 iso8859-4", 8859_4),
	SINGLE("ISO-8859-5", "cyrillic iso_8859-5 iso8859-5", 8859_5),
	SINGLE("ISO-8859-6",
	    "arabic iso_8859-6 iso8859-6 iso-8859-6-i iso-8859-6-e", 8859_6),
	SINGLE("ISO-8859-7", "greek iso_8859-7 iso8859-7", 8859_7),
	SINGLE("ISO-8859-8",
	    "hebrew iso_8859-8 iso8859-8 iso-8859-8-i iso-8859-8-e", 8859_8),
	SINGLE("ISO-8859-9", "latin5 l5 iso_8859-9 iso8859-9", 8859_9),
	SINGLE("ISO-8859-10", "latin6 iso8859-10", 8859_10),
	SINGLE("ISO-8859-13", "latin7 iso8859-13", 8859_13),
	SINGLE("ISO-8859-14", "latin8 iso8859-14", 8859_14),
	SINGLE("ISO-8859-15", "latin9 latin-9 iso8859-15 iso_8859-15", 8859_15),
	SINGLE("ISO-8859-16", "latin10 iso8859-16", 8859_16),
	SINGLE("windows-1250", "cp1250 x-cp1250", 1250),
	SINGLE("windows-1251", "cp1251 x-cp1251", 1251),
	SINGLE("windows-1252", "cp1252 x-cp1252 x-ansi", 1252),
	SINGLE("windows-1253", "cp1253", 1253),
	SINGLE("windows-1254", "cp1254", 1254),
	SINGLE("windows-1255", "cp1255", 1255),
	SINGLE("windows-1256", "cp1256", 1256),
	SINGLE("windows-1257", "cp1257", 1257),
	SINGLE("windows-1258", "cp1258", 1258),
	SINGLE("KOI8-R", "koi8 cskoi8r", KOI8_R),
	SINGLE("KOI8-U", "koi8-ru", KOI8_U),
	SINGLE("IBM866", "cp866 866", 866),
	SINGLE("IBM437", "cp437 437", 437),
	SINGLE("IBM850", "cp850 850", 850),
	SINGLE("IBM852", "cp852 852", 852),
	SINGLE("TIS-620", "windows-874 cp874 iso-8859-11 iso8859-11", 874),
	SINGLE("macintosh", "mac x-mac-roman", MACINTOSH),
	PAIRS("GB18030", "gb-18030", gb18030),
	PAIRS("GBK", "cp936 windows-936 x-gbk", gb18030),
	PAIRS("GB2312", "gb_2312 gb2312-80 gb_2312-80 euc-cn csgb2312 x-euc-cn",
	    gb18030),
	PAIRS("Big5", "big-5 cp950 x-x-big5 big5-hkscs csbig5", big5),
	PAIRS("EUC-KR", "ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 cp949 "
			"uhc windows-949 korean", korean),
	PAIRS("Shift_JIS", "shift-jis sjis x-sjis ms_kanji cp932 windows-31j "
			   "csshiftjis", shift_jis),
	PAIRS("EUC-JP", "x-euc-jp eucjp", euc_jp),
	MODES("ISO-2022-JP", "csiso2022jp iso-2022-jp-1 iso-2022-jp-2 "
			     "iso-2022-jp-ms cp50220", iso_2022_jp),
	MODES("UTF-7", "unicode-1-1-utf-7 csutf7", utf_7),
};

enum { COUNT = sizeof(charsets) / sizeof(charsets[0]) };

static bool
is_alias(const char *aliases, struct slice name)
{
	for (const char *at = aliases + 1; *at != '\0'; at++) {
		size_t n = strcspn(at, " ");

		if (slice_equal_nocase(name, slice_of(at, n)))
			return true;
		at += n;
	}
	return false;
}

const struct charset *
charset_of(struct slice name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (slice_equal_nocase(name, slice_str(charsets[i].name)) ||
		    is_alias(charsets[i].aliases, name))
			return &charsets[i];
	return NULL;
}

const char *
charset_name(size_t n)
{
	return n < COUNT ? charsets[n].name : NULL;
}

void
charset_put(uint32_t c, struct text *out)
{
	char utf8[4];

	text_add(out, slice_of(utf8, utf8_put(c, utf8)));
}

/* ASCII in between is most of it. */
static size_t
ascii_len(struct slice in)
{
	size_t n = 0;

	while (n < in.len && (signed char)in.at[n] >= 0)
		n++;
	return n;
}

/*
 * One character of what is held, if it is whole.  An octet that was taken for
 * the second of a pair, and is none, may be ASCII by itself.
 */
static bool
take_held(const struct charset *cs, struct charset_state *st,
    struct text *out)
{
	uint32_t c = st->held[0];
	size_t n = c < 0x80 ? 1 : cs->take(cs, st->held, st->held_len, &c);

	if (n == 0)
		return false;
	charset_put(c, out);
	st->held_len = (uint8_t)(st->held_len - n);
	memmove(st->held, st->held + n, st->held_len);
	return st->held_len > 0;
}

static bool
is_plain(const struct charset *cs)
{
	return cs == NULL || (cs->take == NULL && cs->octet == NULL);
}

void
charset_decode(const struct charset *cs, struct charset_state *st,
    struct slice in, struct text *out)
{
	if (is_plain(cs)) {
		text_add(out, in);
		return;
	}
	while (in.len > 0) {
		if (cs->octet != NULL)
			cs->octet(st, (unsigned char)in.at[0], out);
		else if (st->held_len == 0 && (signed char)in.at[0] >= 0) {
			size_t n = ascii_len(in);

			text_add(out, slice_of(in.at, n));
			in = slice_skip(in, n);
			continue;
		} else {
			st->held[st->held_len++] = (unsigned char)in.at[0];
			while (take_held(cs, st, out))
				continue;
		}
		in = slice_skip(in, 1);
	}
}

void
charset_finish(const struct charset *cs, struct charset_state *st,
    struct text *out)
{
	if (!is_plain(cs) && (st->held_len > 0 || st->high != 0))
		charset_put(CHARSET_REPLACEMENT, out);
	/* what came after the octet that began it may be something */
	while (!is_plain(cs) && cs->take != NULL && st->held_len > 1) {
		st->held_len--;
		memmove(st->held, st->held + 1, st->held_len);
		while (take_held(cs, st, out))
			continue;
		if (st->held_len > 0)
			charset_put(CHARSET_REPLACEMENT, out);
	}
	*st = (struct charset_state){ .mode = 0 };
}
