#include "common/tls/provider.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/provider.h>

/* The names of OpenSSL's own provider: the same algorithms, elsewhere. */
#define NAMES_RSA	"RSA:rsaEncryption:1.2.840.113549.1.1.1"
#define NAMES_EC	"EC:id-ecPublicKey:1.2.840.10045.2.1"
#define NAMES_ED25519	"ED25519:1.3.101.112"
#define PROPERTY	"provider=bulkhead"

static const OSSL_ALGORITHM keymgmts[] = {
	{ NAMES_RSA, PROPERTY, provider_keymgmt_rsa, NULL },
	{ NAMES_EC, PROPERTY, provider_keymgmt_ec, NULL },
	{ NAMES_ED25519, PROPERTY, provider_keymgmt_ed25519, NULL },
	{ NULL, NULL, NULL, NULL }
};

static const OSSL_ALGORITHM signatures[] = {
	{ NAMES_RSA, PROPERTY, provider_signature, NULL },
	{ "ECDSA", PROPERTY, provider_signature, NULL },
	{ NAMES_ED25519, PROPERTY, provider_signature, NULL },
	{ NULL, NULL, NULL, NULL }
};

static const OSSL_ALGORITHM *
query(void *provctx, int operation, int *no_cache)
{
	(void)provctx;
	*no_cache = 0;
	switch (operation) {
	case OSSL_OP_KEYMGMT:
		return keymgmts;
	case OSSL_OP_SIGNATURE:
		return signatures;
	default:
		return NULL;
	}
}

static void
teardown(void *provctx)
{
	(void)provctx;
}

static const OSSL_DISPATCH provider_functions[] = {
	{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
	{ OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown },
	{ 0, NULL }
};

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **provctx)
{
	(void)in;
	*out = provider_functions;
	*provctx = (void *)handle;	/* must not be NULL; nothing is kept */
	return 1;
}

int
tls_provider_load(void)
{
	if (OSSL_PROVIDER_add_builtin(NULL, "bulkhead", provider_init) != 1 ||
	    OSSL_PROVIDER_load(NULL, "bulkhead") == NULL)
		return -1;
	return 0;
}

static const char *
type_of(const EVP_PKEY *public)
{
	static const char *const types[] = { "RSA", "EC", "ED25519" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (EVP_PKEY_is_a(public, types[i]))
			return types[i];
	return NULL;
}

/* The public half's parameters and, behind them, where the private one is. */
static OSSL_PARAM *
key_params(const EVP_PKEY *public, struct provider_place *place)
{
	OSSL_PARAM extra[2] = {
		OSSL_PARAM_construct_octet_string(PROVIDER_PLACE, place,
		    sizeof(*place)),
		OSSL_PARAM_construct_end() };
	OSSL_PARAM *params = NULL, *both;

	if (EVP_PKEY_todata(public, EVP_PKEY_PUBLIC_KEY, &params) != 1)
		return NULL;
	/* The merged list borrows from both. */
	both = OSSL_PARAM_merge(params, extra);
	if (both != NULL) {
		OSSL_PARAM *copy = OSSL_PARAM_dup(both);

		OSSL_PARAM_free(both);
		both = copy;
	}
	OSSL_PARAM_free(params);
	return both;
}

EVP_PKEY *
tls_provider_key(struct tls_keys *keys, const struct tls_key_id *id,
    EVP_PKEY *public)
{
	struct provider_place place = { .keys = keys, .id = *id };
	const char *type = type_of(public);
	OSSL_PARAM *params;
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key = NULL;

	if (type == NULL || (params = key_params(public, &place)) == NULL)
		return NULL;
	ctx = EVP_PKEY_CTX_new_from_name(NULL, type, PROPERTY);
	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}
