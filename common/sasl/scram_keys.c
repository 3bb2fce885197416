#include "common/sasl/scram_keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

int
scram_start(void)
{
	uint8_t key[SCRAM_KEY_LEN] = { 0 };
	struct scram_keys keys;

	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
		return -1;
	return scram_keys_make(key, &keys);
}

int
scram_hmac(struct slice key, struct slice text, uint8_t out[SCRAM_KEY_LEN])
{
	unsigned len = 0;

	return HMAC(EVP_sha256(), key.at, (int)key.len,
	    (const unsigned char *)text.at, text.len, out, &len) == NULL ||
	    len != SCRAM_KEY_LEN ? -1 : 0;
}

static int
key_hmac(const uint8_t key[SCRAM_KEY_LEN], struct slice text,
    uint8_t out[SCRAM_KEY_LEN])
{
	return scram_hmac(slice_of(key, SCRAM_KEY_LEN), text, out);
}

static int
hash(const uint8_t in[SCRAM_KEY_LEN], uint8_t out[SCRAM_KEY_LEN])
{
	unsigned len = 0;

	return EVP_Digest(in, SCRAM_KEY_LEN, out, &len, EVP_sha256(),
	    NULL) == 1 && len == SCRAM_KEY_LEN ? 0 : -1;
}

int
scram_salted_password(struct slice password, struct slice salt,
    unsigned iterations, uint8_t salted[SCRAM_KEY_LEN])
{
	return PKCS5_PBKDF2_HMAC(password.at, (int)password.len,
	    (const unsigned char *)salt.at, (int)salt.len, (int)iterations,
	    EVP_sha256(), SCRAM_KEY_LEN, salted) == 1 ? 0 : -1;
}

int
scram_keys_make(const uint8_t salted[SCRAM_KEY_LEN], struct scram_keys *keys)
{
	uint8_t client[SCRAM_KEY_LEN];
	int result = -1;

	if (key_hmac(salted, SLICE_LITERAL("Client Key"), client) == 0 &&
	    hash(client, keys->stored) == 0 &&
	    key_hmac(salted, SLICE_LITERAL("Server Key"), keys->server) == 0)
		result = 0;
	explicit_bzero(client, sizeof(client));
	return result;
}

static void
xor_key(uint8_t to[SCRAM_KEY_LEN], const uint8_t with[SCRAM_KEY_LEN])
{
	for (size_t i = 0; i < SCRAM_KEY_LEN; i++)
		to[i] ^= with[i];
}

int
scram_client_proof(const uint8_t salted[SCRAM_KEY_LEN],
    struct slice auth_message, uint8_t proof[SCRAM_KEY_LEN])
{
	uint8_t stored[SCRAM_KEY_LEN], signature[SCRAM_KEY_LEN];
	int result = -1;

	if (key_hmac(salted, SLICE_LITERAL("Client Key"), proof) == 0 &&
	    hash(proof, stored) == 0 &&
	    key_hmac(stored, auth_message, signature) == 0) {
		xor_key(proof, signature);
		result = 0;
	}
	explicit_bzero(stored, sizeof(stored));
	explicit_bzero(signature, sizeof(signature));
	return result;
}

int
scram_proof_check(const struct scram_keys *keys, struct slice auth_message,
    const uint8_t proof[SCRAM_KEY_LEN], bool *good)
{
	uint8_t client[SCRAM_KEY_LEN], stored[SCRAM_KEY_LEN];
	int result = -1;

	if (key_hmac(keys->stored, auth_message, client) == 0) {
		xor_key(client, proof);
		result = hash(client, stored);
	}
	if (result == 0)
		*good = CRYPTO_memcmp(stored, keys->stored,
		    SCRAM_KEY_LEN) == 0;
	explicit_bzero(client, sizeof(client));
	return result;
}

int
scram_server_signature(const struct scram_keys *keys,
    struct slice auth_message, uint8_t out[SCRAM_KEY_LEN])
{
	return key_hmac(keys->server, auth_message, out);
}
