/*
 * What may be signed: the two inputs of a server's signature in a TLS
 * handshake, and nothing else.  A peer that was captured can have handshakes
 * signed while it lives; it cannot have a certificate request, a message or
 * any other thing signed by the same key.
 */
#ifndef TLSKEYD_INPUT_H
#define TLSKEYD_INPUT_H

#include <stdint.h>

#include "common/slice/slice.h"

enum handshake_input {
	INPUT_NONE,		/* nothing that TLS signs */
	INPUT_TLS12,		/* ServerKeyExchange, RFC 8422 section 5.4 */
	INPUT_TLS13		/* CertificateVerify, RFC 8446 section 4.4.3 */
};

enum handshake_input handshake_input(struct slice);

/* May an input of this kind be signed with this scheme (RFC 8446 section
 * 4.2.3)?  PKCS #1 v1.5 is for TLS 1.2 alone. */
int handshake_scheme(enum handshake_input, uint16_t scheme);

#endif
