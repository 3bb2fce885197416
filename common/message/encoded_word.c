#include "common/message/charset.h"
#include "common/message/encoded_word.h"
#include "common/message/transfer.h"

/* RFC 2047 section 2 says 75; programs write longer ones. */
#define WORD_MAX 1024

struct word {
	struct slice	charset;
	char		encoding;
	struct slice	text;
	size_t		len;	/* from "=?" to "?=" */
};

/* Up to the next question mark, which is stepped over; no white space. */
static bool
take_part(struct slice *s, struct slice *part, size_t *steps)
{
	for (size_t i = 0; i < s->len && i < WORD_MAX; i++, ++*steps) {
		char c = s->at[i];
		if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			return false;
		if (c != '?')
			continue;
		*part = slice_of(s->at, i);
		*s = slice_skip(*s, i + 1);
		return true;
	}
	return false;
}

/* s starts with "=?". */
static bool
parse_word(struct slice s, struct word *w, size_t *steps)
{
	struct slice in = slice_skip(s, 2), encoding;
	const char *language;

	if (!take_part(&in, &w->charset, steps) ||
	    !take_part(&in, &encoding, steps) ||
	    !take_part(&in, &w->text, steps) || in.len == 0 || in.at[0] != '=')
		return false;
	language = memchr(w->charset.at, '*', w->charset.len);
	if (language != NULL)		/* RFC 2231 section 5 */
		w->charset.len = (size_t)(language - w->charset.at);
	if (encoding.len != 1 || strchr("QqBb", encoding.at[0]) == NULL)
		return false;
	w->encoding = encoding.at[0];
	w->len = (size_t)(in.at - s.at) + 1;
	return w->len <= WORD_MAX;
}

/* The Q encoding is quoted-printable with _ for space: section 4.2. */
static void
decode_q(struct slice in, struct text *out)
{
	struct transfer_state st = { 0 };
	char c;

	for (size_t i = 0; i < in.len; i++) {
		c = in.at[i] == '_' ? ' ' : in.at[i];
		if (c == ' ' && st.held_len == 0)
			text_put(out, ' ');
		else
			transfer_decode(TRANSFER_QUOTED_PRINTABLE, &st,
			    slice_of(&c, 1), out);
	}
	transfer_finish(TRANSFER_QUOTED_PRINTABLE, &st, out);
}

static void
decode_word(const struct word *w, struct text *out)
{
	char buf[WORD_MAX + TRANSFER_HELD_MAX];
	struct text octets = text_in(buf, sizeof(buf));
	const struct charset *charset = charset_of(w->charset);
	struct charset_state cst = { 0 };
	struct transfer_state st = { 0 };

	if (w->encoding == 'Q' || w->encoding == 'q')
		decode_q(w->text, &octets);
	else
		transfer_decode(TRANSFER_BASE64, &st, w->text, &octets);
	charset_decode(charset, &cst, text_since(&octets, 0), out);
	charset_finish(charset, &cst, out);
}

void
encoded_words_decode(struct slice text, struct text *out, size_t *steps)
{
	struct word w;
	size_t work = 0;
	size_t spaces = 0;	/* white space that ends at i */
	bool after_word = false;

	for (size_t i = 0; i < text.len; i++) {
		struct slice rest = slice_skip(text, i);
		work++;
		if (text.at[i] == '=' && rest.len > 1 && rest.at[1] == '?' &&
		    parse_word(rest, &w, &work)) {
			if (!after_word)
				text_add(out,
				    slice_of(rest.at - spaces, spaces));
			decode_word(&w, out);
			i += w.len - 1;
			spaces = 0;
			after_word = true;
			continue;
		}
		if (text.at[i] == ' ' || text.at[i] == '\t') {
			spaces++;
			continue;
		}
		text_add(out, slice_of(rest.at - spaces, spaces + 1));
		spaces = 0;
		after_word = false;
	}
	text_add(out, slice_of(text.at + text.len - spaces, spaces));
	if (steps != NULL)
		*steps += work;
}
