#include "tlskeyd/sign.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tlskeyd/input.h"

enum { FILE_OCTETS = 128 * 1024 };

/* ---- files ---- */

/* A passphrase could only stand beside the key. */
static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf, (void)size, (void)writing, (void)arg;
	return -1;
}

/* The whole file, into text of FILE_OCTETS. */
static BIO *
open_text(int fd, char *text)
{
	size_t len = 0;
	ssize_t n = 0;

	while (len < FILE_OCTETS && (n = pread(fd, text + len,
	    FILE_OCTETS - len, (off_t)len)) > 0)
		len += (size_t)n;
	return n == 0 && len > 0 && len < FILE_OCTETS ?
	    BIO_new_mem_buf(text, (int)len) : NULL;
}

static EVP_PKEY *
read_key(int fd, char *text)
{
	BIO *bio = open_text(fd, text);
	EVP_PKEY *key = bio == NULL ? NULL :
	    PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);

	BIO_free(bio);
	return key;
}

static X509 *
read_leaf(int fd, char *text)
{
	BIO *bio = open_text(fd, text);
	X509 *x = bio == NULL ? NULL :
	    PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);

	BIO_free(bio);
	return x;
}

static int
id_of(X509 *leaf, struct tls_key_id *id)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
	int good = len > 0 && EVP_Digest(der, (size_t)len, id->octets, NULL,
	    EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return good;
}

static const char *
check_pair(struct pair *p, X509 *leaf)
{
	EVP_PKEY *public = leaf != NULL ? X509_get0_pubkey(leaf) : NULL;
	struct tm tm;

	if (public == NULL)
		return "the chain cannot be read";
	if (p->key == NULL)
		return "the key cannot be read, or wants a passphrase";
	if (EVP_PKEY_eq(public, p->key) != 1)
		return "key and certificate do not belong together";
	if (!EVP_PKEY_is_a(p->key, "RSA") && !EVP_PKEY_is_a(p->key, "EC") &&
	    !EVP_PKEY_is_a(p->key, "ED25519"))
		return "the key is of a kind that is not supported";
	if (EVP_PKEY_get_size(p->key) > TLS_SIGNATURE_MAX)
		return "the key is too long";
	if (!id_of(leaf, &p->id) ||
	    ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &tm) != 1)
		return "the certificate cannot be read";
	p->expires = timegm(&tm);
	return NULL;
}

const char *
pair_read(struct pair *p, int chain_fd, int key_fd)
{
	char *text = malloc(FILE_OCTETS);
	X509 *leaf;
	const char *why;

	*p = (struct pair){ 0 };
	if (text == NULL)
		return "no memory";
	ERR_clear_error();
	leaf = read_leaf(chain_fd, text);
	p->key = read_key(key_fd, text);
	why = check_pair(p, leaf);
	explicit_bzero(text, FILE_OCTETS);
	free(text);
	X509_free(leaf);
	ERR_clear_error();
	if (why != NULL)
		pair_clear(p);
	return why;
}

void
pair_clear(struct pair *p)
{
	EVP_PKEY_free(p->key);	/* which wipes it */
	*p = (struct pair){ 0 };
}

/* ---- signatures ---- */

static const struct scheme {
	uint16_t	 number;
	const char	*type;
	const char	*digest;	/* NULL: the signature's own */
	int		 pss;
} schemes[] = {
	{ 0x0401, "RSA", "SHA256", 0 }, { 0x0501, "RSA", "SHA384", 0 },
	{ 0x0601, "RSA", "SHA512", 0 }, { 0x0804, "RSA", "SHA256", 1 },
	{ 0x0805, "RSA", "SHA384", 1 }, { 0x0806, "RSA", "SHA512", 1 },
	{ 0x0403, "EC", "SHA256", 0 }, { 0x0503, "EC", "SHA384", 0 },
	{ 0x0603, "EC", "SHA512", 0 }, { 0x0807, "ED25519", NULL, 0 },
};

static const struct scheme *
scheme_of(uint16_t number)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (schemes[i].number == number)
			return &schemes[i];
	return NULL;
}

static int
sign(EVP_PKEY *key, const struct scheme *s, struct slice input,
    unsigned char *sig, size_t *len)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *ctx;
	int good;

	*len = TLS_SIGNATURE_MAX;
	good = md != NULL && EVP_DigestSignInit_ex(md, &ctx, s->digest, NULL,
	    NULL, key, NULL) == 1 &&
	    (!s->pss || (EVP_PKEY_CTX_set_rsa_padding(ctx,
	    RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(
	    ctx, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
	    EVP_DigestSign(md, sig, len, (const unsigned char *)input.at,
	    input.len) == 1;
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return good;
}

enum tls_refusal
pair_sign(const struct pair *p, enum handshake_side side, uint16_t number,
    struct slice input, unsigned char *sig, size_t *len)
{
	const struct scheme *s = scheme_of(number);

	if (s == NULL || !EVP_PKEY_is_a(p->key, s->type) ||
	    !handshake_scheme(handshake_input(side, input), number))
		return TLS_NO_HANDSHAKE;
	return sign(p->key, s, input, sig, len) ? 0 : TLS_FAILED;
}
