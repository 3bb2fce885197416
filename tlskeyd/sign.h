/* A private key and its signature. */
#ifndef TLSKEYD_SIGN_H
#define TLSKEYD_SIGN_H

#include <time.h>

#include <openssl/evp.h>

#include "common/ipc/tls.h"
#include "tlskeyd/input.h"

/* A certificate's key, as its two files say. */
struct pair {
	EVP_PKEY		*key;
	struct tls_key_id	 id;
	time_t			 expires;	/* of the certificate */
};

/*
 * Read chain and key (PEM) from descriptors of regular files, which stay the
 * caller's.  NULL, and a pair that is empty, when they do not do: the answer
 * is then a constant that says why.
 */
const char *pair_read(struct pair *, int chain_fd, int key_fd);
void pair_clear(struct pair *);

/*
 * Sign the input of a handshake; sig has room for TLS_SIGNATURE_MAX octets.
 * 0, or why not.
 */
enum tls_refusal pair_sign(const struct pair *, enum handshake_side,
    uint16_t scheme, struct slice input, unsigned char *sig, size_t *len);

#endif
