#include "common/unicode/casemap.h"

#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "common/utf8/utf8.h"

enum { AT_ONCE = 64 };	/* octets mapped by one call of the library */

static size_t
ascii_len(struct slice s)
{
	size_t n = 0;

	while (n < s.len && (signed char)s.at[n] >= 0)
		n++;
	return n;
}

static void
add_ascii(struct slice in, struct text *out)
{
	for (size_t i = 0; i < in.len; i++) {
		char c = in.at[i];

		text_put(out, c >= 'a' && c <= 'z' ?
		    (char)(c - 'a' + 'A') : c);
	}
}

/*
 * A run without ASCII, which nothing reaches over but the marks behind it; a
 * long one ends before a starter.
 */
static size_t
piece_len(struct slice in)
{
	size_t at = 0;
	ucs4_t c;

	while (at < in.len && (signed char)in.at[at] < 0) {
		int n = u8_mbtouc(&c, (const uint8_t *)in.at + at,
		    in.len - at);

		if (at >= AT_ONCE && uc_combining_class(c) == 0)
			break;
		at += (size_t)n;
	}
	return at;
}

/* Title case by character: simple mappings, as RFC 5051 section 2 says. */
static void
add_piece(struct slice in, struct text *out)
{
	size_t n = 0, len = 0;
	uint32_t *wide = reallocarray(NULL, in.len + 1, sizeof(*wide));
	uint8_t *mapped = NULL;

	for (size_t at = 0; wide != NULL && at < in.len;) {
		ucs4_t c;

		at += (size_t)u8_mbtouc(&c, (const uint8_t *)in.at + at,
		    in.len - at);
		wide[n++] = uc_totitle(c);
	}
	if (wide != NULL) {
		uint32_t *nfkd = u32_normalize(UNINORM_NFKD, wide, n, NULL,
		    &len);

		if (nfkd != NULL)
			mapped = u32_to_u8(nfkd, len, NULL, &len);
		free(nfkd);
	}
	if (mapped != NULL)
		text_add(out, slice_of(mapped, len));
	else
		out->cut = true;
	free(mapped);
	free(wide);
}

void
casemap(struct slice in, struct text *out)
{
	if (ascii_len(in) == in.len || !utf8_is_valid(in)) {
		add_ascii(in, out);
		return;
	}
	while (in.len > 0) {
		size_t n = ascii_len(in);

		add_ascii(slice_of(in.at, n), out);
		in = slice_skip(in, n);
		n = piece_len(in);
		if (n > 0)
			add_piece(slice_of(in.at, n), out);
		in = slice_skip(in, n);
	}
}
