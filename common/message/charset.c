#include <stdint.h>

#include "common/message/charset.h"

static const struct {
	const char	*name;
	enum charset	 charset;
} charset_names[] = {
	{ "us-ascii", CHARSET_US_ASCII },
	{ "ascii", CHARSET_US_ASCII },
	{ "utf-8", CHARSET_UTF_8 },
	{ "utf8", CHARSET_UTF_8 },
	{ "iso-8859-1", CHARSET_ISO_8859_1 },
	{ "latin1", CHARSET_ISO_8859_1 },
	{ "iso-8859-15", CHARSET_ISO_8859_15 },
	{ "windows-1252", CHARSET_WINDOWS_1252 },
	{ "cp1252", CHARSET_WINDOWS_1252 },
};

/* Windows-1252 from 0x80 to 0x9f; the five unassigned ones are U+FFFD. */
static const uint16_t windows_1252[32] = {
	0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
	0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd,
	0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
	0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e, 0x0178,
};

enum charset
charset_of(struct slice name)
{
	for (size_t i = 0; i < sizeof(charset_names) / sizeof(charset_names[0]);
	    i++)
		if (slice_equal_nocase(name, slice_str(charset_names[i].name)))
			return charset_names[i].charset;
	return CHARSET_UNKNOWN;
}

static unsigned
latin_9(unsigned c)
{
	switch (c) {
	case 0xa4: return 0x20ac;
	case 0xa6: return 0x0160;
	case 0xa8: return 0x0161;
	case 0xb4: return 0x017d;
	case 0xb8: return 0x017e;
	case 0xbc: return 0x0152;
	case 0xbd: return 0x0153;
	case 0xbe: return 0x0178;
	default: return c;
	}
}

static void
put_utf8(unsigned c, struct text *out)
{
	if (c < 0x80) {
		text_put(out, (char)c);
		return;
	}
	if (c < 0x800) {
		text_put(out, (char)(0xc0 | c >> 6));
	} else {
		text_put(out, (char)(0xe0 | c >> 12));
		text_put(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	text_put(out, (char)(0x80 | (c & 0x3f)));
}

void
charset_to_utf8(enum charset charset, struct slice in, struct text *out)
{
	if (charset < CHARSET_ISO_8859_1) {
		text_add(out, in);
		return;
	}
	for (size_t i = 0; i < in.len; i++) {
		unsigned c = (unsigned char)in.at[i];
		if (c >= 0x80 && c < 0xa0)
			c = windows_1252[c - 0x80];
		else if (charset == CHARSET_ISO_8859_15)
			c = latin_9(c);
		put_utf8(c, out);
	}
}
