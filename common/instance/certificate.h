/*
 * `certificate NAME { chain = ... key = ... }` in bulkhead.conf: what the
 * instance shows to its clients, and to the hosts that it sends to.  supervisor opens both files; the chain goes
 * to the stages that it is for, the key to tlskeyd alone.
 */
#ifndef COMMON_INSTANCE_CERTIFICATE_H
#define COMMON_INSTANCE_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc/roles.h"
#include "common/settings/settings.h"

#define CERTIFICATE_SETTINGS(X)						\
	X(chain, PATH, NULL, "", "", RELOAD,				\
	    "PEM file of the certificate and, behind it, those between it " \
	    "and a trusted root.  The DNS names in it are the names that it " \
	    "is shown for (SNI).")					\
	X(key, PATH, NULL, "", "", RELOAD,				\
	    "PEM file of its private key (RSA, ECDSA or Ed25519), without a " \
	    "passphrase, readable by root alone.")			\
	X(stages, WORDS, "smtpd smtpd-submit smtpd-lmtp pop3d imapd", "1", \
	    "8", RELOAD,						\
	    "Who may use it.  smtpd-submit serves submission, smtpd-lmtp " \
	    "LMTP; remote-relay shows it to hosts that ask for one, where " \
	    "tls_certificate of a route names it.")

struct certificate_settings {
	CERTIFICATE_SETTINGS(SETTING_MEMBER)
};

/* The block, for a schema that reads bulkhead.conf. */
extern const struct settings_block certificate_block[1];

/*
 * The stages as IPC_BIT()s.  Returns -1, with the word at fault in *bad, when
 * one of them serves no TLS.
 */
int certificate_roles(const struct certificate_settings *, uint32_t *roles,
    const char **bad);

/* Is any of these blocks for a stage that serves TLS?  What is shown to other
 * hosts alone is nothing for clients. */
bool certificates_serve(const struct settings *);

/*
 * While bulkhead.conf names no certificate that serves: one that bulkhead(8) made, in
 * state_dir, under this name and for everybody.
 */
#define CERTIFICATE_OWN		"self-signed"
#define CERTIFICATE_OWN_CHAIN	"self-signed/chain.pem"
#define CERTIFICATE_OWN_KEY	"self-signed/key.pem"

#endif
