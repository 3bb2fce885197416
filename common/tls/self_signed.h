/*
 * A certificate that its own key signs, so that TLS is on before anybody has
 * asked an authority: it keeps out who only listens, and proves nothing.
 */
#ifndef COMMON_TLS_SELF_SIGNED_H
#define COMMON_TLS_SELF_SIGNED_H

#include <stddef.h>
#include <time.h>

/*
 * type: "EC" (P-256), "RSA" (2048 bits) or "ED25519".  names: DNS names, the
 * first one the subject's, each at most 253 octets.  Writes both as PEM to
 * descriptors, the key in PKCS #8.  -1: errno, or EINVAL when OpenSSL fails.
 */
int self_signed_write(const char *type, const char *const *names, size_t n,
    time_t from, time_t until, int chain_fd, int key_fd);

#endif
