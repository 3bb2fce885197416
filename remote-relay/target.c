#include "remote-relay/target.h"

#include "common/smtp/address.h"

/* ":port" at the end of in, which is everything behind the host. */
static enum parse
port_parse(struct slice in, uint16_t *port)
{
	unsigned long long n;

	*port = 0;
	if (in.len == 0)
		return PARSE_OK;
	if (in.at[0] != ':' || slice_number(slice_skip(in, 1), 65535, &n) == -1 ||
	    n == 0)
		return PARSE_BAD;
	*port = (uint16_t)n;
	return PARSE_OK;
}

static enum parse
bracketed_parse(struct slice inside, struct target *t)
{
	static const struct slice tag = SLICE_LITERAL("IPv6:");
	struct slice bare = inside;

	if (slice_starts_nocase(inside, tag))
		bare = slice_skip(inside, tag.len);
	if (net_address_parse(bare, &t->address) == PARSE_OK) {
		t->kind = TARGET_ADDRESS;
		t->address.port = 0;
		return slice_copy_str(bare, t->name, sizeof(t->name)) == 0 ?
		    PARSE_OK : PARSE_BAD;
	}
	t->kind = TARGET_HOST;
	if (!smtp_domain_valid(inside, sizeof(t->name) - 1) ||
	    slice_copy_str(inside, t->name, sizeof(t->name)) == -1)
		return PARSE_BAD;
	return PARSE_OK;
}

enum parse
target_parse(struct slice in, struct target *t)
{
	const char *end;
	size_t len;

	*t = (struct target){ .kind = TARGET_DOMAIN };
	if (in.len > 0 && in.at[0] == '[') {
		if ((end = memchr(in.at, ']', in.len)) == NULL)
			return PARSE_BAD;
		len = (size_t)(end - in.at);
		if (port_parse(slice_skip(in, len + 1), &t->port) != PARSE_OK)
			return PARSE_BAD;
		return bracketed_parse(slice_of(in.at + 1, len - 1), t);
	}
	end = memchr(in.at, ':', in.len);
	len = end != NULL ? (size_t)(end - in.at) : in.len;
	if (port_parse(slice_skip(in, len), &t->port) != PARSE_OK ||
	    !smtp_domain_valid(slice_of(in.at, len), sizeof(t->name) - 1) ||
	    slice_copy_str(slice_of(in.at, len), t->name,
		sizeof(t->name)) == -1)
		return PARSE_BAD;
	return PARSE_OK;
}
