#include "common/idn/idn.h"

#include <stdlib.h>

#include <idn2.h>

#include "common/unicode/normal.h"

static int
to_ascii(struct slice in, char out[IDN_DOMAIN_MAX])
{
	uint8_t name[4 * IDN_DOMAIN_MAX + 1], *a = NULL;
	size_t len;
	int result = -1;

	if (in.len >= sizeof(name))
		return -1;
	memcpy(name, in.at, in.len);
	name[in.len] = '\0';
	/* Nontransitional UTS #46, as browsers and mail programs do. */
	if (idn2_lookup_u8(name, &a, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
	    IDN2_OK)
		return -1;
	len = strlen((const char *)a);
	if (len > 0 && len <= IDN_DOMAIN_MAX) {
		slice_lower(slice_of(a, len), out);
		result = (int)len;
	}
	idn2_free(a);
	return result;
}

int
idn_domain(struct slice in, char out[IDN_DOMAIN_MAX])
{
	if (!slice_is_ascii(in))
		return to_ascii(in, out);
	if (in.len > IDN_DOMAIN_MAX)
		return -1;
	slice_lower(in, out);
	return (int)in.len;
}

/* ---- local-parts ---- */

int
idn_local(struct slice in, char *out, size_t size)
{
	if (!slice_is_ascii(in))
		return unicode_normal(in, true, out, size);
	if (in.len > size)
		return -1;
	slice_lower(in, out);
	return (int)in.len;
}

int
idn_address(struct smtp_address *a)
{
	struct slice domain = smtp_address_domain(a);
	char out[IDN_DOMAIN_MAX];
	int n;

	if (slice_is_ascii(domain))
		return 0;
	n = idn_domain(domain, out);
	if (n == -1 || !smtp_domain_valid(slice_of(out, (size_t)n),
	    IDN_DOMAIN_MAX))
		return -1;
	memcpy(a->text + a->local_len + 1, out, (size_t)n);
	a->len = (uint16_t)(a->local_len + 1 + n);
	return 0;
}

/* ---- texts ---- */

struct grown {
	char	*at;
	size_t	 len, room;
};

static int
append(struct grown *g, struct slice s)
{
	if (g->room - g->len < s.len + 1) {
		size_t room = (g->len + s.len + 1) * 2;
		char *at = realloc(g->at, room);

		if (at == NULL)
			return -1;
		g->at = at;
		g->room = room;
	}
	if (s.len > 0)
		memcpy(g->at + g->len, s.at, s.len);
	g->len += s.len;
	g->at[g->len] = '\0';
	return 0;
}

static bool
ends_word(char c)
{
	return c == ' ' || c == '\t' || c == ',' || c == '\r' || c == '\n';
}

/* Where the domain of a word begins. */
static size_t
domain_at(struct slice word)
{
	size_t at = word.len;

	while (at > 0 && word.at[at - 1] != '@' && word.at[at - 1] != ':')
		at--;
	/* ".domain" of a route's pattern */
	return at < word.len && word.at[at] == '.' ? at + 1 : at;
}

static int
append_domain(struct grown *g, struct slice domain)
{
	char out[IDN_DOMAIN_MAX];
	int n = slice_is_ascii(domain) ? -1 : to_ascii(domain, out);

	return append(g, n == -1 ? domain : slice_of(out, (size_t)n));
}

/* And what stands around it: "from:" in front, the "@" behind. */
static int
append_local(struct grown *g, struct slice local, bool key)
{
	enum { LOCAL_MAX = 1024 };
	char out[LOCAL_MAX];
	int n = slice_is_ascii(local)
		    ? -1
		    : unicode_normal(local, key, out, sizeof(out));

	return append(g, n == -1 ? local : slice_of(out, (size_t)n));
}

static int
append_word(struct grown *g, struct slice word, enum idn_words bare, bool key)
{
	size_t end = word.len, at;

	/* "@domain:", an alias before its colon. */
	if (end > 0 && word.at[end - 1] == ':')
		end--;
	at = domain_at(slice_of(word.at, end));
	if (bare == IDN_WORDS_NAMES && memchr(word.at, '@', end) == NULL)
		at = end;
	return append_local(g, slice_of(word.at, at), key) == -1 ||
	    append_domain(g, slice_of(word.at + at, end - at)) == -1 ? -1 :
	    append(g, slice_skip(word, end));
}

/* A word, or the one octet that ends words, or a comment to its line's end. */
static size_t
next_piece(struct slice rest, bool line_begins, bool *word)
{
	const char *lf;
	size_t n = 0;

	*word = false;
	if (line_begins && rest.at[0] == '#') {
		lf = memchr(rest.at, '\n', rest.len);
		return lf == NULL ? rest.len : (size_t)(lf - rest.at);
	}
	while (n < rest.len && !ends_word(rest.at[n]))
		n++;
	*word = n > 0;
	return n > 0 ? n : 1;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

char *
idn_text(struct slice text, enum idn_words bare, size_t *len)
{
	struct grown g = { 0 };
	/* key: nothing has come in this line yet, not even a blank. */
	bool line_begins = true, key = true, word;

	if (append(&g, slice_of("", 0)) == -1)
		return NULL;
	while (text.len > 0) {
		size_t n = next_piece(text, line_begins, &word);
		struct slice piece = slice_of(text.at, n);

		if ((word ? append_word(&g, piece, bare, key) :
		    append(&g, piece)) == -1) {
			free(g.at);
			return NULL;
		}
		key = n == 1 && piece.at[0] == '\n';
		line_begins = key ||
		    (n == 1 && line_begins && is_blank(piece.at[0]));
		text = slice_skip(text, n);
	}
	*len = g.len;
	return g.at;
}
