/*
 * What may be signed: the inputs of a signature in a TLS handshake, of the
 * side that the peer is on, and nothing else.  A peer that was captured can
 * have handshakes signed while it lives; it cannot have a certificate request,
 * a message or any other thing signed by the same key.
 */
#ifndef TLSKEYD_INPUT_H
#define TLSKEYD_INPUT_H

#include <stdint.h>

#include "common/slice/slice.h"

enum handshake_side { SIDE_SERVER, SIDE_CLIENT };

enum handshake_input {
	INPUT_NONE,		/* nothing that TLS signs, on this side */
	/* A server: ServerKeyExchange, RFC 8422 section 5.4.  A client:
	 * CertificateVerify, RFC 5246 section 7.4.8, all messages so far. */
	INPUT_TLS12,
	INPUT_TLS13		/* CertificateVerify, RFC 8446 section 4.4.3 */
};

enum handshake_input handshake_input(enum handshake_side, struct slice);

/* May an input of this kind be signed with this scheme (RFC 8446 section
 * 4.2.3)?  PKCS #1 v1.5 is for TLS 1.2 alone. */
int handshake_scheme(enum handshake_input, uint16_t scheme);

#endif
