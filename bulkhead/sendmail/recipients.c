/* An address-list, taken apart by one pass and one small state. */
#include "bulkhead/sendmail/recipients.h"

#include <stdio.h>

#include "common/utf8/utf8.h"

/* The element of the list that is being read. */
struct element {
	char	buf[SENDMAIL_ADDRESS_MAX];	/* without comments, blanks */
	size_t	len;
	bool	too_long;
	bool	gap;		/* a blank stood before the next octet */
	bool	broken;		/* two words side by side: only a phrase */
	bool	in_angle, had_angle;
};

static void
element_reset(struct element *e)
{
	e->len = 0;
	e->gap = e->broken = e->too_long = false;
}

/* Blanks may stand beside a dot and an @ (obs-local-part), nowhere else. */
static void
element_add(struct element *e, char c)
{
	if (e->gap && e->len > 0 && c != '.' && c != '@' &&
	    e->buf[e->len - 1] != '.' && e->buf[e->len - 1] != '@')
		e->broken = true;
	e->gap = false;
	if (e->len < sizeof(e->buf))
		e->buf[e->len++] = c;
	else
		e->too_long = true;
}

static bool
is_envelope_octet(char c)
{
	return (unsigned char)c >= ' ' && c != 0x7f;
}

/* Beyond ASCII it is UTF-8 (RFC 6531 section 3.3): asked of the whole, since a
 * display name may be anything. */
static bool
can_be_sent(struct slice address)
{
	size_t n;

	for (; address.len > 0; address = slice_skip(address, n)) {
		n = (unsigned char)address.at[0] < 0x80 ? 1 :
		    utf8_non_ascii(address);
		if (n == 0)
			return false;
	}
	return true;
}

/* What an envelope cannot carry may still stand in a display name. */
static void
enclosed_add(struct element *e, char c)
{
	if (e == NULL)
		return;
	if (c == '\t')
		c = ' ';
	if (is_envelope_octet(c))
		element_add(e, c);
	else
		e->broken = true;
}

/*
 * A quoted-string, a comment or a domain-literal begins at in->at[0]; cut it
 * off.  e is NULL for a comment, whose octets count for nothing.
 */
static enum parse
take_enclosed(struct slice *in, char close, struct element *e)
{
	char open = in->at[0];
	size_t depth = 0, i;

	for (i = 0; i < in->len; i++) {
		char c = in->at[i];

		if (c == '\r' || c == '\n')
			continue;	/* folding */
		enclosed_add(e, c);
		if (c == '\\') {
			if (++i == in->len)
				return PARSE_BAD;
			enclosed_add(e, in->at[i]);
		} else if (c == close && (i > 0 || open != close)) {
			if (--depth == 0)
				break;
		} else if (c == open)
			depth = e == NULL ? depth + 1 : 1;
	}
	if (i == in->len)
		return PARSE_BAD;
	*in = slice_skip(*in, i + 1);
	return PARSE_OK;
}

/* Drop "@one,@two:" (RFC 5321 section 4.1.1.3: source routes are ignored). */
static struct slice
without_route(struct slice address)
{
	const char *colon;

	if (address.len == 0 || address.at[0] != '@')
		return address;
	colon = memchr(address.at, ':', address.len);
	if (colon == NULL)
		return slice_of(address.at, 0);
	return slice_skip(address, (size_t)(colon - address.at) + 1);
}

/* The element is whole: a mailbox, or nothing at all. */
static enum parse
element_end(struct element *e, struct address_list *l)
{
	struct slice a = without_route(slice_of(e->buf, e->len));
	bool nothing = e->len == 0 && !e->had_angle && !e->in_angle;

	if (nothing && !e->broken)
		return PARSE_OK;
	if (e->in_angle || e->broken || e->too_long || a.len == 0 ||
	    a.at[0] == '@' || a.at[a.len - 1] == '@' || !can_be_sent(a))
		return PARSE_BAD;
	e->had_angle = false;
	element_reset(e);
	return address_list_add(l, slice_of(a.at, a.len)) == -1 ? PARSE_BAD :
								  PARSE_OK;
}

/* One of the octets that structure a list. */
static enum parse
special(struct element *e, char c, struct address_list *l)
{
	switch (c) {
	case '<':
		if (e->in_angle || e->had_angle)
			return PARSE_BAD;
		element_reset(e);
		e->in_angle = true;
		return PARSE_OK;
	case '>':
		if (!e->in_angle)
			return PARSE_BAD;
		e->in_angle = false;
		e->had_angle = true;
		return PARSE_OK;
	case ',':
	case ':':
		if (e->in_angle) {	/* part of a source route */
			element_add(e, c);
			return PARSE_OK;
		}
		if (c == ',')
			return element_end(e, l);
		if (e->had_angle)
			return PARSE_BAD;
		element_reset(e);	/* the name of a group */
		return PARSE_OK;
	default:
		return e->in_angle ? PARSE_BAD : element_end(e, l);
	}
}

static enum parse
one_octet(struct slice *in, struct element *e, struct address_list *l)
{
	char c = in->at[0];

	if (c == '(') {
		e->gap = true;
		return take_enclosed(in, ')', NULL);
	}
	if (c == '"' || c == '[')
		return e->had_angle ? PARSE_BAD :
		    take_enclosed(in, c == '"' ? '"' : ']', e);
	*in = slice_skip(*in, 1);
	if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
		e->gap = true;
		return PARSE_OK;
	}
	if (c == '<' || c == '>' || c == ',' || c == ':' || c == ';')
		return special(e, c, l);
	if ((unsigned char)c < ' ' || c == 0x7f || c == ')' || c == ']' ||
	    c == '\\' || e->had_angle)
		return PARSE_BAD;
	element_add(e, c);
	return PARSE_OK;
}

enum parse
recipients_take(struct slice in, struct address_list *l)
{
	struct element e = { .len = 0 };

	while (in.len > 0)
		if (one_octet(&in, &e, l) != PARSE_OK)
			return PARSE_BAD;
	return element_end(&e, l);
}

int
recipient_qualify(const char *address, const char *domain,
    char buf[SENDMAIL_ADDRESS_MAX + 1])
{
	size_t len = strlen(address);
	bool has_domain = false;
	int n;

	/* An @ inside of quotes does not count. */
	for (size_t i = len; i > 0 && address[i - 1] != '"'; i--)
		if (address[i - 1] == '@')
			has_domain = true;
	n = has_domain ?
	    snprintf(buf, SENDMAIL_ADDRESS_MAX + 1, "%s", address) :
	    snprintf(buf, SENDMAIL_ADDRESS_MAX + 1, "%s@%s", address, domain);
	return n < 0 || n > SENDMAIL_ADDRESS_MAX ? -1 : 0;
}
