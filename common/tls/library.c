#include "common/tls/private.h"

#include <openssl/async.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include "common/log/log.h"

/*
 * What OpenSSL makes only when it is first needed (methods, error texts, its
 * generator of random numbers) is made here, outside of the sandbox.
 */
static bool
warm_up(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	SSL *ssl = ctx != NULL ? SSL_new(ctx) : NULL;
	unsigned char octet;
	bool good = ssl != NULL && RAND_bytes(&octet, 1) == 1 &&
	    RAND_priv_bytes(&octet, 1) == 1;

	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return good;
}

int
tls_library_start(void)
{
	/* The providers are ours until the process ends: nothing is to be taken
	 * apart then, least of all while they hold on to it. */
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
	    NULL) == 1 &&
	    OSSL_PROVIDER_load(NULL, "default") != NULL &&
	    tls_provider_load() == 0 &&
	    /* What is not meant for tlskeyd is never looked for in our
	     * provider, though it knows the same algorithms. */
	    EVP_set_default_properties(NULL, "?provider=default") == 1 &&
	    ASYNC_init_thread(TLS_JOBS_MAX, 0) == 1 && warm_up())
		return 0;
	log_error("cannot-start", LOG_CSTR("step", "OpenSSL"),
	    LOG_CSTR("reason", ERR_error_string(ERR_peek_last_error(), NULL)));
	return -1;
}

void
tls_context_defaults(SSL_CTX *ctx)
{
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* One read for a record and what is behind it, not two for each. */
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(ctx, TLS_PEER_CHAIN_OCTETS);
}
