#include "common/sasl/scram_server.h"

#include <stdio.h>

#include "common/sasl/base64.h"

/* ---- verifiers ---- */

static bool
cut_at(struct slice *rest, char mark, struct slice *piece)
{
	const char *at = rest->len == 0 ? NULL :
	    memchr(rest->at, mark, rest->len);

	if (at == NULL)
		return false;
	*piece = slice_of(rest->at, (size_t)(at - rest->at));
	*rest = slice_skip(*rest, piece->len + 1);
	return true;
}

static int
key_decode(struct slice base64, uint8_t key[SCRAM_KEY_LEN])
{
	char out[3 * (SASL_BASE64_LEN(SCRAM_KEY_LEN) / 4)];
	size_t len;

	if (base64.len != SASL_BASE64_LEN(SCRAM_KEY_LEN) ||
	    sasl_base64_decode(base64, out, &len) == -1 ||
	    len != SCRAM_KEY_LEN)
		return -1;
	memcpy(key, out, SCRAM_KEY_LEN);
	explicit_bzero(out, sizeof(out));
	return 0;
}

int
scram_verifier_parse(struct slice text, struct scram_verifier *v)
{
	static const struct slice scheme = SLICE_LITERAL("SCRAM-SHA-256");
	struct slice name, iterations, salt, stored;
	unsigned long long n;

	if (!cut_at(&text, '$', &name) || !slice_equal(name, scheme) ||
	    !cut_at(&text, ':', &iterations) ||
	    slice_number(iterations, UINT32_MAX, &n) == -1 ||
	    !cut_at(&text, '$', &salt) || salt.len == 0 ||
	    salt.len > sizeof(v->salt) || !cut_at(&text, ':', &stored) ||
	    key_decode(stored, v->keys.stored) == -1 ||
	    key_decode(text, v->keys.server) == -1)
		return -1;
	v->iterations = (unsigned)n;
	v->salt_len = salt.len;
	memcpy(v->salt, salt.at, salt.len);
	return 0;
}

int
scram_verifier_invent(struct slice secret, struct slice name,
    unsigned iterations, size_t salt_octets, struct scram_verifier *v)
{
	uint8_t salt[SCRAM_KEY_LEN];

	if (salt_octets > sizeof(salt) || scram_hmac(secret, name, salt) == -1)
		return -1;
	*v = (struct scram_verifier){ .iterations = iterations };
	v->salt_len = sasl_base64_encode(slice_of(salt, salt_octets), v->salt);
	/* The salt is public; the keys must not follow from it. */
	if (scram_hmac(secret, slice_of(salt, sizeof(salt)),
	    v->keys.stored) == -1)
		return -1;
	return scram_hmac(slice_of(v->keys.stored, SCRAM_KEY_LEN), secret,
	    v->keys.server);
}

/* ---- the conversation ---- */

/* Whoever may log in is the account that acts. */
static bool
identity_allowed(const struct scram_client_first *m)
{
	return m->authzid.len == 0 || slice_equal(m->authzid, m->name);
}

/* The flag of RFC 5802 section 6 against the mechanism and the channel. */
static const char *
binding_refusal(const struct scram_client_first *m, bool plus,
    const struct scram_channel *channel, struct slice *data)
{
	*data = slice_of("", 0);
	if (m->flag == 'y' && channel->offered)
		return "the client was told that there is no channel binding";
	if (plus != (m->flag == 'p'))
		return "channel binding and mechanism do not agree";
	if (m->binding == SCRAM_TLS_EXPORTER)
		*data = channel->exporter;
	else if (m->binding == SCRAM_TLS_UNIQUE)
		*data = channel->unique;
	else if (m->binding == SCRAM_TLS_SERVER_END_POINT)
		*data = channel->end_point;
	if (plus && (data->len == 0 || data->len > SCRAM_BINDING_MAX))
		return "no channel binding of that type";
	return NULL;
}

enum scram_verdict
scram_server_begin(struct scram_server *s, bool plus,
    struct slice client_first, const struct scram_channel *channel,
    const char **why)
{
	struct scram_client_first m;
	struct slice data;

	*why = "not a first message of SCRAM";
	if (scram_client_first_parse(client_first, &m) != PARSE_OK ||
	    scram_name_unescape(m.name, s->name, &s->name_len) == -1)
		return SCRAM_MALFORMED;
	if ((*why = binding_refusal(&m, plus, channel, &data)) != NULL)
		return SCRAM_REFUSED;
	*why = "nobody may act for another";
	if (!identity_allowed(&m))
		return SCRAM_REFUSED;
	memcpy(s->binding, m.gs2_header.at, m.gs2_header.len);
	if (data.len > 0)
		memcpy(s->binding + m.gs2_header.len, data.at, data.len);
	s->binding_len = m.gs2_header.len + data.len;
	memcpy(s->bare, m.bare.at, m.bare.len);
	s->bare_len = m.bare.len;
	/* The nonce so far; server-first adds to it. */
	memcpy(s->first, "r=", 2);
	memcpy(s->first + 2, m.nonce.at, m.nonce.len);
	s->nonce_len = m.nonce.len;
	return SCRAM_GOOD;
}

struct slice
scram_server_first(struct scram_server *s, const struct scram_verifier *v,
    struct slice nonce)
{
	int n;

	memcpy(s->first + 2 + s->nonce_len, nonce.at, nonce.len);
	s->nonce_len += nonce.len;
	s->first_len = 2 + s->nonce_len;
	n = snprintf(s->first + s->first_len, sizeof(s->first) - s->first_len,
	    ",s=%.*s,i=%u", (int)v->salt_len, v->salt, v->iterations);
	s->first_len += (size_t)n;
	s->keys = v->keys;
	return slice_of(s->first, s->first_len);
}

/* client-first-bare "," server-first "," client-final-without-proof */
static size_t
auth_message(const struct scram_server *s, struct slice without_proof,
    char out[3 * SCRAM_MESSAGE_MAX + 2])
{
	size_t len = 0;

	memcpy(out, s->bare, s->bare_len);
	len += s->bare_len;
	out[len++] = ',';
	memcpy(out + len, s->first, s->first_len);
	len += s->first_len;
	out[len++] = ',';
	memcpy(out + len, without_proof.at, without_proof.len);
	return len + without_proof.len;
}

static bool
binding_matches(const struct scram_server *s, struct slice base64)
{
	char want[SASL_BASE64_LEN(sizeof(s->binding))];
	size_t len = sasl_base64_encode(slice_of(s->binding, s->binding_len),
	    want);

	return slice_equal(base64, slice_of(want, len));
}

static int
prove(const struct scram_server *s, const struct scram_client_final *m,
    bool *good, char final[SCRAM_SERVER_FINAL_MAX])
{
	char message[3 * SCRAM_MESSAGE_MAX + 2];
	uint8_t proof[SCRAM_KEY_LEN], signature[SCRAM_KEY_LEN];
	struct slice text = slice_of(message, auth_message(s,
	    m->without_proof, message));

	if (key_decode(m->proof, proof) == -1 ||
	    scram_proof_check(&s->keys, text, proof, good) == -1 ||
	    scram_server_signature(&s->keys, text, signature) == -1)
		return -1;
	memcpy(final, "v=", 2);
	sasl_base64_encode(slice_of(signature, sizeof(signature)), final + 2);
	return 0;
}

enum scram_verdict
scram_server_finish(struct scram_server *s, struct slice client_final,
    char final[SCRAM_SERVER_FINAL_MAX], const char **why)
{
	struct scram_client_final m;
	bool good = false;

	*why = "not a final message of SCRAM";
	if (scram_client_final_parse(client_final, &m) != PARSE_OK)
		return SCRAM_MALFORMED;
	*why = "another conversation's nonce";
	if (!slice_equal(m.nonce, slice_of(s->first + 2, s->nonce_len)))
		return SCRAM_REFUSED;
	*why = "another channel's binding";
	if (!binding_matches(s, m.binding))
		return SCRAM_REFUSED;
	*why = "not a proof";
	if (prove(s, &m, &good, final) == -1)
		return SCRAM_MALFORMED;
	*why = "wrong password";
	return good ? SCRAM_GOOD : SCRAM_WRONG;
}
