/*
 * An OpenSSL 3 provider whose private keys are somewhere else: at tlskeyd.  It
 * knows the key types of certificates, keeps only their public halves (in
 * keys of OpenSSL's own provider), and has one operation, the signature of a
 * handshake.
 */
#ifndef COMMON_TLS_PROVIDER_H
#define COMMON_TLS_PROVIDER_H

#include <openssl/core_dispatch.h>

#include "common/tls/private.h"

/* What a key of ours is. */
struct provider_key {
	const char	*type;		/* "RSA", "EC", "ED25519" */
	EVP_PKEY	*public;	/* the default provider's; or NULL */
	struct tls_keys	*keys;		/* NULL: a public key alone */
	struct tls_key_id id;
};

/* How a private key's place is told to keymgmt_import: in an octet string of
 * this name that holds this struct.  Never leaves the process. */
#define PROVIDER_PLACE "bulkhead-place"
struct provider_place {
	struct tls_keys		*keys;
	struct tls_key_id	 id;
};

/* keymgmt.c */
extern const OSSL_DISPATCH provider_keymgmt_rsa[], provider_keymgmt_ec[],
    provider_keymgmt_ed25519[];
/* signature.c */
extern const OSSL_DISPATCH provider_signature[];

/*
 * The scheme of RFC 8446 section 4.2.3 for a key type, a padding and a
 * digest (NULL: none); 0: not one that we sign.
 */
uint16_t provider_scheme(const char *type, bool pss, const char *digest);

#endif
