#include "common/sasl/client.h"

#include <stdlib.h>

#include <bsd/stdlib.h>

struct sasl_client {
	enum sasl_mechanism mechanism;
	unsigned	steps;
	bool		satisfied;
	size_t		name_len, password_len;
	char		name[SASL_CLIENT_NAME_MAX];
	char		password[SASL_CLIENT_PASSWORD_MAX];
	struct scram_client_binding binding;
	char		binding_data[SCRAM_BINDING_MAX];
	struct scram_client scram;
};

enum sasl_mechanism
sasl_client_choose(unsigned offered, const struct sasl_client_rules *rules)
{
	if (rules->binding &&
	    (offered & SASL_BIT(SASL_SCRAM_SHA_256_PLUS)) != 0)
		return SASL_SCRAM_SHA_256_PLUS;
	if ((offered & SASL_BIT(SASL_SCRAM_SHA_256)) != 0)
		return SASL_SCRAM_SHA_256;
	if (rules->secret && (offered & SASL_BIT(SASL_PLAIN)) != 0)
		return SASL_PLAIN;
	if (rules->secret && (offered & SASL_BIT(SASL_LOGIN)) != 0)
		return SASL_LOGIN;
	return SASL_NONE;
}

struct sasl_client *
sasl_client_new(enum sasl_mechanism m,
    const struct sasl_client_credentials *who)
{
	struct sasl_client *c;

	if (who->name.len == 0 || who->name.len > SASL_CLIENT_NAME_MAX ||
	    who->password.len == 0 ||
	    who->password.len > SASL_CLIENT_PASSWORD_MAX ||
	    who->binding.data.len > SCRAM_BINDING_MAX ||
	    (c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->mechanism = m;
	memcpy(c->name, who->name.at, who->name.len);
	c->name_len = who->name.len;
	memcpy(c->password, who->password.at, who->password.len);
	c->password_len = who->password.len;
	c->binding = who->binding;
	if (m != SASL_SCRAM_SHA_256_PLUS)
		c->binding.type = SCRAM_UNBOUND;
	if (who->binding.data.len > 0)
		memcpy(c->binding_data, who->binding.data.at,
		    who->binding.data.len);
	c->binding.data.at = c->binding_data;
	return c;
}

void
sasl_client_free(struct sasl_client *c)
{
	if (c == NULL)
		return;
	explicit_bzero(c, sizeof(*c));
	free(c);
}

static enum sasl_client_step
send_text(struct slice text, char *out, size_t *len)
{
	memcpy(out, text.at, text.len);
	*len = text.len;
	return SASL_CLIENT_SEND;
}

/* Once only; a server that asks again is told no more. */
static enum sasl_client_step
plain(struct sasl_client *c, char *out, size_t *len)
{
	size_t n = 0;

	if (c->steps > 0)
		return SASL_CLIENT_FAIL;
	out[n++] = '\0';
	memcpy(out + n, c->name, c->name_len);
	n += c->name_len;
	out[n++] = '\0';
	memcpy(out + n, c->password, c->password_len);
	*len = n + c->password_len;
	c->satisfied = true;
	return SASL_CLIENT_SEND;
}

static enum sasl_client_step
login(struct sasl_client *c, char *out, size_t *len)
{
	switch (c->steps) {
	case 0:
		return SASL_CLIENT_WAIT;
	case 1:
		return send_text(slice_of(c->name, c->name_len), out, len);
	case 2:
		c->satisfied = true;
		return send_text(slice_of(c->password, c->password_len), out,
		    len);
	default:
		return SASL_CLIENT_FAIL;
	}
}

static void
make_nonce(char nonce[SCRAM_NONCE_LEN])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < SCRAM_NONCE_LEN; i++)
		nonce[i] = letters[arc4random_uniform(64)];
}

static enum sasl_client_step
scram(struct sasl_client *c, struct slice challenge, char *out, size_t *len)
{
	char nonce[SCRAM_NONCE_LEN];
	int result = -1;

	switch (c->steps) {
	case 0:
		make_nonce(nonce);
		result = scram_client_first(&c->scram, slice_of(c->name,
		    c->name_len), &c->binding, slice_of(nonce, sizeof(nonce)),
		    out, len);
		break;
	case 1:
		result = scram_client_final(&c->scram, challenge,
		    slice_of(c->password, c->password_len), out, len);
		break;
	case 2:
		c->satisfied = scram_client_verify(&c->scram, challenge);
		*len = 0;
		result = c->satisfied ? 0 : -1;
		break;
	}
	return result == 0 ? SASL_CLIENT_SEND : SASL_CLIENT_FAIL;
}

enum sasl_client_step
sasl_client_step(struct sasl_client *c, struct slice challenge, char *out,
    size_t *len)
{
	enum sasl_client_step step = SASL_CLIENT_FAIL;

	*len = 0;
	switch (c->mechanism) {
	case SASL_PLAIN:
		step = plain(c, out, len);
		break;
	case SASL_LOGIN:
		step = login(c, out, len);
		break;
	case SASL_SCRAM_SHA_256:
	case SASL_SCRAM_SHA_256_PLUS:
		step = scram(c, challenge, out, len);
		break;
	default:
		break;
	}
	c->steps++;
	return step;
}

bool
sasl_client_satisfied(const struct sasl_client *c)
{
	return c->satisfied;
}
