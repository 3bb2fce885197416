#include "common/smtp/dsn.h"

#include <stdio.h>

#include "common/smtp/characters.h"
#include "common/utf8/utf8.h"

static const char digits[] = "0123456789ABCDEF";

/* Upper case only: hexchar, RFC 3461 section 4. */
static int
hex_value(char c)
{
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

static bool
is_xchar(char c)
{
	return c >= '!' && c <= '~' && c != '+' && c != '=';
}

/* Well-formed, and what it stands for is printable ASCII: it will be in a
 * line of a report. */
static enum parse
xtext_check(struct slice s, bool utf8)
{
	for (size_t i = 0; i < s.len; i++) {
		size_t n = utf8 ? utf8_non_ascii(slice_skip(s, i)) : 0;
		int high, low;

		if (n > 0) {
			i += n - 1;
			continue;
		}
		if (is_xchar(s.at[i]))
			continue;
		if (s.at[i] != '+' || s.len - i < 3)
			return PARSE_BAD;
		high = hex_value(s.at[i + 1]);
		low = hex_value(s.at[i + 2]);
		if (high == -1 || low == -1 ||
		    !smtp_is_printable((char)(high * 16 + low)))
			return PARSE_BAD;
		i += 2;
	}
	return PARSE_OK;
}

static unsigned
notify_word(struct slice word)
{
	static const struct {
		const char	*word;
		unsigned	 bit;
	} words[] = {
		{ "NEVER", SMTP_NOTIFY_NEVER },
		{ "SUCCESS", SMTP_NOTIFY_SUCCESS },
		{ "FAILURE", SMTP_NOTIFY_FAILURE },
		{ "DELAY", SMTP_NOTIFY_DELAY },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_equal_nocase(word, slice_str(words[i].word)))
			return words[i].bit;
	return 0;
}

enum parse
smtp_notify_parse(struct slice value, unsigned *notify)
{
	unsigned all = 0;

	for (;;) {
		const char *comma = value.len == 0 ? NULL :
		    memchr(value.at, ',', value.len);
		size_t len = comma == NULL ? value.len :
		    (size_t)(comma - value.at);
		unsigned bit = notify_word(slice_of(value.at, len));

		if (bit == 0)
			return PARSE_BAD;
		all |= bit;
		if (comma == NULL)
			break;
		/* It must appear by itself: RFC 3461 section 4.1. */
		if (bit == SMTP_NOTIFY_NEVER)
			return PARSE_BAD;
		value = slice_skip(value, len + 1);
	}
	if ((all & SMTP_NOTIFY_NEVER) && all != SMTP_NOTIFY_NEVER)
		return PARSE_BAD;
	*notify = all;
	return PARSE_OK;
}

enum parse
smtp_ret_parse(struct slice value, enum smtp_ret *ret)
{
	if (slice_equal_nocase(value, SLICE_LITERAL("FULL")))
		*ret = SMTP_RET_FULL;
	else if (slice_equal_nocase(value, SLICE_LITERAL("HDRS")))
		*ret = SMTP_RET_HDRS;
	else
		return PARSE_BAD;
	return PARSE_OK;
}

enum parse
smtp_envid_check(struct slice value)
{
	if (value.len == 0 || value.len > SMTP_ENVID_MAX)
		return PARSE_BAD;
	return xtext_check(value, false);
}

static bool
is_type_utf8(struct slice orcpt)
{
	return slice_starts_nocase(orcpt, SLICE_LITERAL("utf-8;"));
}

enum parse
smtp_orcpt_check(struct slice value)
{
	size_t n = 0;

	if (value.len > SMTP_ORCPT_MAX)
		return PARSE_BAD;
	/* An atom; but no registered type has a plus sign in it, which would
	 * be taken for xtext when all of it is decoded. */
	while (n < value.len && smtp_is_atext(value.at[n]) &&
	    value.at[n] != '+')
		n++;
	if (n == 0 || n == value.len || value.at[n] != ';')
		return PARSE_BAD;
	return xtext_check(slice_skip(value, n + 1), is_type_utf8(value));
}

size_t
smtp_xtext_decode(struct slice value, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] == '+' && value.len - i > 2) {
			to[n++] = (char)(hex_value(value.at[i + 1]) * 16 +
			    hex_value(value.at[i + 2]));
			i += 2;
		} else
			to[n++] = value.at[i];
	}
	return n;
}

size_t
smtp_xtext_encode(struct slice text, char *to, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];
		bool plain = is_xchar(text.at[i]);

		if (size - n < (plain ? 1u : 3u))
			return 0;
		if (plain) {
			to[n++] = text.at[i];
			continue;
		}
		to[n++] = '+';
		to[n++] = digits[c >> 4];
		to[n++] = digits[c & 15];
	}
	return n;
}

/* ---- RFC 6533 section 3 ---- */

/* An EmbeddedUnicodeChar at the front of s: octets that it takes there, or 0:
 * there is none, or a control's. */
static size_t
embedded(struct slice s, uint32_t *c)
{
	size_t n = 3;
	int digit;

	*c = 0;
	if (!slice_equal(slice_of(s.at, s.len < 3 ? s.len : 3),
	    SLICE_LITERAL("\\x{")))
		return 0;
	for (; n < s.len && n < 9 && (digit = hex_value(s.at[n])) != -1; n++)
		*c = *c * 16 + (uint32_t)digit;
	if (n < 5 || n == s.len || s.at[n] != '}')
		return 0;
	return smtp_is_printable((char)(*c < 0x80 ? *c : 0)) ||
	    utf8_is_name_character(*c) ? n + 1 : 0;
}

static size_t
undo_embedded(struct slice s, char *to)
{
	size_t len = 0, n;
	uint32_t c;

	for (; s.len > 0; s = slice_skip(s, n)) {
		if ((n = embedded(s, &c)) > 0)
			len += utf8_put(c, to + len);
		else
			to[len++] = s.at[(n = 1) - 1];
	}
	return len;
}

size_t
smtp_orcpt_decode(struct slice value, char *to)
{
	size_t len = smtp_xtext_decode(value, to);

	/* What it writes is never longer than what it has read. */
	return is_type_utf8(value) ? undo_embedded(slice_of(to, len), to) :
	    len;
}

static bool
is_qchar(char c)
{
	return is_xchar(c) && c != '\\';
}

size_t
smtp_unitext_encode(struct slice address, bool eight_bit, char *to)
{
	size_t len = 0, n;
	uint32_t c;

	for (; address.len > 0; address = slice_skip(address, n)) {
		char escaped[16];

		n = utf8_take(address, &c);
		if (n == 0) {		/* not UTF-8: by its octets */
			n = 1;
			c = (unsigned char)address.at[0];
		}
		if (n > 1 ? eight_bit : is_qchar(address.at[0])) {
			memcpy(to + len, address.at, n);
			len += n;
			continue;
		}
		len += (size_t)snprintf(escaped, sizeof(escaped), "\\x{%02X}",
		    c);
		memcpy(to + len - strlen(escaped), escaped, strlen(escaped));
	}
	return len;
}
