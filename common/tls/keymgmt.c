/*
 * Keys of our provider: a public key of OpenSSL's own, to which every
 * question is passed on, and where the private one is.
 */
#include "common/tls/provider.h"

#include <openssl/core_names.h>

#include <stdlib.h>

static void *
key_new(const char *type)
{
	struct provider_key *k = calloc(1, sizeof(*k));

	if (k != NULL)
		k->type = type;
	return k;
}

static void *
rsa_new(void *provctx)
{
	(void)provctx;
	return key_new("RSA");
}

static void *
ec_new(void *provctx)
{
	(void)provctx;
	return key_new("EC");
}

static void *
ed25519_new(void *provctx)
{
	(void)provctx;
	return key_new("ED25519");
}

static void
key_free(void *key)
{
	struct provider_key *k = key;

	if (k == NULL)
		return;
	EVP_PKEY_free(k->public);
	free(k);
}

static int
key_has(const void *key, int selection)
{
	const struct provider_key *k = key;

	if (k == NULL)
		return 0;
	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 &&
	    k->keys == NULL)
		return 0;
	return k->public != NULL;
}

static int
key_match(const void *a, const void *b, int selection)
{
	const struct provider_key *k = a, *l = b;

	(void)selection;
	return k->public != NULL && l->public != NULL &&
	    EVP_PKEY_eq(k->public, l->public) == 1;
}

static void
take_place(struct provider_key *k, const OSSL_PARAM params[])
{
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, PROVIDER_PLACE);
	struct provider_place place;

	if (p == NULL || p->data_type != OSSL_PARAM_OCTET_STRING ||
	    p->data_size != sizeof(place))
		return;
	memcpy(&place, p->data, sizeof(place));
	k->keys = place.keys;
	k->id = place.id;
}

static int
key_import(void *key, int selection, const OSSL_PARAM params[])
{
	struct provider_key *k = key;
	EVP_PKEY_CTX *ctx;
	int good;

	(void)selection;
	if (k->public != NULL)
		return 0;
	ctx = EVP_PKEY_CTX_new_from_name(NULL, k->type, "provider=default");
	good = ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &k->public, EVP_PKEY_PUBLIC_KEY,
	    (OSSL_PARAM *)params) == 1;
	EVP_PKEY_CTX_free(ctx);
	if (good)
		take_place(k, params);
	return good;
}

/*
 * The public half alone.  That the private one cannot be exported is what
 * sends OpenSSL to our signature and not to its own.
 */
static int
key_export(void *key, int selection, OSSL_CALLBACK *give, void *arg)
{
	const struct provider_key *k = key;
	OSSL_PARAM *params = NULL;
	int good;

	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ||
	    k->public == NULL ||
	    EVP_PKEY_todata(k->public, EVP_PKEY_PUBLIC_KEY, &params) != 1)
		return 0;
	good = give(params, arg);
	OSSL_PARAM_free(params);
	return good;
}

static const OSSL_PARAM *
key_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_octet_string(PROVIDER_PLACE, NULL, 0),
		OSSL_PARAM_END
	};

	(void)selection;
	return types;
}

static int
key_get_params(void *key, OSSL_PARAM params[])
{
	const struct provider_key *k = key;

	return k->public != NULL && EVP_PKEY_get_params(k->public, params);
}

static const OSSL_PARAM *
key_gettable(void *provctx)
{
	static const OSSL_PARAM gettable[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL,
		    0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
		    NULL, 0),
		OSSL_PARAM_END
	};

	(void)provctx;
	return gettable;
}

/* An elliptic-curve key's signature goes by another name. */
static const char *
ec_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

#define COMMON_FUNCTIONS						\
	{ OSSL_FUNC_KEYMGMT_FREE, (void (*)(void))key_free },		\
	{ OSSL_FUNC_KEYMGMT_HAS, (void (*)(void))key_has },		\
	{ OSSL_FUNC_KEYMGMT_MATCH, (void (*)(void))key_match },		\
	{ OSSL_FUNC_KEYMGMT_IMPORT, (void (*)(void))key_import },	\
	{ OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (void (*)(void))key_types },	\
	{ OSSL_FUNC_KEYMGMT_EXPORT, (void (*)(void))key_export },	\
	{ OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (void (*)(void))key_types },	\
	{ OSSL_FUNC_KEYMGMT_GET_PARAMS, (void (*)(void))key_get_params }, \
	{ OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (void (*)(void))key_gettable }

const OSSL_DISPATCH provider_keymgmt_rsa[] = {
	{ OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))rsa_new },
	COMMON_FUNCTIONS, { 0, NULL }
};
const OSSL_DISPATCH provider_keymgmt_ec[] = {
	{ OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))ec_new },
	{ OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME,
	    (void (*)(void))ec_operation },
	COMMON_FUNCTIONS, { 0, NULL }
};
const OSSL_DISPATCH provider_keymgmt_ed25519[] = {
	{ OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))ed25519_new },
	COMMON_FUNCTIONS, { 0, NULL }
};
