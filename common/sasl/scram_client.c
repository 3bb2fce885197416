#include "common/sasl/scram_client.h"

#include <stdio.h>

#include <openssl/crypto.h>

#include "common/sasl/base64.h"

static void
put(char *out, size_t *len, struct slice s)
{
	if (s.len > 0)
		memcpy(out + *len, s.at, s.len);
	*len += s.len;
}

static int
set_binding(struct scram_client *c, const struct scram_client_binding *b)
{
	int n;

	if (b->type == SCRAM_UNBOUND)
		n = snprintf(c->header, sizeof(c->header), "%c,,",
		    b->able ? 'y' : 'n');
	else
		n = snprintf(c->header, sizeof(c->header), "p=%s,,",
		    scram_binding_name(b->type));
	c->header_len = (size_t)n;
	c->data_len = b->type == SCRAM_UNBOUND ? 0 : b->data.len;
	if (c->data_len > sizeof(c->data) ||
	    (b->type != SCRAM_UNBOUND && c->data_len == 0))
		return -1;
	if (c->data_len > 0)
		memcpy(c->data, b->data.at, c->data_len);
	return 0;
}

int
scram_client_first(struct scram_client *c, struct slice name,
    const struct scram_client_binding *binding, struct slice nonce, char *out,
    size_t *len)
{
	*c = (struct scram_client){ 0 };
	if (name.len == 0 || name.len > SCRAM_NAME_MAX || nonce.len == 0 ||
	    nonce.len > SCRAM_NONCE_LEN || set_binding(c, binding) == -1)
		return -1;
	memcpy(c->nonce, nonce.at, nonce.len);
	c->nonce_len = nonce.len;
	put(c->first, &c->first_len, SLICE_LITERAL("n="));
	c->first_len += scram_name_escape(name, c->first + c->first_len);
	put(c->first, &c->first_len, SLICE_LITERAL(",r="));
	put(c->first, &c->first_len, nonce);
	*len = 0;
	put(out, len, slice_of(c->header, c->header_len));
	put(out, len, slice_of(c->first, c->first_len));
	return 0;
}

/* Ours, and something of the server's behind it. */
static bool
nonce_goes_on(const struct scram_client *c, struct slice nonce)
{
	return nonce.len > c->nonce_len && memcmp(nonce.at, c->nonce,
	    c->nonce_len) == 0;
}

static int
keys_of(const struct scram_server_first *m, struct slice password,
    uint8_t salted[SCRAM_KEY_LEN])
{
	char salt[3 * (SASL_BASE64_LEN(SCRAM_SALT_MAX) / 4)];
	size_t len;

	if (m->salt.len > SASL_BASE64_LEN(SCRAM_SALT_MAX) ||
	    sasl_base64_decode(m->salt, salt, &len) == -1 || len == 0)
		return -1;
	return scram_salted_password(password, slice_of(salt, len),
	    m->iterations, salted);
}

/* "c=" ",r=": client-final-message-without-proof */
static void
put_without_proof(const struct scram_client *c, struct slice nonce, char *out,
    size_t *len)
{
	char input[sizeof(c->header) + SCRAM_BINDING_MAX];
	size_t n = 0;

	put(input, &n, slice_of(c->header, c->header_len));
	put(input, &n, slice_of(c->data, c->data_len));
	put(out, len, SLICE_LITERAL("c="));
	*len += sasl_base64_encode(slice_of(input, n), out + *len);
	put(out, len, SLICE_LITERAL(",r="));
	put(out, len, nonce);
}

static int
prove(struct scram_client *c, const uint8_t salted[SCRAM_KEY_LEN],
    struct slice message, char *out, size_t *len)
{
	uint8_t proof[SCRAM_KEY_LEN];
	struct scram_keys keys;
	int result = -1;

	if (scram_client_proof(salted, message, proof) == 0 &&
	    scram_keys_make(salted, &keys) == 0 &&
	    scram_server_signature(&keys, message, c->signature) == 0) {
		put(out, len, SLICE_LITERAL(",p="));
		*len += sasl_base64_encode(slice_of(proof, sizeof(proof)),
		    out + *len);
		result = 0;
	}
	explicit_bzero(&keys, sizeof(keys));
	return result;
}

int
scram_client_final(struct scram_client *c, struct slice server_first,
    struct slice password, char *out, size_t *len)
{
	char message[3 * SCRAM_MESSAGE_MAX + 2];
	struct scram_server_first m;
	uint8_t salted[SCRAM_KEY_LEN];
	size_t n = 0;
	int result = -1;

	*len = 0;
	if (scram_server_first_parse(server_first, &m) != PARSE_OK ||
	    !nonce_goes_on(c, m.nonce) ||
	    m.iterations < SCRAM_ITERATIONS_MIN ||
	    m.iterations > SCRAM_ITERATIONS_MAX)
		return -1;
	put_without_proof(c, m.nonce, out, len);
	put(message, &n, slice_of(c->first, c->first_len));
	put(message, &n, SLICE_LITERAL(","));
	put(message, &n, server_first);
	put(message, &n, SLICE_LITERAL(","));
	put(message, &n, slice_of(out, *len));
	if (keys_of(&m, password, salted) == 0)
		result = prove(c, salted, slice_of(message, n), out, len);
	explicit_bzero(salted, sizeof(salted));
	return result;
}

bool
scram_client_verify(const struct scram_client *c, struct slice server_final)
{
	char got[3 * (SASL_BASE64_LEN(SCRAM_KEY_LEN) / 4)];
	struct scram_server_final m;
	size_t len;

	return scram_server_final_parse(server_final, &m) == PARSE_OK &&
	    m.verifier.len == SASL_BASE64_LEN(SCRAM_KEY_LEN) &&
	    sasl_base64_decode(m.verifier, got, &len) == 0 &&
	    len == SCRAM_KEY_LEN &&
	    CRYPTO_memcmp(got, c->signature, SCRAM_KEY_LEN) == 0;
}
