#include "authd/verifier/verify.h"

#include <crypt.h>
#include <stdlib.h>

#include "common/ipc/auth.h"
#include "common/log/log.h"

/* How long it takes says nothing about where two hashes differ. */
static bool
same(const char *a, size_t len, const char *b)
{
	unsigned differ = 0;

	if (strlen(a) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		differ |= (unsigned char)a[i] ^ (unsigned char)b[i];
	return differ == 0;
}

bool
verify_password(struct slice hash, struct slice password)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	char setting[PASSWORD_HASH_SIZE], phrase[PASSWORD_MAX + 1];
	bool good = false, possible;
	const char *computed;

	if (data == NULL || slice_copy_str(hash, setting, sizeof(setting)) ==
	    -1)
		goto out;
	/* With a NUL in it the work is done all the same, on nothing. */
	possible = slice_copy_str(password, phrase, sizeof(phrase)) == 0;
	computed = crypt_rn(phrase, setting, data, sizeof(*data));
	if (computed == NULL)
		log_error("cannot-compute-hash");
	else
		good = possible && same(computed, hash.len, hash.at);
	explicit_bzero(phrase, sizeof(phrase));
	explicit_bzero(data, sizeof(*data));
out:
	free(data);
	return good;
}

int
verify_handle(void *ctx, struct ipc_channel *ch, struct ipc_message *m)
{
	struct slice hash, password;
	uint8_t body[16];
	bool good;

	(void)ctx;
	if (auth_verify_decode(m->body, &hash, &password) == -1)
		return -1;
	good = verify_password(hash, password);
	return ipc_send(ch, IPC_VERIFIED, m->id, slice_of(body,
	    auth_verified_encode(good, body)), NULL, 0);
}
