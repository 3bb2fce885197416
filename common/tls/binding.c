/*
 * Channel bindings: what both ends of one TLS connection know, and nobody who
 * sits between two of them can make equal on both.
 */
#include "common/tls/private.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <string.h>

_Static_assert(TLS_BINDING_MAX >= EVP_MAX_MD_SIZE, "any hash fits");

/*
 * RFC 9266 section 4.2 and RFC 7627: below 1.3 two connections may have one
 * master secret, unless it is the extended one.
 */
static bool
secret_is_unique(SSL *ssl)
{
	return SSL_version(ssl) >= TLS1_3_VERSION ||
	    SSL_get_extms_support(ssl) == 1;
}

/* RFC 9266 section 2 */
static size_t
exporter(SSL *ssl, uint8_t *out)
{
	static const char label[] = "EXPORTER-Channel-Binding";

	if (!secret_is_unique(ssl) || SSL_export_keying_material(ssl, out,
	    TLS_EXPORTER_LEN, label, sizeof(label) - 1,
	    (const unsigned char *)"", 0, 1) != 1)
		return 0;
	return TLS_EXPORTER_LEN;
}

/*
 * RFC 5929 section 3: the first Finished message, which is the client's, or
 * the server's where a session is resumed.  Not defined for 1.3; with RFC 7677
 * section 4 only where a resumed session cannot be another's.
 */
static size_t
unique(SSL *ssl, uint8_t *out)
{
	bool resumed = SSL_session_reused(ssl) == 1;
	bool ours = resumed == (SSL_is_server(ssl) == 1);
	size_t len;

	if (SSL_version(ssl) >= TLS1_3_VERSION ||
	    (resumed && !secret_is_unique(ssl)))
		return 0;
	len = ours ? SSL_get_finished(ssl, out, TLS_BINDING_MAX) :
	    SSL_get_peer_finished(ssl, out, TLS_BINDING_MAX);
	return len <= TLS_BINDING_MAX ? len : 0;
}

/*
 * RFC 5929 section 4.1: the certificate by the hash of its own signature, or
 * by SHA-256 for MD5 and SHA-1.  None where the signature has no hash of its
 * own (Ed25519): there it is not defined.
 */
static size_t
certificate_hash(X509 *cert, uint8_t *out)
{
	const EVP_MD *md;
	unsigned len = 0;
	int nid;

	if (cert == NULL ||
	    X509_get_signature_info(cert, &nid, NULL, NULL, NULL) != 1 ||
	    nid == NID_undef)
		return 0;
	md = nid == NID_md5 || nid == NID_sha1 ? EVP_sha256() :
	    EVP_get_digestbynid(nid);
	return md != NULL && X509_digest(cert, md, out, &len) == 1 ? len : 0;
}

/* What a resumed session was made with stands in its ticket. */
static size_t
end_point(SSL *ssl, uint8_t *out)
{
	SSL_SESSION *session = SSL_get0_session(ssl);
	void *data;
	size_t len;

	if (SSL_is_server(ssl) != 1)
		return certificate_hash(SSL_get0_peer_certificate(ssl), out);
	if (SSL_session_reused(ssl) != 1)
		return certificate_hash(SSL_get_certificate(ssl), out);
	if (session == NULL ||
	    SSL_SESSION_get0_ticket_appdata(session, &data, &len) != 1 ||
	    data == NULL || len > TLS_BINDING_MAX)
		return 0;
	memcpy(out, data, len);
	return len;
}

int
tls_ticket_note(SSL *ssl, void *arg)
{
	uint8_t hash[TLS_BINDING_MAX];
	size_t len;

	(void)arg;
	/* A session that goes on keeps what it has. */
	if (SSL_session_reused(ssl) == 1)
		return 1;
	len = certificate_hash(SSL_get_certificate(ssl), hash);
	ERR_clear_error();
	return SSL_SESSION_set1_ticket_appdata(SSL_get0_session(ssl), hash,
	    len);
}

void
tls_bindings(const struct tls *t, struct tls_bindings *b)
{
	b->exporter_len = exporter(t->ssl, b->exporter);
	b->unique_len = unique(t->ssl, b->unique);
	b->end_point_len = end_point(t->ssl, b->end_point);
	ERR_clear_error();
}

bool
tls_bindable(const struct tls *t)
{
	uint8_t hash[TLS_BINDING_MAX];

	return t != NULL && (secret_is_unique(t->ssl) ||
	    SSL_session_reused(t->ssl) != 1 || end_point(t->ssl, hash) > 0);
}
