#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "common/smtp/characters.h"
#include "common/smtp/literal.h"

/* dcontent: printable, but neither bracket nor backslash nor space. */
static bool
is_dcontent(char c)
{
	return c > 32 && c < 127 && c != '[' && c != '\\' && c != ']';
}

/* Snum 3("." Snum): leading zeros are allowed, and only that differs from
 * what inet_pton takes. */
static bool
parse_ipv4(struct slice s, unsigned char octets[4])
{
	size_t i = 0;

	for (int part = 0; part < 4; part++) {
		unsigned v = 0;
		size_t digits = 0;

		if (part > 0 && (i == s.len || s.at[i++] != '.'))
			return false;
		for (; i < s.len && smtp_is_digit(s.at[i]); i++, digits++)
			if (digits < 3)
				v = v * 10 + (unsigned)(s.at[i] - '0');
		if (digits == 0 || digits > 3 || v > 255)
			return false;
		octets[part] = (unsigned char)v;
	}
	return i == s.len;
}

static size_t
print_ipv4(struct slice body, char *out)
{
	unsigned char o[4];

	if (!parse_ipv4(body, o))
		return 0;
	return (size_t)snprintf(out, SMTP_LITERAL_MAX, "[%u.%u.%u.%u]", o[0],
	    o[1], o[2], o[3]);
}

static size_t
print_ipv6(struct slice body, char *out)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (slice_copy_str(body, text, sizeof(text)) == -1 ||
	    inet_pton(AF_INET6, text, &address) != 1 ||
	    inet_ntop(AF_INET6, &address, text, sizeof(text)) == NULL)
		return 0;
	return (size_t)snprintf(out, SMTP_LITERAL_MAX, "[IPv6:%s]", text);
}

/* Standardized-tag ":" 1*dcontent: we know none, and keep it as it is. */
static size_t
print_general(struct slice body, const char *colon, char *out)
{
	size_t tag = (size_t)(colon - body.at), len = 0;

	if (tag == 0 || tag + 1 == body.len || body.at[tag - 1] == '-' ||
	    body.len + 2 > SMTP_LITERAL_MAX - 1)
		return 0;
	for (size_t i = 0; i < tag; i++)
		if (!smtp_is_ldh(body.at[i]))
			return 0;
	out[len++] = '[';
	for (size_t i = 0; i < body.len; i++)
		out[len++] = i < tag ? smtp_lower(body.at[i]) : body.at[i];
	out[len++] = ']';
	return len;
}

size_t
smtp_literal_take(struct slice in, char *out, size_t *used)
{
	struct slice ipv6 = SLICE_LITERAL("IPv6:"), body;
	const char *colon;
	size_t i;

	if (in.len == 0 || in.at[0] != '[')
		return 0;
	for (i = 1; i < in.len && is_dcontent(in.at[i]); i++)
		;
	if (i == in.len || in.at[i] != ']' || i == 1)
		return 0;
	*used = i + 1;
	body = slice_of(in.at + 1, i - 1);
	if (slice_starts_nocase(body, ipv6))
		return print_ipv6(slice_skip(body, ipv6.len), out);
	colon = memchr(body.at, ':', body.len);
	if (colon != NULL)
		return print_general(body, colon, out);
	return print_ipv4(body, out);
}
