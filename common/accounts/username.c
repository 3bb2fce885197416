#include "common/accounts/username.h"

#include "common/utf8/utf8.h"

static bool
letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

static bool
local_char(char c)
{
	return letter_or_digit(c) || (c != '\0' && strchr("._-+='", c) != NULL);
}

bool
username_local_valid(struct slice s)
{
	size_t n;

	if (s.len == 0 || s.len > USERNAME_LOCAL_MAX ||
	    (!letter_or_digit(s.at[0]) && utf8_non_ascii(s) == 0) ||
	    s.at[s.len - 1] == '.')
		return false;
	for (size_t i = 0; i < s.len; i += n) {
		n = local_char(s.at[i]) ? 1 : utf8_non_ascii(slice_skip(s, i));
		if (n == 0 || (i > 0 && s.at[i] == '.' && s.at[i - 1] == '.'))
			return false;
	}
	return true;
}

/* [192.0.2.1], [IPv6:2001:db8::1]: kept as text, never looked into. */
static bool
literal_valid(struct slice s)
{
	if (s.len < 3 || s.at[s.len - 1] != ']')
		return false;
	for (size_t i = 1; i < s.len - 1; i++)
		if (!letter_or_digit(s.at[i]) && s.at[i] != ':' &&
		    s.at[i] != '.')
			return false;
	return true;
}

bool
username_domain_valid(struct slice s)
{
	size_t label = 0;

	if (s.len == 0 || s.len > USERNAME_DOMAIN_MAX)
		return false;
	if (s.at[0] == '[')
		return literal_valid(s);
	for (size_t i = 0; i < s.len; i++) {
		bool edge = i + 1 == s.len || s.at[i + 1] == '.';

		if (s.at[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		label++;
		if (label > 63 || (!letter_or_digit(s.at[i]) &&
		    (s.at[i] != '-' || label == 1 || edge)))
			return false;
	}
	return label > 0;
}

enum parse
username_parse(struct slice in, struct username *name)
{
	const char *at;

	if (in.len == 0 || in.len > USERNAME_MAX)
		return PARSE_BAD;
	at = memchr(in.at, '@', in.len);
	name->local = in;
	name->domain = slice_of(in.at + in.len, 0);
	if (at != NULL) {
		name->local.len = (size_t)(at - in.at);
		name->domain = slice_skip(in, name->local.len + 1);
		if (!username_domain_valid(name->domain))
			return PARSE_BAD;
	}
	return username_local_valid(name->local) ? PARSE_OK : PARSE_BAD;
}

/* RFC 5321 section 4.1.2: quoted-pairSMTP and qtextSMTP; no control. */
static int
unquote(struct slice in, char *out, size_t size, size_t *len)
{
	size_t n = 0;

	for (size_t i = 1; i + 1 < in.len; i++) {
		if (in.at[i] == '"')
			return -1;
		if (in.at[i] == '\\' && ++i + 1 == in.len)
			return -1;
		if (n == size)
			return -1;
		out[n++] = in.at[i];
	}
	*len = n;
	return 0;
}

static bool
printable(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f)
			return false;
	return true;
}

enum parse
address_parts(struct slice in, char local[USERNAME_UNQUOTED_SIZE],
    struct username *part)
{
	const char *at;
	size_t len;

	if (in.len == 0 || in.len > 2 * USERNAME_MAX || !printable(in))
		return PARSE_BAD;
	at = memrchr(in.at, '@', in.len);
	if (in.at[in.len - 1] == '"')
		at = NULL;		/* "a@b" alone: no domain */
	len = at == NULL ? in.len : (size_t)(at - in.at);
	part->local = slice_of(in.at, len);
	part->domain = at == NULL ? slice_of(in.at + in.len, 0) :
	    slice_skip(in, len + 1);
	if (len == 0 || part->domain.len > USERNAME_DOMAIN_MAX ||
	    (at != NULL && part->domain.len == 0))
		return PARSE_BAD;
	if (in.at[0] == '"') {
		if (len < 2 || in.at[len - 1] != '"' ||
		    unquote(part->local, local, USERNAME_UNQUOTED_SIZE,
			&part->local.len) == -1)
			return PARSE_BAD;
	} else if (len > USERNAME_UNQUOTED_SIZE)
		return PARSE_BAD;
	else
		memcpy(local, in.at, len);
	part->local.at = local;
	return part->local.len > 0 ? PARSE_OK : PARSE_BAD;
}

/* Of a dot-string; not what stands around it. */
static bool
dot_string_char(char c)
{
	return letter_or_digit(c) ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

/* RFC 5321 section 4.1.2: Dot-string; RFC 6531 section 3.3. */
static bool
dot_string(struct slice s)
{
	size_t n;

	if (s.len == 0 || s.at[0] == '.' || s.at[s.len - 1] == '.')
		return false;
	for (size_t i = 0; i < s.len; i += n) {
		n = dot_string_char(s.at[i]) ? 1 :
		    utf8_non_ascii(slice_skip(s, i));
		if (n == 0 || (s.at[i] == '.' && s.at[i - 1] == '.'))
			return false;
	}
	return true;
}

enum parse
address_plain_parse(struct slice in, struct username *part)
{
	const char *at;

	if (in.len == 0 || in.len > USERNAME_MAX)
		return PARSE_BAD;
	at = memchr(in.at, '@', in.len);
	part->local = in;
	part->domain = slice_of(in.at + in.len, 0);
	if (at != NULL) {
		part->local.len = (size_t)(at - in.at);
		part->domain = slice_skip(in, part->local.len + 1);
		if (!username_domain_valid(part->domain))
			return PARSE_BAD;
	}
	return part->local.len <= USERNAME_LOCAL_MAX &&
	    dot_string(part->local) ? PARSE_OK : PARSE_BAD;
}

int
address_join(struct slice local, struct slice domain, char *out, size_t size)
{
	bool quote = !dot_string(local);
	size_t n = 0;

	/* Every octet of the local-part may need a backslash. */
	if (2 * local.len + domain.len + 4 > size)
		return -1;
	if (quote)
		out[n++] = '"';
	for (size_t i = 0; i < local.len; i++) {
		if (quote && (local.at[i] == '"' || local.at[i] == '\\'))
			out[n++] = '\\';
		out[n++] = local.at[i];
	}
	if (quote)
		out[n++] = '"';
	out[n++] = '@';
	memcpy(out + n, domain.at, domain.len);
	out[n + domain.len] = '\0';
	return (int)(n + domain.len);
}
