/*
 * APOP (RFC 1939 section 7): MD5 over the timestamp of the greeting and a
 * secret, which must be stored as it is.  So only those accounts have one
 * whose operator asked for it; for all others the digest is found to be wrong
 * by the same computation.
 */
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "authd/authd.h"
#include "common/sasl/base64.h"

struct apop {
	size_t	timestamp_len;
	char	timestamp[AUTH_TIMESTAMP_MAX];
	uint8_t	digest[AUTH_DIGEST_LEN];
};

void
apop_free(struct apop *a)
{
	free(a);
}

/* The account's secret, or nothing, which makes the login unknown. */
static size_t
secret_of(struct login *l, char out[PASSWORD_APOP_SIZE])
{
	const struct password *p = l->known && !l->pam ?
	    passwords_find(l->authd->tables.passwords, l->account.number) :
	    NULL;
	size_t len = 0;

	if (p == NULL || p->apop.len == 0 ||
	    sasl_base64_decode(p->apop, out, &len) == -1) {
		l->known = false;
		return 0;
	}
	return len;
}

/* 0, or -1 where the library failed. */
static int
compute(const struct apop *a, struct slice secret,
    uint8_t digest[AUTH_DIGEST_LEN])
{
	char text[AUTH_TIMESTAMP_MAX + PASSWORD_APOP_SIZE];
	unsigned len = 0;
	int good;

	memcpy(text, a->timestamp, a->timestamp_len);
	if (secret.len > 0)
		memcpy(text + a->timestamp_len, secret.at, secret.len);
	good = EVP_Digest(text, a->timestamp_len + secret.len, digest, &len,
	    EVP_md5(), NULL);
	explicit_bzero(text, sizeof(text));
	return good == 1 && len == AUTH_DIGEST_LEN ? 0 : -1;
}

void
apop_check(struct login *l)
{
	uint8_t digest[AUTH_DIGEST_LEN];
	char secret[PASSWORD_APOP_SIZE];
	size_t len = secret_of(l, secret);
	int result = compute(l->apop, slice_of(secret, len), digest);

	explicit_bzero(secret, sizeof(secret));
	if (result == -1)
		login_checked(l, CHECK_UNAVAILABLE);
	else
		login_checked(l, CRYPTO_memcmp(digest, l->apop->digest,
		    sizeof(digest)) == 0 ? CHECK_GOOD : CHECK_BAD);
	explicit_bzero(digest, sizeof(digest));
}

static struct apop *
apop_new(const struct auth_apop *in)
{
	struct apop *a = malloc(sizeof(*a));

	if (a == NULL)
		return NULL;
	a->timestamp_len = in->timestamp.len;
	memcpy(a->timestamp, in->timestamp.at, in->timestamp.len);
	memcpy(a->digest, in->digest, sizeof(a->digest));
	return a;
}

int
apop_on_login(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct auth_apop in;
	struct login *l;

	(void)ch;
	if (auth_apop_decode(m->body, &in) == -1 || in.timestamp.len == 0)
		return -1;
	l = login_open(ctx, m->id, in.session, &in.client, in.name,
	    in.accounts);
	if (l == NULL)
		return 0;
	if ((l->apop = apop_new(&in)) == NULL)
		login_drop(l, AUTH_UNAVAILABLE);
	else
		login_begin(l);
	return 0;
}
