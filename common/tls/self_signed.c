#include "common/tls/self_signed.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static EVP_PKEY *
make_key(const char *type)
{
	if (strcmp(type, "EC") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	if (strcmp(type, "RSA") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	return EVP_PKEY_Q_keygen(NULL, NULL, type);
}

/* RFC 5280 section 4.1.2.2: positive, at most 20 octets. */
static bool
set_serial(X509 *x)
{
	unsigned char octets[16];
	BIGNUM *n;
	bool good;

	if (RAND_bytes(octets, sizeof(octets)) != 1)
		return false;
	octets[0] = (octets[0] & 0x7f) | 0x40;
	n = BN_bin2bn(octets, sizeof(octets), NULL);
	good = n != NULL &&
	    BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
	BN_free(n);
	return good;
}

static bool
add_name(GENERAL_NAMES *all, const char *name)
{
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();

	if (g == NULL || s == NULL || ASN1_STRING_set(s, name, -1) != 1) {
		GENERAL_NAME_free(g);
		ASN1_IA5STRING_free(s);
		return false;
	}
	GENERAL_NAME_set0_value(g, GEN_DNS, s);
	if (sk_GENERAL_NAME_push(all, g) > 0)
		return true;
	GENERAL_NAME_free(g);
	return false;
}

static bool
set_names(X509 *x, const char *const *names, size_t n)
{
	GENERAL_NAMES *all = GENERAL_NAMES_new();
	X509_NAME *subject = X509_get_subject_name(x);
	/* The common name has at most 64 characters (RFC 5280 appendix A.1);
	 * who checks looks at the others. */
	bool good = all != NULL && X509_NAME_add_entry_by_txt(subject, "CN",
	    MBSTRING_ASC, (const unsigned char *)(strlen(names[0]) <= 64 ?
	    names[0] : "mail server"), -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, subject) == 1;

	for (size_t i = 0; good && i < n; i++)
		good = add_name(all, names[i]);
	good = good && X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, 0) ==
	    1;
	GENERAL_NAMES_free(all);
	return good;
}

static X509 *
make_certificate(EVP_PKEY *key, const char *const *names, size_t n,
    time_t from, time_t until)
{
	X509 *x = X509_new();
	const EVP_MD *md = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();

	if (x != NULL && X509_set_version(x, 2) == 1 && set_serial(x) &&
	    ASN1_TIME_set(X509_getm_notBefore(x), from) != NULL &&
	    ASN1_TIME_set(X509_getm_notAfter(x), until) != NULL &&
	    set_names(x, names, n) && X509_set_pubkey(x, key) == 1 &&
	    X509_sign(x, key, md) > 0)
		return x;
	X509_free(x);
	return NULL;
}

/* A memory BIO's text into a descriptor. */
static bool
write_out(BIO *bio, int fd)
{
	char *text;
	long len = BIO_get_mem_data(bio, &text);

	return len > 0 && write(fd, text, (size_t)len) == len;
}

int
self_signed_write(const char *type, const char *const *names, size_t n,
    time_t from, time_t until, int chain_fd, int key_fd)
{
	EVP_PKEY *key = make_key(type);
	X509 *x = key != NULL ?
	    make_certificate(key, names, n, from, until) : NULL;
	BIO *chain = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_secmem());
	bool made = x != NULL && chain != NULL && secret != NULL &&
	    PEM_write_bio_X509(chain, x) == 1 &&
	    PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) ==
	    1;
	int result = -1;

	if (!made)
		errno = EINVAL;
	else if (write_out(secret, key_fd) && write_out(chain, chain_fd))
		result = 0;
	BIO_free(chain);
	BIO_free(secret);
	X509_free(x);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return result;
}
