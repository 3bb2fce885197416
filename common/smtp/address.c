#include <assert.h>
#include <string.h>

#include "common/smtp/address.h"
#include "common/smtp/characters.h"
#include "common/smtp/literal.h"
#include "common/utf8/utf8.h"

const struct smtp_path_limits smtp_path_limits_default = { 64, 255, 256 };

/* A place in the input, and what went wrong on the way. */
struct reader {
	const char	*at, *end;
	enum smtp_path_fault fault;
	const struct smtp_path_limits *limits;
	bool		utf8;
};

static bool
fail(struct reader *r, enum smtp_path_fault fault)
{
	if (r->fault == SMTP_PATH_OK)
		r->fault = fault;
	return false;
}

static bool
here(const struct reader *r, char c)
{
	return r->at < r->end && *r->at == c;
}

static bool
take(struct reader *r, char c)
{
	if (!here(r, c))
		return fail(r, SMTP_PATH_SYNTAX);
	r->at++;
	return true;
}

static void
append(struct smtp_address *a, char c)
{
	/* The limits of every part add up to less. */
	assert(a->len < SMTP_ADDRESS_MAX);
	a->text[a->len++] = c;
}

static struct slice
rest(const struct reader *r)
{
	return slice_of(r->at, (size_t)(r->end - r->at));
}

/* ---- local-part ---- */

/* Octets of the atext at the front of s (RFC 6531 section 3.3); 0: none. */
static size_t
atext_len(struct slice s, bool utf8)
{
	if (s.len > 0 && smtp_is_atext(s.at[0]))
		return 1;
	return utf8 ? utf8_non_ascii(s) : 0;
}

/* Does this content of a quoted string need its quotes? */
static bool
is_dot_string(const char *s, size_t len)
{
	bool atom = false;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = 1;
		if (s[i] == '.') {
			if (!atom)
				return false;
			atom = false;
		} else if ((n = atext_len(slice_of(s + i, len - i), true)) > 0)
			atom = true;
		else
			return false;
	}
	return atom;
}

static bool
take_dot_string(struct reader *r, struct smtp_address *a)
{
	bool atom = false;
	size_t n;

	for (; r->at < r->end; r->at += n) {
		n = 1;
		if (*r->at == '.' && atom)
			atom = false;
		else if ((n = atext_len(rest(r), r->utf8)) > 0)
			atom = true;
		else
			break;
		if (a->len + n > r->limits->local_part)
			return fail(r, SMTP_PATH_LOCAL_PART_LONG);
		for (size_t i = 0; i < n; i++)
			append(a, r->at[i]);
	}
	return atom || fail(r, SMTP_PATH_SYNTAX);
}

/* Write content of len octets again, with the least quoting. */
static bool
requote(struct reader *r, struct smtp_address *a, const char *content,
    size_t len)
{
	bool quote = !is_dot_string(content, len);

	if (quote)
		append(a, '"');
	for (size_t i = 0; i < len; i++) {
		if (content[i] == '"' || content[i] == '\\')
			append(a, '\\');
		append(a, content[i]);
	}
	if (quote)
		append(a, '"');
	if (a->len > r->limits->local_part)
		return fail(r, SMTP_PATH_LOCAL_PART_LONG);
	return true;
}

static bool
take_quoted_string(struct reader *r, struct smtp_address *a)
{
	char content[256];
	size_t len = 0, n;

	r->at++;
	while (r->at < r->end && *r->at != '"') {
		if (*r->at == '\\' && ++r->at == r->end)
			break;
		n = smtp_is_printable(*r->at) ? 1 :
		    r->utf8 ? utf8_non_ascii(rest(r)) : 0;
		if (n == 0)
			return fail(r, SMTP_PATH_SYNTAX);
		/* With a backslash before each it still fits into text. */
		if (len + n > r->limits->local_part || len + n > 248)
			return fail(r, SMTP_PATH_LOCAL_PART_LONG);
		memcpy(content + len, r->at, n);
		len += n;
		r->at += n;
	}
	if (!take(r, '"'))
		return false;
	return requote(r, a, content, len);
}

static bool
take_local_part(struct reader *r, struct smtp_address *a)
{
	bool ok = here(r, '"') ? take_quoted_string(r, a)
			       : take_dot_string(r, a);

	a->local_len = a->len;
	return ok;
}

/* ---- domain ---- */

/* Octets of a label at the front of s; of a U-label (RFC 5890 section
 * 2.3.2.1) what can be known without looking at its characters. */
static size_t
label_len(struct slice s, bool utf8)
{
	size_t i = 0, n;

	for (; i < s.len; i += n) {
		n = smtp_is_ldh(s.at[i]) ? 1 :
		    utf8 ? utf8_non_ascii(slice_skip(s, i)) : 0;
		if (n == 0)
			break;
	}
	/* How long its A-label will be is seen when it is made. */
	if (i == 0 || i > (utf8 ? 4u * 63 : 63u) || s.at[0] == '-' ||
	    s.at[i - 1] == '-')
		return 0;
	return i;
}

/*
 * How long a Domain stands at the front of s; 0 for none.  What follows it
 * is not looked at.
 */
static size_t
domain_len(struct slice s, bool utf8)
{
	size_t i = 0, n;

	for (;;) {
		if ((n = label_len(slice_skip(s, i), utf8)) == 0)
			return 0;
		i += n;
		if (i == s.len || s.at[i] != '.')
			return i;
		i++;
	}
}

bool
smtp_domain_valid(struct slice in, size_t max)
{
	return in.len > 0 && in.len <= max && domain_len(in, false) == in.len;
}

static bool
take_domain(struct reader *r, struct smtp_address *a)
{
	struct slice in = rest(r);
	size_t len = domain_len(in, r->utf8);

	if (len == 0)
		return fail(r, SMTP_PATH_SYNTAX);
	if (len > r->limits->domain || len > 255)
		return fail(r, SMTP_PATH_DOMAIN_LONG);
	if (a != NULL)
		for (size_t i = 0; i < len; i++)
			append(a, smtp_lower(in.at[i]));
	r->at += len;
	return true;
}

static bool
take_literal(struct reader *r, struct smtp_address *a)
{
	char out[SMTP_LITERAL_MAX];
	size_t len, used;

	len = smtp_literal_take(rest(r), out, &used);
	if (len == 0)
		return fail(r, SMTP_PATH_SYNTAX);
	for (size_t i = 0; i < len; i++)
		append(a, out[i]);
	r->at += used;
	return true;
}

bool
smtp_literal_valid(struct slice in)
{
	char out[SMTP_LITERAL_MAX];
	size_t used;

	return smtp_literal_take(in, out, &used) != 0 && used == in.len;
}

/* ---- paths ---- */

static bool
take_mailbox(struct reader *r, unsigned flags, struct smtp_address *a)
{
	if (!take_local_part(r, a))
		return false;
	if (!here(r, '@')) {
		if ((flags & SMTP_PATH_UNQUALIFIED) == 0 &&
		    ((flags & SMTP_PATH_FORWARD) == 0 ||
			!slice_equal_nocase(smtp_address_slice(a),
			    SLICE_LITERAL("postmaster"))))
			return fail(r, SMTP_PATH_SYNTAX);
		a->kind = SMTP_UNQUALIFIED;
		return true;
	}
	r->at++;
	append(a, '@');
	a->kind = here(r, '[') ? SMTP_LITERAL : SMTP_MAILBOX;
	return a->kind == SMTP_LITERAL ? take_literal(r, a) : take_domain(r, a);
}

/* A-d-l ":", RFC 5321 appendix C: checked, then forgotten. */
static bool
skip_source_route(struct reader *r)
{
	for (;;) {
		if (!take(r, '@') || !take_domain(r, NULL))
			return false;
		if (here(r, ':'))
			return take(r, ':');
		if (!take(r, ','))
			return false;
	}
}

static bool
take_bracketed(struct reader *r, unsigned flags, struct smtp_address *a)
{
	r->at++;
	if (here(r, '>') && (flags & SMTP_PATH_REVERSE)) {
		r->at++;
		a->kind = SMTP_NULL;
		return true;
	}
	if (here(r, '@') && !skip_source_route(r))
		return false;
	return take_mailbox(r, flags, a) && take(r, '>');
}

/* The faults that are said even where the grammar broke off earlier. */
static void
explain(struct reader *r, struct slice in)
{
	for (size_t i = 0; i < in.len && in.at[i] != ' '; i++)
		if ((unsigned char)in.at[i] >= 0x80)
			r->fault = SMTP_PATH_NOT_ASCII;
}

enum parse
smtp_path_parse(struct slice in, unsigned flags,
    const struct smtp_path_limits *limits, struct smtp_address *a,
    size_t *used, enum smtp_path_fault *why)
{
	struct reader r = { in.at, in.at + in.len, SMTP_PATH_OK, limits,
		(flags & SMTP_PATH_UTF8) != 0 };
	bool ok;

	a->kind = SMTP_NULL;
	a->len = a->local_len = 0;
	if (here(&r, '<'))
		ok = take_bracketed(&r, flags, a);
	else if (flags & SMTP_PATH_BARE)
		ok = take_mailbox(&r, flags, a) &&
		    (r.at == r.end || *r.at == ' ' ||
			fail(&r, SMTP_PATH_SYNTAX));
	else
		ok = fail(&r, SMTP_PATH_SYNTAX);
	*used = (size_t)(r.at - in.at);
	if (ok && *used > limits->path)
		ok = fail(&r, SMTP_PATH_LONG);
	if (!ok && !r.utf8)
		explain(&r, in);
	if (why != NULL)
		*why = r.fault;
	return ok ? PARSE_OK : PARSE_BAD;
}

enum parse
smtp_address_parse(struct slice in, struct smtp_address *a)
{
	static const struct smtp_path_limits widest = { 248, 255, 1024 };
	struct reader r = { in.at, in.at + in.len, SMTP_PATH_OK, &widest,
		true };

	a->kind = SMTP_NULL;
	a->len = a->local_len = 0;
	if (in.len == 0)
		return PARSE_OK;
	if (!take_mailbox(&r, SMTP_PATH_FORWARD, a) || r.at != r.end)
		return PARSE_BAD;
	return PARSE_OK;
}

void
smtp_address_qualify(struct smtp_address *a, struct slice domain)
{
	if (a->kind != SMTP_UNQUALIFIED)
		return;
	append(a, '@');
	for (size_t i = 0; i < domain.len; i++)
		append(a, smtp_lower(domain.at[i]));
	a->kind = SMTP_MAILBOX;
}

/* ---- what is in it ---- */

bool
smtp_address_is_ascii(const struct smtp_address *a)
{
	return slice_is_ascii(smtp_address_slice(a));
}

struct slice
smtp_address_local(const struct smtp_address *a)
{
	return slice_of(a->text, a->local_len);
}

struct slice
smtp_address_domain(const struct smtp_address *a)
{
	if (a->len == a->local_len)
		return slice_of(a->text + a->len, 0);
	return slice_skip(smtp_address_slice(a), (size_t)a->local_len + 1);
}

bool
smtp_address_equal(const struct smtp_address *a, const struct smtp_address *b)
{
	struct slice postmaster = SLICE_LITERAL("postmaster");

	if (a->kind != b->kind ||
	    !slice_equal(smtp_address_domain(a), smtp_address_domain(b)))
		return false;
	if (slice_equal_nocase(smtp_address_local(a), postmaster))
		return slice_equal_nocase(smtp_address_local(b), postmaster);
	return slice_equal(smtp_address_local(a), smtp_address_local(b));
}

size_t
smtp_address_unquote(const struct smtp_address *a, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < a->local_len; i++) {
		if (a->text[i] == '"')
			continue;
		if (a->text[i] == '\\')
			i++;
		out[len++] = a->text[i];
	}
	return len;
}
