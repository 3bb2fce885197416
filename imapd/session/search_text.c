#include "imapd/session/search_text.h"

#include "common/unicode/casemap.h"
#include "common/utf8/utf8.h"

static char
upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

void
search_capitals(char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		at[i] = upper(at[i]);
}

int
needle_init(struct needle *n, struct slice text, struct arena *arena)
{
	size_t room = text.len * CASEMAP_GROWTH + 1, k = 0;
	char *at = arena_alloc(arena, room, 1);
	struct text mapped = text_in(at, room);

	*n = (struct needle){ .found = text.len == 0 };
	if (at == NULL)
		return -1;
	casemap(text, &mapped);
	/* Compatibility decomposition may leave small letters: "No" of a numero
	 * sign. */
	search_capitals(at, mapped.len);
	n->text = text_since(&mapped, 0);
	n->fail = arena_alloc(arena, mapped.len + 1, sizeof(*n->fail));
	if (n->fail == NULL || mapped.cut)
		return -1;
	for (size_t i = 1; i < mapped.len; i++) {
		while (k > 0 && at[i] != at[k])
			k = n->fail[k - 1];
		if (at[i] == at[k])
			k++;
		n->fail[i] = (uint32_t)k;
	}
	return 0;
}

void
needle_restart(struct needle *n)
{
	n->at = 0;
}

void
needle_feed(struct needle *n, struct slice text)
{
	for (size_t i = 0; i < text.len && !n->found; i++) {
		char c = upper(text.at[i]);

		while (n->at > 0 && n->text.at[n->at] != c)
			n->at = n->fail[n->at - 1];
		if (n->text.at[n->at] == c)
			n->at++;
		n->found = n->at == n->text.len;
	}
}

/* ---- mapping ---- */

enum { AT_ONCE = 256 };

static void
map(struct slice in, mapping_to *to, void *ctx)
{
	char buf[AT_ONCE * CASEMAP_GROWTH];
	struct text mapped = text_in(buf, sizeof(buf));

	casemap(in, &mapped);
	to(ctx, text_since(&mapped, 0));
}

static size_t
ascii_len(struct slice s)
{
	size_t n = 0;

	while (n < s.len && (signed char)s.at[n] >= 0)
		n++;
	return n;
}

/* Octets of the character that this one begins, or 1. */
static size_t
character_len(char first)
{
	unsigned char c = (unsigned char)first;

	return c < 0xc2 || c >= 0xf5 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* A run without ASCII at the front of in, of whole characters; 0: the first one
 * is not whole. */
static size_t
run_len(struct slice in)
{
	size_t n = 0, more;

	while (n < in.len && (signed char)in.at[n] < 0 && n < AT_ONCE - 4) {
		more = character_len(in.at[n]);
		if (more > in.len - n)
			break;
		n += more;
	}
	return n;
}

/* The character that was begun gets what belongs to it. */
static struct slice
complete(struct mapping *m, struct slice in, mapping_to *to, void *ctx)
{
	size_t want = character_len(m->held[0]);

	while (in.len > 0 && m->held_len < want &&
	    ((unsigned char)in.at[0] & 0xc0) == 0x80) {
		m->held[m->held_len++] = in.at[0];
		in = slice_skip(in, 1);
	}
	if (m->held_len == want || in.len > 0) {
		map(slice_of(m->held, m->held_len), to, ctx);
		m->held_len = 0;
	}
	return in;
}

void
mapping_feed(struct mapping *m, struct slice in, mapping_to *to, void *ctx)
{
	size_t n;

	if (m->held_len > 0)
		in = complete(m, in, to, ctx);
	while (in.len > 0) {
		if ((n = ascii_len(in)) > 0)
			to(ctx, slice_of(in.at, n));
		in = slice_skip(in, n);
		if (in.len == 0)
			break;
		if ((n = run_len(in)) == 0) {
			memcpy(m->held, in.at, in.len);
			m->held_len = in.len;
			return;
		}
		map(slice_of(in.at, n), to, ctx);
		in = slice_skip(in, n);
	}
}

void
mapping_end(struct mapping *m, mapping_to *to, void *ctx)
{
	if (m->held_len > 0)
		map(slice_of(m->held, m->held_len), to, ctx);
	m->held_len = 0;
}
