/* The inside of common/tls. */
#ifndef COMMON_TLS_PRIVATE_H
#define COMMON_TLS_PRIVATE_H

#include <openssl/ssl.h>

#include <bsd/sys/queue.h>

#include "common/ipc/ipc.h"
#include "common/ipc/pending.h"
#include "common/ipc/tls.h"
#include "common/net/stream.h"
#include "common/tls/names.h"
#include "common/tls/tls.h"

enum {
	/* Handshakes that rest in the middle of a signature, each on a stack
	 * of 32 KiB; further ones wait for one of these. */
	TLS_JOBS_MAX = 256,
	TLS_CHAIN_MAX = 10,		/* certificates */
	TLS_CHAIN_OCTETS = 128 * 1024,	/* of a PEM file */
	/* A server's flight that we are ready to keep; RFC 8446 would allow
	 * sixteen megabytes. */
	TLS_PEER_CHAIN_OCTETS = 64 * 1024,
	TLS_TICKET_SECONDS = 6 * 3600
};

TAILQ_HEAD(tls_waiting, tls);
TAILQ_HEAD(tls_stores, tls_store);
TAILQ_HEAD(tls_certificates, tls_certificate);

/* ---- one connection: layer.c ---- */

/* A signature under way. */
struct tls_request {
	enum {
		REQUEST_NEW, REQUEST_ASKED, REQUEST_SIGNED, REQUEST_FAILED
	} state;
	uint64_t	 id;		/* at tlskeyd */
	struct tls_key_id key;
	uint16_t	 scheme;
	size_t		 len;		/* of data */
	unsigned char	 data[];	/* input, then answer: room for either */
};

struct tls {
	SSL		*ssl;
	struct stream	*stream;
	struct tls_keys	*keys;		/* who signs; NULL: nothing to sign */
	struct tls_request *request;	/* NULL: none under way */
	TAILQ_ENTRY(tls) waiting;	/* for one of TLS_JOBS_MAX */
	const char	*failure;	/* a constant; NULL: none */
	const uint8_t	(*fingerprints)[TLS_FINGERPRINT_LEN];	/* ours */
	size_t		 n_fingerprints;
	enum tls_verify	 verify;
	bool		 crowded;	/* it is in a list by `waiting` */
	bool		 more;		/* input left in OpenSSL */
	bool		 dead;		/* nothing more may be said */
	bool		 verify_failed;
};

/* A connection of ssl, which becomes its own, as the layer of stream.  NULL
 * with ssl freed. */
struct tls *tls_new(SSL *ssl, struct stream *, struct tls_keys *);
/* Begin the handshake.  NULL, with t freed, where the stream cannot. */
struct tls *tls_begin(struct tls *t);
/* What never became a stream's. */
void tls_drop(struct tls *);
/* The connection that an SSL belongs to. */
struct tls *tls_of(const SSL *);

/* ---- the channel: keys.c ---- */

struct tls_keys {
	struct event_base *base;
	enum ipc_role	 self;
	struct ipc_channel *channel;	/* NULL: tlskeyd is not there */
	struct ipc_pending *pending;
	struct tls	*current;	/* whose step runs now */
	struct tls_waiting crowd;
	struct tls_stores stores;	/* to be told of keys */
	struct tls_key_id *ids;		/* of the keys that we may use */
	size_t		 n_ids;
	struct tls_ticket_keys tickets;
	bool		 has_tickets;
	void		(*news)(void *);	/* or NULL */
	void		*news_ctx;
};

bool tls_keys_has(const struct tls_keys *, const struct tls_key_id *);
/*
 * Sign, from inside a handshake: rests until the answer is there.  sig has
 * room for *len octets.  False: there is no signature.
 */
bool tls_keys_sign(struct tls_keys *, const struct tls_key_id *,
    uint16_t scheme, struct slice input, unsigned char *sig, size_t *len);
/* Send the request of a handshake that rests.  -1: it has failed. */
int tls_keys_ask(struct tls *);
/* The connection goes: nobody waits for the answer any more. */
void tls_keys_forget(struct tls *);
/* A handshake that found no free job, and one that has given its own back. */
void tls_keys_crowd(struct tls *);
void tls_keys_uncrowd(struct tls_keys *);

/* ---- the provider: provider.c, keymgmt.c, signature.c ---- */

/* A private key that tlskeyd has, for the public key of a certificate.
 * NULL: of a kind that we do not know. */
EVP_PKEY *tls_provider_key(struct tls_keys *, const struct tls_key_id *,
    EVP_PKEY *public);
int tls_provider_load(void);

/* ---- certificates: certificate.c ---- */

struct tls_chain {
	X509		*leaf;
	STACK_OF(X509)	*more;
	EVP_PKEY	*key;		/* the provider's */
	struct tls_key_id id;
	time_t		 expires;
	size_t		 n_names;	/* DNS names of the leaf */
	char		**names;	/* lower case */
};

struct tls_certificate {
	TAILQ_ENTRY(tls_certificate) all;
	char		 name[TLS_NAME_MAX + 1];
	struct tls_chain *used;		/* NULL: none yet */
	struct tls_chain *next;		/* waits for its key; or NULL */
	bool		 named;		/* in the batch under way */
};

/* Parse a PEM file; NULL with *why, a constant. */
struct tls_chain *tls_chain_read(struct tls_keys *, int fd, const char **why);
void tls_chain_free(struct tls_chain *);

/* ---- those of ours: store.c ---- */

struct tls_store {
	TAILQ_ENTRY(tls_store) all;
	struct tls_keys	*keys;
	SSL_CTX		*ctx;		/* a certificate has to do for it */
	struct tls_certificates certificates;
	void		(*settled)(void *owner);	/* or NULL */
	void		*owner;
};

void tls_store_init(struct tls_store *, struct tls_keys *, SSL_CTX *,
    void (*settled)(void *owner), void *owner);
void tls_store_clear(struct tls_store *);
/* See tls_server_certificate(). */
void tls_store_certificate(struct tls_store *, const char *name, int fd);
/* tlskeyd has told which keys there are. */
void tls_store_settle(struct tls_store *);
/* The one in use under that name, if tlskeyd has its key; else NULL. */
const struct tls_chain *tls_store_find(const struct tls_store *,
    const char *name);

/* ---- serving: server.c ---- */

struct tls_server {
	SSL_CTX		*ctx;
	const char	*protocol;
	struct tls_store store;
	struct tls_names names;		/* to struct tls_chain */
	const struct tls_chain *standard;
};

/* tickets.c: the callback of OpenSSL. */
int tls_ticket(SSL *, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *, EVP_MAC_CTX *, int encrypt);

/* binding.c: what is to stand in the ticket of a session. */
int tls_ticket_note(SSL *, void *);

/* What our contexts have in common, on both sides. */
void tls_context_defaults(SSL_CTX *);

#endif
