#include "common/accounts/verifier.h"

#include <crypt.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY_LEN		32	/* SHA-256 */
#define SALT_LEN	16
#define BASE64_SIZE(n)	(((n) + 2) / 3 * 4 + 1)
#define SALT_MAX	64

const char *
password_refusal(struct slice password)
{
	if (password.len == 0)
		return "an empty password is not allowed";
	if (password.len > PASSWORD_MAX)
		return "a password has at most 255 octets";
	for (size_t i = 0; i < password.len; i++)
		if ((unsigned char)password.at[i] < ' ' ||
		    password.at[i] == 0x7f)
			return "a password holds no control characters";
	return NULL;
}

int
password_hash(struct slice password, char out[PASSWORD_HASH_SIZE])
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	char phrase[PASSWORD_MAX + 1], setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *hash;
	int result = -1;

	if (data == NULL)
		return -1;
	if (slice_copy_str(password, phrase, sizeof(phrase)) == -1) {
		errno = EINVAL;
		goto out;
	}
	if (crypt_gensalt_rn("$y$", 0, NULL, 0, setting,
	    sizeof(setting)) == NULL)
		goto out;
	hash = crypt_rn(phrase, setting, data, sizeof(*data));
	if (hash == NULL || slice_copy_str(slice_str(hash), out,
	    PASSWORD_HASH_SIZE) == -1)
		goto out;
	result = 0;
out:
	explicit_bzero(phrase, sizeof(phrase));
	explicit_bzero(data, sizeof(*data));
	free(data);
	return result;
}

static int
hmac(const unsigned char key[KEY_LEN], const char *text,
    unsigned char out[KEY_LEN])
{
	unsigned len = 0;

	return HMAC(EVP_sha256(), key, KEY_LEN, (const unsigned char *)text,
	    strlen(text), out, &len) == NULL || len != KEY_LEN ? -1 : 0;
}

/* RFC 5802 section 3: SaltedPassword; StoredKey and ServerKey from it. */
static int
scram_keys(struct slice password, struct slice salt, unsigned iterations,
    unsigned char stored[KEY_LEN], unsigned char server[KEY_LEN])
{
	unsigned char salted[KEY_LEN], client[KEY_LEN];
	unsigned len = 0;
	int result = -1;

	if (PKCS5_PBKDF2_HMAC(password.at, (int)password.len,
	    (const unsigned char *)salt.at, (int)salt.len, (int)iterations,
	    EVP_sha256(), KEY_LEN, salted) == 1 &&
	    hmac(salted, "Client Key", client) == 0 &&
	    EVP_Digest(client, KEY_LEN, stored, &len, EVP_sha256(),
		NULL) == 1 && len == KEY_LEN &&
	    hmac(salted, "Server Key", server) == 0)
		result = 0;
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(client, sizeof(client));
	return result;
}

int
password_scram_with(struct slice password, struct slice salt,
    unsigned iterations, char out[PASSWORD_SCRAM_SIZE])
{
	unsigned char stored[KEY_LEN], server[KEY_LEN];
	char salt64[BASE64_SIZE(SALT_MAX)];
	char stored64[BASE64_SIZE(KEY_LEN)], server64[BASE64_SIZE(KEY_LEN)];
	int n;

	if (salt.len == 0 || salt.len > SALT_MAX || password.len > PASSWORD_MAX)
		return -1;
	if (scram_keys(password, salt, iterations, stored, server) == -1)
		return -1;
	EVP_EncodeBlock((unsigned char *)salt64,
	    (const unsigned char *)salt.at, (int)salt.len);
	EVP_EncodeBlock((unsigned char *)stored64, stored, KEY_LEN);
	EVP_EncodeBlock((unsigned char *)server64, server, KEY_LEN);
	n = snprintf(out, PASSWORD_SCRAM_SIZE, "SCRAM-SHA-256$%u:%s$%s:%s",
	    iterations, salt64, stored64, server64);
	explicit_bzero(stored, sizeof(stored));
	explicit_bzero(server, sizeof(server));
	return n > 0 && n < PASSWORD_SCRAM_SIZE ? 0 : -1;
}

int
password_scram(struct slice password, char out[PASSWORD_SCRAM_SIZE])
{
	unsigned char salt[SALT_LEN];

	for (size_t i = 0; i < password.len; i++)
		if (password.at[i] < ' ' || password.at[i] > '~')
			return slice_copy_str(SLICE_LITERAL("-"), out,
			    PASSWORD_SCRAM_SIZE);
	arc4random_buf(salt, sizeof(salt));
	return password_scram_with(password, slice_of(salt, sizeof(salt)),
	    SCRAM_ITERATIONS, out);
}
