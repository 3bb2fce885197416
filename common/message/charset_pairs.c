/* Character sets whose characters have a fixed number of octets each. */
#include "common/message/charset_private.h"
#include "common/message/charset_tables.h"

static bool
within(unsigned char c, unsigned char first, unsigned char last)
{
	return c >= first && c <= last;
}

size_t
charset_take_single(const struct charset *cs, const unsigned char *s,
    size_t len, uint32_t *c)
{
	(void)len;
	*c = charset_single[cs->table][s[0] - 0x80];
	return 1;
}

/* No second octet of a pair: of it only the first is lost. */
static size_t
no_pair(uint32_t *c)
{
	*c = CHARSET_REPLACEMENT;
	return 1;
}

size_t
charset_take_korean(const struct charset *cs, const unsigned char *s,
    size_t len, uint32_t *c)
{
	(void)cs;
	if (len < 2)
		return 0;
	if (!within(s[0], 0x81, 0xfe) || !within(s[1], 0x41, 0xfe))
		return no_pair(c);
	*c = charset_korean[(s[0] - 0x81) * 190 + s[1] - 0x41];
	return 2;
}

size_t
charset_take_big5(const struct charset *cs, const unsigned char *s, size_t len,
    uint32_t *c)
{
	(void)cs;
	if (len < 2)
		return 0;
	if (!within(s[0], 0x81, 0xfe) ||
	    !(within(s[1], 0x40, 0x7e) || within(s[1], 0xa1, 0xfe)))
		return no_pair(c);
	*c = charset_big5[(s[0] - 0x81) * 157 + s[1] -
	    (s[1] < 0x7f ? 0x40 : 0xa1 - 63)];
	return 2;
}

/* ---- Chinese ---- */

/* Code n of four octets. */
static uint32_t
gb_character(uint32_t n)
{
	size_t low = 0, high = charset_gb_runs_len;

	if (n >= 189000)
		return n - 189000 < 0x100000 ? n - 189000 + 0x10000 :
					       CHARSET_REPLACEMENT;
	if (n >= 39420)
		return CHARSET_REPLACEMENT;
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (charset_gb_runs[mid].code <= n)
			low = mid;
		else
			high = mid;
	}
	return charset_gb_runs[low].point + n - charset_gb_runs[low].code;
}

static size_t
take_four(const unsigned char *s, size_t len, uint32_t *c)
{
	if (len < 4)
		return 0;
	if (!within(s[2], 0x81, 0xfe) || !within(s[3], 0x30, 0x39))
		return no_pair(c);
	*c = gb_character((((uint32_t)(s[0] - 0x81) * 10 + (s[1] - 0x30u)) *
	    126 + (s[2] - 0x81u)) * 10 + (s[3] - 0x30u));
	return 4;
}

size_t
charset_take_gb18030(const struct charset *cs, const unsigned char *s,
    size_t len, uint32_t *c)
{
	(void)cs;
	if (len < 2)
		return 0;
	if (!within(s[0], 0x81, 0xfe))
		return no_pair(c);
	if (within(s[1], 0x30, 0x39))
		return take_four(s, len, c);
	if (!within(s[1], 0x40, 0xfe) || s[1] == 0x7f)
		return no_pair(c);
	*c = charset_gbk[(s[0] - 0x81) * 190 + s[1] -
	    (s[1] < 0x7f ? 0x40 : 0x41)];
	return 2;
}

/* ---- Japanese: rows and cells of JIS X 0208 ---- */

static uint32_t
jis_character(unsigned row, unsigned cell)
{
	return row < 120 && cell < 94 ? charset_jis[row * 94 + cell] :
					CHARSET_REPLACEMENT;
}

static uint32_t
katakana(unsigned char c)
{
	return 0xff61u + c - 0xa1;
}

size_t
charset_take_shift_jis(const struct charset *cs, const unsigned char *s,
    size_t len, uint32_t *c)
{
	unsigned lead, trail;

	(void)cs;
	if (within(s[0], 0xa1, 0xdf)) {
		*c = katakana(s[0]);
		return 1;
	}
	if (!within(s[0], 0x81, 0x9f) && !within(s[0], 0xe0, 0xfc))
		return no_pair(c);
	if (len < 2)
		return 0;
	if (!within(s[1], 0x40, 0xfc) || s[1] == 0x7f)
		return no_pair(c);
	lead = s[0] - (s[0] < 0xa0 ? 0x81u : 0xc1u);
	trail = s[1] - (s[1] < 0x7f ? 0x40u : 0x41u);
	*c = jis_character(lead * 2 + trail / 94, trail % 94);
	return 2;
}

size_t
charset_take_euc_jp(const struct charset *cs, const unsigned char *s,
    size_t len, uint32_t *c)
{
	(void)cs;
	if (s[0] != 0x8e && s[0] != 0x8f && !within(s[0], 0xa1, 0xfe))
		return no_pair(c);
	if (len < 2)
		return 0;
	if (!within(s[1], 0xa1, 0xfe))
		return no_pair(c);
	if (s[0] == 0x8f) {	/* JIS X 0212 is not kept here */
		*c = CHARSET_REPLACEMENT;
		return len < 3 ? 0 : 3;
	}
	*c = s[0] != 0x8e ? jis_character(s[0] - 0xa1u, s[1] - 0xa1u) :
	    s[1] <= 0xdf ? katakana(s[1]) : CHARSET_REPLACEMENT;
	return 2;
}

/* ---- ISO-2022-JP (RFC 1468), and the katakana that programs put in ---- */

enum { MODE_ASCII, MODE_KATAKANA, MODE_JIS, MODE_UNKNOWN };

static const struct {
	char	escape[5];
	uint8_t	mode;
} escapes[] = {
	{ "(B", MODE_ASCII }, { "(J", MODE_ASCII }, { "(I", MODE_KATAKANA },
	{ "$@", MODE_JIS }, { "$B", MODE_JIS }, { "$(D", MODE_UNKNOWN },
};

/* held is ESC and what follows it.  False: that is no escape. */
static bool
escape(struct charset_state *st)
{
	struct slice seen = slice_of(st->held + 1, st->held_len - 1u);

	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		struct slice e = slice_str(escapes[i].escape);

		if (e.len < seen.len || memcmp(e.at, seen.at, seen.len) != 0)
			continue;
		if (e.len == seen.len) {
			st->mode = escapes[i].mode;
			st->held_len = 0;
		}
		return true;
	}
	return false;
}

static void
jis_octet(struct charset_state *st, unsigned char o, struct text *out)
{
	if (st->mode == MODE_ASCII)
		charset_put(o, out);
	else if (st->mode == MODE_KATAKANA)
		charset_put(o <= 0x5f ? katakana((unsigned char)(o | 0x80)) :
					CHARSET_REPLACEMENT, out);
	else if (st->held_len == 0)
		st->held[st->held_len++] = o;
	else {
		charset_put(st->mode == MODE_JIS ? jis_character(
		    st->held[0] - 0x21u, o - 0x21u) : CHARSET_REPLACEMENT, out);
		st->held_len = 0;
	}
}

void
charset_octet_iso_2022_jp(struct charset_state *st, unsigned char o,
    struct text *out)
{
	if (o == 0x1b || (st->held_len > 0 && st->held[0] == 0x1b)) {
		if (o == 0x1b)
			st->held_len = 0;
		st->held[st->held_len++] = o;
		if (!escape(st)) {
			st->held_len = 0;
			charset_put(CHARSET_REPLACEMENT, out);
		}
	} else if (o > ' ' && o < 0x7f)
		jis_octet(st, o, out);
	else {		/* a line end ends the mode, too */
		if (o == '\n')
			st->mode = MODE_ASCII;
		st->held_len = 0;
		charset_put(o >= 0x7f ? CHARSET_REPLACEMENT : o, out);
	}
}
