/* The one operation of our provider: have tlskeyd sign. */
#include "common/tls/provider.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include <stdlib.h>
#include <strings.h>

struct signing {
	const struct provider_key *key;
	char		 digest[16];	/* "" for Ed25519 */
	bool		 pss;
};

uint16_t
provider_scheme(const char *type, bool pss, const char *digest)
{
	static const struct {
		const char	*type;
		bool		 pss;
		const char	*digest;
		uint16_t	 scheme;
	} schemes[] = {
		{ "RSA", false, "SHA256", 0x0401 },
		{ "RSA", false, "SHA384", 0x0501 },
		{ "RSA", false, "SHA512", 0x0601 },
		{ "RSA", true, "SHA256", 0x0804 },
		{ "RSA", true, "SHA384", 0x0805 },
		{ "RSA", true, "SHA512", 0x0806 },
		{ "EC", false, "SHA256", 0x0403 },
		{ "EC", false, "SHA384", 0x0503 },
		{ "EC", false, "SHA512", 0x0603 },
		{ "ED25519", false, "", 0x0807 },
	};

	/* The digest goes by two names: RFC 6234's and OpenSSL's. */
	if (strncasecmp(digest, "SHA2-", 5) == 0)
		digest += 5;
	else if (strncasecmp(digest, "SHA", 3) == 0)
		digest += 3;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		const char *d = schemes[i].digest;

		if (strcmp(schemes[i].type, type) == 0 &&
		    schemes[i].pss == pss &&
		    strcmp(d[0] != '\0' ? d + 3 : d, digest) == 0)
			return schemes[i].scheme;
	}
	return 0;
}

static void *
signing_new(void *provctx, const char *properties)
{
	(void)provctx, (void)properties;
	return calloc(1, sizeof(struct signing));
}

static void
signing_free(void *ctx)
{
	free(ctx);
}

static void *
signing_dup(void *ctx)
{
	struct signing *s = malloc(sizeof(*s));

	if (s != NULL)
		memcpy(s, ctx, sizeof(*s));
	return s;
}

static int
take_padding(struct signing *s, const OSSL_PARAM *p)
{
	char text[16], *at = text;
	int mode;

	if (p->data_type == OSSL_PARAM_UTF8_STRING) {
		if (!OSSL_PARAM_get_utf8_string(p, &at, sizeof(text)))
			return 0;
		s->pss = strcasecmp(text, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
		return s->pss ||
		    strcasecmp(text, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0;
	}
	if (!OSSL_PARAM_get_int(p, &mode))
		return 0;
	s->pss = mode == RSA_PKCS1_PSS_PADDING;
	return s->pss || mode == RSA_PKCS1_PADDING;
}

/* TLS knows one length, that of the digest (RFC 8446 section 4.2.3). */
static int
salt_is_of_tls(const OSSL_PARAM *p)
{
	char text[16], *at = text;
	int len;

	if (p->data_type == OSSL_PARAM_UTF8_STRING)
		return OSSL_PARAM_get_utf8_string(p, &at, sizeof(text)) &&
		    strcasecmp(text, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0;
	return OSSL_PARAM_get_int(p, &len) && len == RSA_PSS_SALTLEN_DIGEST;
}

static int
signing_set_params(void *ctx, const OSSL_PARAM params[])
{
	struct signing *s = ctx;
	const OSSL_PARAM *p;

	if (params == NULL)
		return 1;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (p != NULL && !take_padding(s, p))
		return 0;
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
	return p == NULL || salt_is_of_tls(p);
}

static const OSSL_PARAM *
signing_settable(void *ctx, void *provctx)
{
	static const OSSL_PARAM settable[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL,
		    0),
		OSSL_PARAM_END
	};

	(void)ctx, (void)provctx;
	return settable;
}

static int
signing_init(void *ctx, const char *digest, void *key,
    const OSSL_PARAM params[])
{
	struct signing *s = ctx;

	if (key != NULL)
		s->key = key;
	if (s->key == NULL || s->key->public == NULL)
		return 0;
	if (digest == NULL)
		digest = "";
	if (strlen(digest) >= sizeof(s->digest) ||
	    provider_scheme(s->key->type, false, digest) == 0)
		return 0;
	memcpy(s->digest, digest, strlen(digest) + 1);
	return signing_set_params(ctx, params);
}

static int
signing_sign(void *ctx, unsigned char *sig, size_t *len, size_t size,
    const unsigned char *input, size_t input_len)
{
	const struct signing *s = ctx;
	int max = EVP_PKEY_get_size(s->key->public);
	uint16_t scheme = provider_scheme(s->key->type, s->pss, s->digest);

	if (max <= 0 || scheme == 0)
		return 0;
	if (sig == NULL) {
		*len = (size_t)max;
		return 1;
	}
	if (s->key->keys == NULL)
		return 0;
	*len = size;
	return tls_keys_sign(s->key->keys, &s->key->id, scheme,
	    slice_of(input, input_len), sig, len);
}

const OSSL_DISPATCH provider_signature[] = {
	{ OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void))signing_new },
	{ OSSL_FUNC_SIGNATURE_FREECTX, (void (*)(void))signing_free },
	{ OSSL_FUNC_SIGNATURE_DUPCTX, (void (*)(void))signing_dup },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (void (*)(void))signing_init },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (void (*)(void))signing_sign },
	{ OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS,
	    (void (*)(void))signing_set_params },
	{ OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS,
	    (void (*)(void))signing_settable },
	{ 0, NULL }
};
