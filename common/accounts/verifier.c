#include "common/accounts/verifier.h"

#include <crypt.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/sasl/base64.h"
#include "common/sasl/scram.h"
#include "common/sasl/scram_keys.h"

#define SALT_LEN	16
#define KEY_BASE64	SASL_BASE64_LEN(SCRAM_KEY_LEN)

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

int
password_scram_with(struct slice password, struct slice salt,
    unsigned iterations, char out[PASSWORD_SCRAM_SIZE])
{
	char salt64[SASL_BASE64_LEN(SCRAM_SALT_MAX)];
	char stored64[KEY_BASE64], server64[KEY_BASE64];
	uint8_t salted[SCRAM_KEY_LEN];
	struct scram_keys keys;
	size_t salt64_len;
	int n, made;

	if (salt.len == 0 || salt.len > SCRAM_SALT_MAX ||
	    password.len > PASSWORD_MAX ||
	    scram_salted_password(password, salt, iterations, salted) == -1)
		return -1;
	made = scram_keys_make(salted, &keys);
	explicit_bzero(salted, sizeof(salted));
	if (made == -1)
		return -1;
	salt64_len = sasl_base64_encode(salt, salt64);
	sasl_base64_encode(slice_of(keys.stored, SCRAM_KEY_LEN), stored64);
	sasl_base64_encode(slice_of(keys.server, SCRAM_KEY_LEN), server64);
	n = snprintf(out, PASSWORD_SCRAM_SIZE,
	    "SCRAM-SHA-256$%u:%.*s$%.*s:%.*s", iterations, (int)salt64_len,
	    salt64, KEY_BASE64, stored64, KEY_BASE64, server64);
	explicit_bzero(&keys, sizeof(keys));
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
