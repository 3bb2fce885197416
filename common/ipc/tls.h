/*
 * Private keys: what those who speak TLS ask of tlskeyd.
 *
 * A key is named by the SHA-256 of its public half (SubjectPublicKeyInfo, DER),
 * which both sides can compute from what they have.  tlskeyd is sent the whole
 * input of a signature and never a digest, so that it can see that it is a
 * TLS handshake and nothing else.
 */
#ifndef COMMON_IPC_TLS_H
#define COMMON_IPC_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/slice/slice.h"

enum {
	TLS_KEY_ID_LEN = 32,
	TLS_KEYS_MAX = 512,		/* in one instance, former ones too */
	TLS_CERTIFICATES_MAX = 256,	/* blocks in bulkhead.conf */
	TLS_NAME_MAX = 64,		/* octets of a block's name */
	/* RFC 8446 section 4.4.3: 146 octets; RFC 8422 section 5.4 with
	 * secp521r1: 201; RFC 5246 section 7.4.8: the handshake so far. */
	TLS_INPUT_MAX = 16000,
	TLS_SIGN_MAX = TLS_INPUT_MAX + 64,	/* of a TLS_SIGN */
	TLS_SIGNATURE_MAX = 1024,	/* RSA of 8192 bits */
	TLS_BODY_MAX = 4 + TLS_KEYS_MAX * TLS_KEY_ID_LEN
};

struct tls_key_id {
	uint8_t	octets[TLS_KEY_ID_LEN];
};

/* TLS_SIGN.  scheme: RFC 8446 section 4.2.3. */
struct tls_sign {
	struct tls_key_id	key;
	uint16_t		scheme;
	struct slice		input;
};

/* TLS_REFUSED. */
enum tls_refusal {
	TLS_NO_KEY = 1,		/* not there, or not for this peer */
	TLS_NO_HANDSHAKE,	/* the input is nothing that TLS signs */
	TLS_BUSY,		/* over this peer's rate */
	TLS_FAILED
};

/* RFC 5077 section 4: encrypt-then-MAC, AES-256-CBC and HMAC-SHA-256. */
struct tls_ticket_key {
	uint8_t	name[16], mac[32], cipher[32];
};

/* TLS_TICKETS: new tickets by the first, those of the former still taken. */
struct tls_ticket_keys {
	struct tls_ticket_key	now, former;
	bool			has_former;
};

/* encode answers the length of the body, at most TLS_BODY_MAX; 0 when a field
 * is over its limit.  decode: 0, or -1; slices point into the body. */
size_t tls_sign_encode(const struct tls_sign *, void *buf);
int tls_sign_decode(struct slice, struct tls_sign *);
size_t tls_signed_encode(struct slice signature, void *buf);
int tls_signed_decode(struct slice, struct slice *signature);
size_t tls_refused_encode(enum tls_refusal, void *buf);
int tls_refused_decode(struct slice, enum tls_refusal *);
size_t tls_keys_encode(const struct tls_key_id *, size_t n, void *buf);
/* ids holds TLS_KEYS_MAX of them. */
int tls_keys_decode(struct slice, struct tls_key_id *ids, size_t *n);
size_t tls_tickets_encode(const struct tls_ticket_keys *, void *buf);
int tls_tickets_decode(struct slice, struct tls_ticket_keys *);
/* STAGE_CERTIFICATE, STAGE_KEY: the block's name, and for whom it is: a set
 * of IPC_BIT(role). */
size_t tls_block_encode(const char *name, uint32_t roles, void *buf);
int tls_block_decode(struct slice, char name[TLS_NAME_MAX + 1],
    uint32_t *roles);

const char *tls_refusal_name(enum tls_refusal);

#endif
