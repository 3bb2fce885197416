#include "common/sasl/exchange.h"

#include "common/sasl/plain.h"

void
sasl_exchange_begin(struct sasl_exchange *x, enum sasl_mechanism m,
    struct sasl_result *r)
{
	*x = (struct sasl_exchange){ .mechanism = m };
	*r = (struct sasl_result){ .challenge = m == SASL_LOGIN ?
	    SLICE_LITERAL("Username:") : SLICE_LITERAL("") };
}

static enum sasl_step
plain(struct slice response, struct sasl_result *r)
{
	struct sasl_plain p;

	if (sasl_plain_parse(response, &p) != PARSE_OK)
		return SASL_MALFORMED;
	if (p.authzid.len > 0 && !slice_equal(p.authzid, p.authcid))
		return SASL_IDENTITY;
	r->name = p.authcid;
	r->password = p.password;
	return SASL_PASSWORD;
}

/* "Username:", a name, "Password:", a password. */
static enum sasl_step
login(struct sasl_exchange *x, struct slice response, struct sasl_result *r)
{
	if (response.len == 0)
		return SASL_MALFORMED;
	if (x->responses == 1) {
		if (response.len > sizeof(x->name))
			return SASL_MALFORMED;
		memcpy(x->name, response.at, response.len);
		x->name_len = response.len;
		r->challenge = SLICE_LITERAL("Password:");
		return SASL_SAY;
	}
	r->name = slice_of(x->name, x->name_len);
	r->password = response;
	return SASL_PASSWORD;
}

enum sasl_step
sasl_exchange_take(struct sasl_exchange *x, struct slice response,
    struct sasl_result *r)
{
	*r = (struct sasl_result){ .challenge = SLICE_LITERAL("") };
	x->responses++;
	switch (x->mechanism) {
	case SASL_PLAIN:
		return plain(response, r);
	case SASL_LOGIN:
		return login(x, response, r);
	case SASL_SCRAM_SHA_256:
	case SASL_SCRAM_SHA_256_PLUS:
		r->message = response;
		return SASL_FORWARD;
	default:
		return SASL_MALFORMED;
	}
}

void
sasl_exchange_clear(struct sasl_exchange *x)
{
	explicit_bzero(x, sizeof(*x));
}
