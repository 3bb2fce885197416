/*
 * Making what is stored in place of a password: `bulkhead user add` and
 * `user passwd` call it, and nobody else.
 */
#ifndef COMMON_ACCOUNTS_VERIFIER_H
#define COMMON_ACCOUNTS_VERIFIER_H

#include "common/accounts/passwords.h"
#include "common/slice/slice.h"

/*
 * Iterations of the SCRAM verifier.  RFC 7677 section 4 asks for at least
 * 4096; a file that is stolen should cost its finder more.
 */
#define SCRAM_ITERATIONS	65536U

/*
 * May this be a password?  1 to PASSWORD_MAX octets, none of them a control
 * character.  NULL, or a sentence that says what is wrong.
 */
const char *password_refusal(struct slice password);

/* yescrypt with libcrypt's recommended cost and a fresh salt.  -1: errno. */
int password_hash(struct slice password, char out[PASSWORD_HASH_SIZE]);

/*
 * The verifier of RFC 5803 (keys as in RFC 5802 section 3) with a fresh salt
 * of 16 octets.  SASLprep (RFC 4013) leaves printable ASCII as it is; for a
 * password with anything else there is no verifier, and out is "-".
 */
int password_scram(struct slice password, char out[PASSWORD_SCRAM_SIZE]);

/* The same with a given salt and count; for tests with the RFC's numbers. */
int password_scram_with(struct slice password, struct slice salt,
    unsigned iterations, char out[PASSWORD_SCRAM_SIZE]);

#endif
