/*
 * Session tickets (RFC 5077 section 4): the server's side of a session,
 * sealed and given to the client, so that no session is kept here.
 */
#include "common/tls/private.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include <string.h>

static int
arm(const struct tls_ticket_key *k, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int encrypt)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
		    (char *)(uintptr_t)"SHA256", 0),
		OSSL_PARAM_construct_end() };

	return EVP_MAC_init(mac, k->mac, sizeof(k->mac), params) == 1 &&
	    EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, k->cipher, iv,
	    encrypt) == 1;
}

int
tls_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
	const struct tls_keys *keys = tls_of(ssl)->keys;
	const struct tls_ticket_keys *t = &keys->tickets;

	if (!keys->has_tickets)
		return encrypt ? -1 : 0;
	if (encrypt) {
		memcpy(name, t->now.name, sizeof(t->now.name));
		if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(
		    EVP_aes_256_cbc())) != 1)
			return -1;
		return arm(&t->now, iv, cipher, mac, 1) ? 1 : -1;
	}
	if (memcmp(name, t->now.name, sizeof(t->now.name)) == 0)
		return arm(&t->now, iv, cipher, mac, 0) ? 1 : -1;
	/* 2: taken, and to be replaced by one of the new key. */
	if (t->has_former &&
	    memcmp(name, t->former.name, sizeof(t->former.name)) == 0)
		return arm(&t->former, iv, cipher, mac, 0) ? 2 : -1;
	return 0;	/* unknown: a full handshake */
}
