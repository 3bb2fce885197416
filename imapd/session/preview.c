#include "imapd/session/preview.h"

#include "common/message/charset.h"

void
preview_init(struct preview *p, bool html)
{
	memset(p, 0, sizeof(*p));
	p->html = html;
}

bool
preview_full(const struct preview *p)
{
	return p->characters == PREVIEW_CHARACTERS;
}

/* ---- characters ---- */

static void
put(struct preview *p, const unsigned char *c, size_t n)
{
	if (preview_full(p))
		return;
	if (p->space && p->len > 0) {
		p->at[p->len++] = ' ';
		p->characters++;
	}
	p->space = false;
	if (preview_full(p))
		return;
	memcpy(p->at + p->len, c, n);
	p->len += n;
	p->characters++;
}

static bool
is_white(const unsigned char *c, size_t n)
{
	return (n == 1 && (c[0] <= ' ' || c[0] == 0x7f)) ||
	    (n == 2 && c[0] == 0xc2 && c[1] <= 0xa0);	/* C1, no-break */
}

/* Of plain text, in which a line that begins with ">" is somebody else's. */
static void
plain(struct preview *p, const unsigned char *c, size_t n)
{
	if (n == 1 && c[0] == '\n') {
		p->line_begun = p->quoted = false;
		p->space = true;
	} else if (is_white(c, n))
		p->space = true;
	else {
		if (!p->line_begun && n == 1 && c[0] == '>')
			p->quoted = true;
		p->line_begun = true;
		if (!p->quoted)
			put(p, c, n);
	}
}

/* ---- HTML ---- */

static const struct {
	const char	*name, *text;
} entities[] = {
	{ "amp", "&" }, { "lt", "<" }, { "gt", ">" }, { "quot", "\"" },
	{ "apos", "'" }, { "#39", "'" }, { "nbsp", " " }, { "copy", "\xc2\xa9" },
	{ "auml", "\xc3\xa4" }, { "ouml", "\xc3\xb6" }, { "uuml", "\xc3\xbc" },
	{ "Auml", "\xc3\x84" }, { "Ouml", "\xc3\x96" }, { "Uuml", "\xc3\x9c" },
	{ "szlig", "\xc3\x9f" }, { "eacute", "\xc3\xa9" },
	{ "egrave", "\xc3\xa8" }, { "agrave", "\xc3\xa0" },
	{ "ndash", "\xe2\x80\x93" }, { "mdash", "\xe2\x80\x94" },
	{ "lsquo", "\xe2\x80\x98" }, { "rsquo", "\xe2\x80\x99" },
	{ "ldquo", "\xe2\x80\x9c" }, { "rdquo", "\xe2\x80\x9d" },
	{ "hellip", "\xe2\x80\xa6" }, { "euro", "\xe2\x82\xac" },
	{ "zwnj", "" }, { "zwj", "" }, { "shy", "" },
};

/* What is in these is not text. */
static const char *const not_text[] = { "style", "script", "head", "title" };

static void
put_text(struct preview *p, const char *text)
{
	if (p->hidden[0] != '\0')
		return;
	if (is_white((const unsigned char *)text, strlen(text)))
		p->space = true;
	else if (*text != '\0')
		put(p, (const unsigned char *)text, strlen(text));
}

/* Without its semicolon it is an ampersand, and a word. */
static void
entity(struct preview *p, bool whole)
{
	struct slice name = slice_of(p->name, p->name_len);

	for (size_t i = 0; whole && i < sizeof(entities) / sizeof(entities[0]);
	    i++)
		if (slice_equal(name, slice_str(entities[i].name))) {
			put_text(p, entities[i].text);
			return;
		}
	if (whole) {
		p->space = true;	/* one that we do not know */
		return;
	}
	put_text(p, "&");
	for (size_t i = 0; i < name.len && p->hidden[0] == '\0'; i++)
		put(p, (const unsigned char *)name.at + i, 1);
}

static void
tag(struct preview *p)
{
	struct slice name = slice_of(p->name, p->name_len);
	bool end = name.len > 0 && name.at[0] == '/';

	if (end)
		name = slice_skip(name, 1);
	if (p->hidden[0] != '\0') {
		if (end && slice_equal_nocase(name, slice_str(p->hidden)))
			p->hidden[0] = '\0';
		return;
	}
	for (size_t i = 0; i < sizeof(not_text) / sizeof(not_text[0]); i++)
		if (!end && slice_equal_nocase(name, slice_str(not_text[i])))
			(void)slice_copy_str(name, p->hidden,
			    sizeof(p->hidden));
	/* inline markup parts no words; the rest does */
	if (name.len > 2 || slice_equal_nocase(name, SLICE_LITERAL("p")) ||
	    slice_equal_nocase(name, SLICE_LITERAL("br")))
		p->space = true;
}

static void
open(struct preview *p, unsigned char c)
{
	p->in = c == '<' ? PREVIEW_TAG : PREVIEW_ENTITY;
	p->name_len = 0;
	p->name_ended = false;
	p->quote = '\0';
}

static void
add_to_name(struct preview *p, unsigned char c)
{
	p->name_ended |= c <= ' ';
	if (!p->name_ended && p->name_len < sizeof(p->name))
		p->name[p->name_len++] = (char)c;
}

static void
in_tag(struct preview *p, unsigned char c)
{
	if (p->hidden[0] != '\0') {	/* only its end matters */
		if (c == '<')
			open(p, c);
		else if (c == '>') {
			p->in = PREVIEW_TEXT;
			tag(p);
		} else
			add_to_name(p, c);
	} else if (p->quote != '\0') {
		if (c == (unsigned char)p->quote)
			p->quote = '\0';
	} else if (p->name_ended && (c == '"' || c == '\''))
		p->quote = (char)c;
	else if (c == '>') {
		p->in = PREVIEW_TEXT;
		tag(p);
	} else {
		add_to_name(p, c);
		if (slice_equal(slice_of(p->name, p->name_len),
		    SLICE_LITERAL("!--"))) {
			p->in = PREVIEW_COMMENT;
			p->dashes = 0;
		}
	}
}

static void
in_comment(struct preview *p, unsigned char c)
{
	if (c == '>' && p->dashes >= 2)
		p->in = PREVIEW_TEXT;
	p->dashes = c == '-' ? p->dashes + 1 : 0;
}

static void
markup(struct preview *p, const unsigned char *c, size_t n)
{
	switch (p->in) {
	case PREVIEW_TAG:
		in_tag(p, c[0]);
		return;
	case PREVIEW_COMMENT:
		in_comment(p, c[0]);
		return;
	case PREVIEW_ENTITY:
		if (n == 1 && c[0] != ';' && c[0] > ' ' && c[0] != '<' &&
		    c[0] != '&' && p->name_len < sizeof(p->name)) {
			add_to_name(p, c[0]);
			return;
		}
		p->in = PREVIEW_TEXT;
		entity(p, c[0] == ';');
		if (c[0] == ';')
			return;
		break;
	case PREVIEW_TEXT:
		break;
	}
	if (n == 1 && (c[0] == '<' || c[0] == '&'))
		open(p, c[0]);
	else if (is_white(c, n))
		p->space = true;
	else if (p->hidden[0] == '\0')
		put(p, c, n);
}

/* ---- octets ---- */

static size_t
character_len(unsigned char c)
{
	return c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 :
	    c < 0xf5 ? 4 : 0;
}

static void
one_character(struct preview *p)
{
	if (!utf8_is_valid(slice_of(p->held, p->held_len)))
		return;
	if (p->html)
		markup(p, p->held, p->held_len);
	else
		plain(p, p->held, p->held_len);
}

void
preview_feed(struct preview *p, struct slice text)
{
	for (size_t i = 0; i < text.len && !preview_full(p); i++) {
		unsigned char c = (unsigned char)text.at[i];

		/* a character that was begun and does not go on is dropped */
		if (p->held_len > 0 && (c & 0xc0) != 0x80)
			p->held_len = 0;
		p->held[p->held_len++] = c;
		if (character_len(p->held[0]) == 0)
			p->held_len = 0;
		else if (p->held_len == character_len(p->held[0])) {
			one_character(p);
			p->held_len = 0;
		}
	}
}
