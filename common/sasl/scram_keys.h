/*
 * The arithmetic of SCRAM-SHA-256: RFC 5802 section 3 with the hash of RFC
 * 7677.  By libcrypto, so only for a process that may link it: authd, which
 * holds the verifiers, bulkhead(8), which makes them, and clients.
 *
 * Every function answers 0, or -1 when libcrypto is out of memory.
 */
#ifndef COMMON_SASL_SCRAM_KEYS_H
#define COMMON_SASL_SCRAM_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice/slice.h"

enum { SCRAM_KEY_LEN = 32 };

/*
 * Before a sandbox is entered: libcrypto opens what it needs (no
 * configuration file) and keeps it.
 */
int scram_start(void);

/* What a server keeps. */
struct scram_keys {
	uint8_t	stored[SCRAM_KEY_LEN];	/* H(ClientKey) */
	uint8_t	server[SCRAM_KEY_LEN];	/* ServerKey */
};

/* SaltedPassword: PBKDF2; 65,536 iterations take some 20 milliseconds. */
int scram_salted_password(struct slice password, struct slice salt,
    unsigned iterations, uint8_t salted[SCRAM_KEY_LEN]);

int scram_keys_make(const uint8_t salted[SCRAM_KEY_LEN], struct scram_keys *);

/* HMAC-SHA-256. */
int scram_hmac(struct slice key, struct slice text,
    uint8_t out[SCRAM_KEY_LEN]);

/* ClientProof, of who knows SaltedPassword. */
int scram_client_proof(const uint8_t salted[SCRAM_KEY_LEN],
    struct slice auth_message, uint8_t proof[SCRAM_KEY_LEN]);

/* Is this the proof of who made StoredKey?  In constant time. */
int scram_proof_check(const struct scram_keys *, struct slice auth_message,
    const uint8_t proof[SCRAM_KEY_LEN], bool *good);

/* ServerSignature. */
int scram_server_signature(const struct scram_keys *,
    struct slice auth_message, uint8_t out[SCRAM_KEY_LEN]);

#endif
