#include "common/net/proxy.h"

#include <netinet/in.h>

enum {
	V2_HEAD = 16,		/* signature, version, family, length */
	V2_LOCAL = 0x20, V2_PROXY = 0x21,
	FAMILY_INET = 1, FAMILY_INET6 = 2,
	TRANSPORT_STREAM = 1
};

static const struct slice v2_signature =
    SLICE_LITERAL("\r\n\r\n\0\r\nQUIT\n");
static const struct slice v1_start = SLICE_LITERAL("PROXY ");

/* ---- version 1 ---- */

/* The next word, behind which exactly one space or the end is. */
static bool
take_word(struct slice *line, struct slice *word)
{
	const char *space = line->len == 0 ? NULL :
	    memchr(line->at, ' ', line->len);

	*word = *line;
	if (space != NULL)
		word->len = (size_t)(space - line->at);
	*line = slice_skip(*line, word->len + (space != NULL));
	return word->len > 0;
}

static bool
take_address(struct slice *line, enum net_family family,
    struct net_address *a)
{
	struct slice word;
	bool colon;

	if (!take_word(line, &word))
		return false;
	/* Mapped addresses become IPv4: judge by what is written. */
	colon = memchr(word.at, ':', word.len) != NULL;
	return net_address_parse(word, a) == PARSE_OK &&
	    colon == (family == NET_IPV6);
}

static bool
port(struct slice word, uint16_t *to)
{
	unsigned long long n;

	if (slice_number(word, 65535, &n) == -1 ||
	    (word.len > 1 && word.at[0] == '0'))
		return false;
	*to = (uint16_t)n;
	return true;
}

/* A line without its CRLF, behind "PROXY ". */
static bool
v1_line(struct slice line, struct proxy_header *h)
{
	struct net_address server;
	enum net_family family;
	struct slice word;

	if (!take_word(&line, &word))
		return false;
	if (slice_equal(word, SLICE_LITERAL("UNKNOWN"))) {
		h->local = true;
		return true;
	}
	if (slice_equal(word, SLICE_LITERAL("TCP4")))
		family = NET_IPV4;
	else if (slice_equal(word, SLICE_LITERAL("TCP6")))
		family = NET_IPV6;
	else
		return false;
	/* What is left behind the third is the last port, and nothing more. */
	return take_address(&line, family, &h->client) &&
	    take_address(&line, family, &server) && take_word(&line, &word) &&
	    port(word, &h->client.port) && port(line, &server.port);
}

static enum parse
v1_take(struct slice in, struct proxy_header *h, size_t *used)
{
	const char *end;
	struct slice line = in;

	if (line.len > PROXY_V1_MAX)
		line.len = PROXY_V1_MAX;
	end = memmem(line.at, line.len, "\r\n", 2);
	if (end == NULL)
		return line.len == PROXY_V1_MAX ? PARSE_BAD : PARSE_MORE;
	line.len = (size_t)(end - line.at);
	*used = line.len + 2;
	return v1_line(slice_skip(line, v1_start.len), h) ? PARSE_OK :
	    PARSE_BAD;
}

/* ---- version 2 ---- */

static void
v2_address(const unsigned char *at, enum net_family family,
    struct net_address *a)
{
	size_t len = family == NET_IPV4 ? 4 : 16;
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };

	/* By way of a socket's address, so that a mapped one becomes IPv4. */
	if (family == NET_IPV4) {
		memcpy(&in.sin_addr, at, len);
		memcpy(&in.sin_port, at + 2 * len, 2);
		net_address_from(a, (const struct sockaddr *)&in);
	} else {
		memcpy(&in6.sin6_addr, at, len);
		memcpy(&in6.sin6_port, at + 2 * len, 2);
		net_address_from(a, (const struct sockaddr *)&in6);
	}
}

/* Source and destination, then ports; then TLVs that say nothing to us. */
static enum parse
v2_proxied(const unsigned char *at, size_t len, unsigned family,
    struct proxy_header *h)
{
	switch (family) {
	case FAMILY_INET << 4 | TRANSPORT_STREAM:
		if (len < 12)
			return PARSE_BAD;
		v2_address(at, NET_IPV4, &h->client);
		return PARSE_OK;
	case FAMILY_INET6 << 4 | TRANSPORT_STREAM:
		if (len < 36)
			return PARSE_BAD;
		v2_address(at, NET_IPV6, &h->client);
		return PARSE_OK;
	case 0:				/* unspecified */
	case 3 << 4 | TRANSPORT_STREAM:	/* a Unix socket */
		h->local = true;
		return PARSE_OK;
	default:
		return PARSE_BAD;
	}
}

static enum parse
v2_take(struct slice in, struct proxy_header *h, size_t *used)
{
	const unsigned char *at = (const unsigned char *)in.at;
	size_t len;

	if (in.len < V2_HEAD)
		return PARSE_MORE;
	len = (size_t)at[14] << 8 | at[15];
	if (len > PROXY_V2_MAX - V2_HEAD ||
	    (at[12] != V2_LOCAL && at[12] != V2_PROXY))
		return PARSE_BAD;
	if (in.len < V2_HEAD + len)
		return PARSE_MORE;
	*used = V2_HEAD + len;
	if (at[12] == V2_LOCAL) {
		h->local = true;
		return PARSE_OK;
	}
	return v2_proxied(at + V2_HEAD, len, at[13], h);
}

/* Are the first octets, as many as there are, those of start? */
static bool
begins(struct slice in, struct slice start)
{
	if (in.len > start.len)
		in.len = start.len;
	return in.len == 0 || memcmp(in.at, start.at, in.len) == 0;
}

enum parse
proxy_header_take(struct slice in, struct proxy_header *h, size_t *used)
{
	*h = (struct proxy_header){ .local = false };
	*used = 0;
	if (begins(in, v1_start))
		return in.len < v1_start.len ? PARSE_MORE :
		    v1_take(in, h, used);
	if (begins(in, v2_signature))
		return in.len < v2_signature.len ? PARSE_MORE :
		    v2_take(in, h, used);
	return PARSE_BAD;
}
