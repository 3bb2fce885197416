/* The chain of a certificate: read, looked at once, and kept. */
#include "common/tls/private.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdlib.h>
#include <unistd.h>

#include <bsd/string.h>

void
tls_chain_free(struct tls_chain *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n_names; i++)
		free(c->names[i]);
	free(c->names);
	X509_free(c->leaf);
	sk_X509_pop_free(c->more, X509_free);
	EVP_PKEY_free(c->key);
	free(c);
}

/* A file of at most TLS_CHAIN_OCTETS, from its start. */
static char *
read_whole(int fd, size_t *len)
{
	char *text = malloc(TLS_CHAIN_OCTETS + 1);
	ssize_t n = 0;

	*len = 0;
	while (text != NULL && *len <= TLS_CHAIN_OCTETS &&
	    (n = pread(fd, text + *len, TLS_CHAIN_OCTETS + 1 - *len,
	    (off_t)*len)) > 0)
		*len += (size_t)n;
	if (text != NULL && n == 0 && *len <= TLS_CHAIN_OCTETS)
		return text;
	free(text);
	return NULL;
}

/* A file with a key that needs a passphrase is none that we can use. */
static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

static const char *
parse(struct tls_chain *c, BIO *bio)
{
	X509 *x;

	c->leaf = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
	if (c->leaf == NULL)
		return "no PEM certificate";
	if ((c->more = sk_X509_new_null()) == NULL)
		return "no memory";
	while ((x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL)
		if (sk_X509_num(c->more) + 1 >= TLS_CHAIN_MAX ||
		    sk_X509_push(c->more, x) == 0) {
			X509_free(x);
			return "too many certificates in the file";
		}
	return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE ?
	    NULL : "a certificate of the chain is broken";
}

static bool
add_name(struct tls_chain *c, const ASN1_STRING *s)
{
	const unsigned char *at = ASN1_STRING_get0_data(s);
	size_t len = (size_t)ASN1_STRING_length(s);
	char **names, *name;

	if (len == 0 || len > 253 || memchr(at, '\0', len) != NULL)
		return true;	/* nobody will ask for it */
	names = reallocarray(c->names, c->n_names + 1, sizeof(*names));
	if (names == NULL)
		return false;
	c->names = names;
	if ((name = malloc(len + 1)) == NULL)
		return false;
	for (size_t i = 0; i < len; i++)
		name[i] = (char)(at[i] >= 'A' && at[i] <= 'Z' ?
		    at[i] - 'A' + 'a' : at[i]);
	name[len] = '\0';
	c->names[c->n_names++] = name;
	return true;
}

/* RFC 6125 section 6.4.4: the common name no longer counts. */
static bool
take_names(struct tls_chain *c)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(c->leaf, NID_subject_alt_name,
	    NULL, NULL);
	bool good = true;

	for (int i = 0; good && i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);

		if (g->type == GEN_DNS)
			good = add_name(c, g->d.dNSName);
	}
	GENERAL_NAMES_free(all);
	return good;
}

static bool
take_expiry(struct tls_chain *c)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(c->leaf), &tm) != 1)
		return false;
	c->expires = timegm(&tm);
	return true;
}

/* RFC 5280's SubjectPublicKeyInfo, hashed. */
static bool
take_id(struct tls_chain *c)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->leaf), &der);
	bool good = len > 0 && EVP_Digest(der, (size_t)len, c->id.octets, NULL,
	    EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return good;
}

static const char *
complete(struct tls_chain *c, struct tls_keys *keys)
{
	EVP_PKEY *public = X509_get0_pubkey(c->leaf);

	if (public == NULL || !take_id(c) || !take_expiry(c))
		return "the certificate cannot be read";
	if (!take_names(c))
		return "no memory";
	c->key = tls_provider_key(keys, &c->id, public);
	return c->key != NULL ? NULL :
	    "its key is of a kind that is not supported";
}

struct tls_chain *
tls_chain_read(struct tls_keys *keys, int fd, const char **why)
{
	struct tls_chain *c = calloc(1, sizeof(*c));
	size_t len;
	char *text = read_whole(fd, &len);
	BIO *bio = text != NULL ? BIO_new_mem_buf(text, (int)len) : NULL;

	ERR_clear_error();
	*why = c == NULL || bio == NULL ? "cannot be read, or is too long" :
	    parse(c, bio);
	if (*why == NULL)
		*why = complete(c, keys);
	BIO_free(bio);
	free(text);
	ERR_clear_error();
	if (*why == NULL)
		return c;
	tls_chain_free(c);
	return NULL;
}
