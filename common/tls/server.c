/* Serving: certificates by name, and what clients may ask. */
#include "common/tls/private.h"
#include "common/tls/stage.h"

#include <openssl/err.h>

#include <stdlib.h>

#include "common/log/log.h"

/* ---- certificates ---- */

void
tls_server_certificate(struct tls_server *srv, const char *name, int fd)
{
	tls_store_certificate(&srv->store, name, fd);
}

int
tls_server_take(struct tls_server *srv, struct ipc_message *m)
{
	return tls_store_take(&srv->store, m);
}

void
tls_server_commit(struct tls_server *srv)
{
	tls_store_commit(&srv->store);
}

bool
tls_server_configured(const struct tls_server *srv)
{
	return !TAILQ_EMPTY(&srv->store.certificates);
}

/* Names anew, from what is in use. */
static void
index_names(void *owner)
{
	struct tls_server *srv = owner;
	struct tls_certificate *c;

	tls_names_clear(&srv->names);
	srv->standard = NULL;
	TAILQ_FOREACH(c, &srv->store.certificates, all) {
		if (c->used == NULL)
			continue;
		if (srv->standard == NULL)
			srv->standard = c->used;
		for (size_t i = 0; i < c->used->n_names; i++)
			if (tls_names_add(&srv->names, c->used->names[i],
			    c->used) == -1)
				log_error("certificate-incomplete",
				    LOG_CSTR("certificate", c->name),
				    LOG_CSTR("reason", "no memory"));
	}
	tls_names_sort(&srv->names);
}

bool
tls_server_ready(const struct tls_server *srv)
{
	return srv->store.keys->channel != NULL && srv->standard != NULL &&
	    tls_keys_has(srv->store.keys, &srv->standard->id);
}

bool
tls_server_waits(const struct tls_server *srv)
{
	return tls_server_configured(srv) && !tls_server_ready(srv);
}

/* ---- what OpenSSL asks while it shakes hands ---- */

/*
 * All chains of a name, of different key types: OpenSSL takes the one that
 * the client can verify.
 */
static size_t
offer_named(SSL *ssl, const struct tls_server *srv, const char *name)
{
	const struct tls_named *at;
	size_t n = tls_names_find(&srv->names, name, &at), good = 0;

	for (size_t i = n; i > 0; i--) {	/* the first one comes last */
		const struct tls_chain *c = at[i - 1].what;

		if (tls_keys_has(srv->store.keys, &c->id) &&
		    SSL_use_cert_and_key(ssl, c->leaf, c->key, c->more,
		    1) == 1)
			good++;
	}
	return good;
}

static int
choose(SSL *ssl, void *arg)
{
	const struct tls_server *srv = arg;
	const struct tls_chain *c = srv->standard;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	if (name != NULL && offer_named(ssl, srv, name) > 0)
		return 1;
	if (c == NULL)
		return 0;
	/* Its twin of another key type has the same first name. */
	if (c->n_names > 0 && offer_named(ssl, srv, c->names[0]) > 0)
		return 1;
	return SSL_use_cert_and_key(ssl, c->leaf, c->key, c->more, 1);
}

/* RFC 6066 section 3: acknowledged only where it made a difference. */
static int
on_name(SSL *ssl, int *alert, void *arg)
{
	const struct tls_server *srv = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct tls_named *at;

	(void)alert;
	return name != NULL && tls_names_find(&srv->names, name, &at) > 0 ?
	    SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* RFC 7301 section 3.2: no protocol in common is the end. */
static int
on_protocols(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	const struct tls_server *srv = arg;
	size_t len = strlen(srv->protocol);

	(void)ssl;
	for (unsigned i = 0; i < in_len && in_len - i > in[i];
	    i += 1 + in[i]) {
		if (in[i] != len || memcmp(in + i + 1, srv->protocol, len) != 0)
			continue;
		*out = in + i + 1;
		*out_len = in[i];
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* ---- the whole ---- */

static bool
set_up(struct tls_server *srv)
{
	static const char ciphers[] =
	    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
	    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
	    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
	SSL_CTX *ctx = srv->ctx;

	tls_context_defaults(ctx);
	SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(ctx, SSL_MODE_ASYNC);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_timeout(ctx, TLS_TICKET_SECONDS);
	SSL_CTX_set_cert_cb(ctx, choose, srv);
	SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	SSL_CTX_set_tlsext_servername_arg(ctx, srv);
	SSL_CTX_set_alpn_select_cb(ctx, on_protocols, srv);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, tls_ticket);
	SSL_CTX_set_session_ticket_cb(ctx, tls_ticket_note, NULL, NULL);
	return SSL_CTX_set_cipher_list(ctx, ciphers) == 1 &&
	    SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1 &&
	    SSL_CTX_set_session_id_context(ctx,
	    (const unsigned char *)srv->protocol,
	    (unsigned)strlen(srv->protocol)) == 1;
}

struct tls_server *
tls_server_new(struct tls_keys *keys, const char *protocol)
{
	struct tls_server *srv = calloc(1, sizeof(*srv));

	if (srv == NULL)
		return NULL;
	srv->protocol = protocol;
	srv->ctx = SSL_CTX_new(TLS_server_method());
	tls_store_init(&srv->store, keys, srv->ctx, index_names, srv);
	if (srv->ctx == NULL || !set_up(srv)) {
		log_error("cannot-start", LOG_CSTR("step", "TLS"),
		    LOG_CSTR("reason", ERR_error_string(ERR_peek_last_error(),
		    NULL)));
		tls_server_free(srv);
		return NULL;
	}
	return srv;
}

void
tls_server_free(struct tls_server *srv)
{
	if (srv == NULL)
		return;
	tls_store_clear(&srv->store);
	tls_names_clear(&srv->names);
	SSL_CTX_free(srv->ctx);
	free(srv);
}

struct tls *
tls_serve(struct tls_server *srv, struct stream *s)
{
	SSL *ssl = SSL_new(srv->ctx);
	struct tls *t;

	if (ssl == NULL)
		return NULL;
	if (!srv->store.keys->has_tickets) {
		SSL_set_options(ssl, SSL_OP_NO_TICKET);
		SSL_set_num_tickets(ssl, 0);
	}
	SSL_set_accept_state(ssl);
	if ((t = tls_new(ssl, s, srv->store.keys)) == NULL)
		return NULL;
	return tls_begin(t);
}
