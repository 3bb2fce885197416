/* Asking: what a server must show, and how it is checked. */
#include "common/tls/private.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/log/log.h"

enum { ROOTS_OCTETS = 4 * 1024 * 1024 };

struct tls_client {
	SSL_CTX	*ctx;
};

/* ---- checks ---- */

static bool
digest_is(const struct tls *t, const unsigned char *der, int len)
{
	uint8_t digest[TLS_FINGERPRINT_LEN];

	if (len <= 0 || EVP_Digest(der, (size_t)len, digest, NULL,
	    EVP_sha256(), NULL) != 1)
		return false;
	for (size_t i = 0; i < t->n_fingerprints; i++)
		if (memcmp(t->fingerprints[i], digest, sizeof(digest)) == 0)
			return true;
	return false;
}

static bool
fingerprint_fits(const struct tls *t, X509 *leaf)
{
	unsigned char *der = NULL;
	int len = i2d_X509(leaf, &der);
	bool fits = digest_is(t, der, len);

	OPENSSL_free(der);
	if (fits)
		return true;
	der = NULL;
	len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
	fits = digest_is(t, der, len);
	OPENSSL_free(der);
	return fits;
}

/* In place of OpenSSL's own check: 1 where the server will do. */
static int
check(X509_STORE_CTX *store, void *arg)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	const struct tls *t = tls_of(ssl);

	(void)arg;
	switch (t->verify) {
	case TLS_VERIFY_NONE:
		return 1;
	case TLS_VERIFY_FINGERPRINT:
		if (fingerprint_fits(t, X509_STORE_CTX_get0_cert(store)))
			return 1;
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
		return 0;
	case TLS_VERIFY_NAME:
	case TLS_VERIFY_DANE:
		break;
	}
	return X509_verify_cert(store);
}

/* ---- the context ---- */

static bool
add_roots(SSL_CTX *ctx, BIO *bio)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	X509 *x;
	bool good = true;

	while (good && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		good = X509_STORE_add_cert(store, x) == 1;
		X509_free(x);
	}
	ERR_clear_error();
	return good;
}

static bool
read_roots(SSL_CTX *ctx, int fd)
{
	char *text = malloc(ROOTS_OCTETS);
	size_t len = 0;
	ssize_t n = 0;
	BIO *bio;
	bool good;

	while (text != NULL && len < ROOTS_OCTETS &&
	    (n = pread(fd, text + len, ROOTS_OCTETS - len, (off_t)len)) > 0)
		len += (size_t)n;
	bio = text != NULL && n == 0 ? BIO_new_mem_buf(text, (int)len) : NULL;
	good = bio != NULL && (len == 0 || add_roots(ctx, bio));
	BIO_free(bio);
	free(text);
	return good;
}

struct tls_client *
tls_client_new(int roots)
{
	struct tls_client *client = calloc(1, sizeof(*client));

	if (client == NULL)
		return NULL;
	client->ctx = SSL_CTX_new(TLS_client_method());
	if (client->ctx == NULL || SSL_CTX_dane_enable(client->ctx) != 1 ||
	    (roots != -1 && !read_roots(client->ctx, roots))) {
		log_error("cannot-start", LOG_CSTR("step", "trusted roots"),
		    LOG_CSTR("reason", "they cannot be read"));
		tls_client_free(client);
		errno = EINVAL;
		return NULL;
	}
	tls_context_defaults(client->ctx);
	SSL_CTX_set_cert_verify_callback(client->ctx, check, NULL);
	return client;
}

void
tls_client_free(struct tls_client *client)
{
	if (client == NULL)
		return;
	SSL_CTX_free(client->ctx);
	free(client);
}

/* ---- what is expected of one server ---- */

/* A whole certificate or public key must be one. */
static bool
tlsa_whole(const struct tls_tlsa *r)
{
	const unsigned char *at = (const void *)r->data.at, *end = at +
	    r->data.len;
	X509 *x = NULL;
	EVP_PKEY *key = NULL;
	bool good;

	if (r->selector == 0) {
		x = d2i_X509(NULL, &at, (long)r->data.len);
		key = x != NULL ? X509_get0_pubkey(x) : NULL;
		good = key != NULL && at == end;
	} else {
		key = d2i_PUBKEY(NULL, &at, (long)r->data.len);
		good = key != NULL && at == end;
		EVP_PKEY_free(key);
	}
	X509_free(x);
	ERR_clear_error();
	return good;
}

static bool
tlsa_usable(const struct tls_tlsa *r)
{
	static const size_t lengths[] = { 0, 32, 64 };	/* RFC 6698: matching */

	return (r->usage == 2 || r->usage == 3) && r->selector <= 1 &&
	    r->matching <= 2 && (r->matching == 0 ? tlsa_whole(r) :
	    r->data.len == lengths[r->matching]);
}

size_t
tls_tlsa_usable(const struct tls_tlsa *records, size_t n)
{
	size_t usable = 0;

	for (size_t i = 0; i < n; i++)
		usable += tlsa_usable(&records[i]);
	return usable;
}

static bool
expect_names(SSL *ssl, const struct tls_expect *e)
{
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (e->name[0] == '\0' || e->n_names > TLS_NAMES_MAX ||
	    SSL_set1_host(ssl, e->name) != 1)
		return false;
	for (size_t i = 0; i < e->n_names; i++)
		if (SSL_add1_host(ssl, e->names[i]) != 1)
			return false;
	return true;
}

/* RFC 7672 section 3.1.1: for DANE-EE(3) neither name nor date counts. */
static bool
expect_dane(SSL *ssl, const struct tls_expect *e)
{
	size_t added = 0;

	if (e->name[0] == '\0' || e->n_tlsa > TLS_TLSA_MAX ||
	    SSL_dane_enable(ssl, e->name) != 1 || !expect_names(ssl, e))
		return false;
	SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	for (size_t i = 0; i < e->n_tlsa; i++) {
		const struct tls_tlsa *r = &e->tlsa[i];

		if (tlsa_usable(r) && SSL_dane_tlsa_add(ssl, r->usage,
		    r->selector, r->matching, (const void *)r->data.at,
		    r->data.len) == 1)
			added++;
	}
	return added > 0;
}

static bool
expect_fingerprints(struct tls *t, const struct tls_expect *e)
{
	uint8_t (*copy)[TLS_FINGERPRINT_LEN];

	if (e->n_fingerprints == 0 ||
	    (copy = calloc(e->n_fingerprints, sizeof(*copy))) == NULL)
		return false;
	memcpy(copy, e->fingerprints, e->n_fingerprints * sizeof(*copy));
	t->fingerprints = (const void *)copy;
	t->n_fingerprints = e->n_fingerprints;
	return true;
}

/*
 * Whoever does not verify anybody cannot lose by speaking with an old server:
 * the other choice would be clear text (RFC 7435 section 3).
 */
static bool
expect_little(SSL *ssl)
{
	SSL_set_security_level(ssl, 1);
	return SSL_set_cipher_list(ssl, "HIGH:!aNULL:!PSK:!SRP:!3DES") == 1;
}

/* The handshake may rest while tlskeyd signs: only then it needs a stack of
 * its own. */
static bool
show(SSL *ssl, const struct tls_expect *e)
{
	const struct tls_chain *c;

	if (e->certificate == NULL)
		return true;
	c = tls_store_find(e->store, e->certificate);
	SSL_set_mode(ssl, SSL_MODE_ASYNC);
	return c != NULL && SSL_use_cert_and_key(ssl, c->leaf, c->key,
	    c->more, 1) == 1;
}

static bool
expect(struct tls *t, const struct tls_expect *e)
{
	SSL *ssl = t->ssl;

	t->verify = e->verify;
	if (!show(ssl, e))
		return false;
	if (e->name[0] != '\0' && SSL_set_tlsext_host_name(ssl, e->name) != 1)
		return false;
	SSL_set_verify(ssl, e->verify == TLS_VERIFY_NONE ? SSL_VERIFY_NONE :
	    SSL_VERIFY_PEER, NULL);
	switch (e->verify) {
	case TLS_VERIFY_NONE:
		return expect_little(ssl);
	case TLS_VERIFY_NAME:
		return expect_names(ssl, e);
	case TLS_VERIFY_FINGERPRINT:
		return expect_fingerprints(t, e);
	case TLS_VERIFY_DANE:
		return expect_dane(ssl, e);
	}
	return false;
}

struct tls *
tls_ask(struct tls_client *client, struct stream *s,
    const struct tls_expect *e)
{
	SSL *ssl = SSL_new(client->ctx);
	struct tls *t;

	ERR_clear_error();
	if (ssl == NULL)
		return NULL;
	SSL_set_connect_state(ssl);
	if ((t = tls_new(ssl, s, e->certificate != NULL ? e->store->keys :
	    NULL)) == NULL)
		return NULL;
	if (!expect(t, e)) {
		tls_drop(t);
		return NULL;
	}
	return tls_begin(t);
}
