/*
 * TLS 1.2 and 1.3 by OpenSSL 3, as a layer of a stream (common/net/stream.h).
 *
 * No process that speaks TLS holds a private key: tlskeyd does, and signs the
 * handshakes of the others.  They hold certificate chains and a channel to it
 * (struct tls_keys); a provider of ours makes OpenSSL ask there, and the
 * handshake rests until the answer comes, while the event loop goes on.
 *
 * What is fixed here, since no site is better off with less: no renegotiation,
 * no compression, no early data, forward secrecy and authenticated encryption
 * only, sessions resumed by tickets alone (RFC 5077, RFC 8446 section 4.6.1)
 * whose keys tlskeyd makes and changes.
 *
 * A process calls tls_library_start() once, before its sandbox.
 */
#ifndef COMMON_TLS_TLS_H
#define COMMON_TLS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/ipc/roles.h"
#include "common/slice/slice.h"

struct event_base;
struct stream;
struct tls;		/* of one connection */
struct tls_keys;	/* the channel to tlskeyd */
struct tls_server;	/* certificates, by name, and what clients may ask */
struct tls_client;	/* what we ask of servers */
struct tls_store;	/* certificates, for who asks */

/*
 * Load everything that OpenSSL would later look for in files or environment;
 * the host's openssl.cnf is not read.  -1: it was logged.
 */
int tls_library_start(void);

/* ---- the keys, at tlskeyd ---- */

/*
 * For a process of role self.  NULL with errno.  There is no channel at first:
 * handshakes that need a signature then fail.
 */
struct tls_keys *tls_keys_new(struct event_base *, enum ipc_role self);
/* After all that use it.  NULL is fine. */
void tls_keys_free(struct tls_keys *);
/* A new channel to tlskeyd, which replaces a former one; fd becomes ours.  -1
 * with errno. */
int tls_keys_connect(struct tls_keys *, int fd);

/* Be told whenever tlskeyd has said which keys there are. */
void tls_keys_on_news(struct tls_keys *, void (*news)(void *), void *ctx);

/* ---- serving ---- */

/*
 * protocol: "smtp", "pop3" or "imap", for ALPN (RFC 7301).  A client that
 * offers protocols and not this one, such as a browser that was led here, is
 * refused.  NULL with errno or after logging.
 */
struct tls_server *tls_server_new(struct tls_keys *, const char *protocol);
void tls_server_free(struct tls_server *);

/*
 * The chain of a certificate (PEM, the server's own first) as given by
 * supervisor, under the name of its block; to be used at commit.  fd -1:
 * supervisor could not read it.  The first one is the standard, for clients
 * that name no host or one that nobody has.  fd stays the caller's.
 *
 * A chain that cannot be read or parsed is logged, and that which was in use
 * under the name stays.  One whose key tlskeyd does not have (yet) waits, and
 * the former stays in use until then.  Never an error for the batch.
 */
void tls_server_certificate(struct tls_server *, const char *name, int fd);
/* The batch is whole: those not named in it are no longer used, unless none
 * was named at all (a batch of tables). */
void tls_server_commit(struct tls_server *);
/* Has supervisor given us any certificate? */
bool tls_server_configured(const struct tls_server *);
/* Is there a certificate whose key tlskeyd has, and is tlskeyd there? */
bool tls_server_ready(const struct tls_server *);
/* Is it to come: is there a certificate, but not yet its key? */
bool tls_server_waits(const struct tls_server *);

/*
 * Serve TLS on this stream from here on (see stream_secure(); octets that
 * came in clear are dropped).  secured() or ended(STREAM_INSECURE) says what
 * became of it.  The tls is the stream's: valid until stream_free().
 * NULL: no memory, or what was written before could not leave.
 */
struct tls *tls_serve(struct tls_server *, struct stream *);

/* ---- asking ---- */

enum tls_verify {
	/* Encrypt, whoever it is: opportunistic (RFC 7435). */
	TLS_VERIFY_NONE,
	/* A chain to a trusted root, and one of the names (RFC 6125). */
	TLS_VERIFY_NAME,
	/* SHA-256 of the certificate or of its public key. */
	TLS_VERIFY_FINGERPRINT,
	/* By TLSA records (RFC 7672). */
	TLS_VERIFY_DANE
};

enum { TLS_FINGERPRINT_LEN = 32, TLS_NAMES_MAX = 8, TLS_TLSA_MAX = 64 };

/* RFC 6698 section 2.1. */
struct tls_tlsa {
	uint8_t		usage, selector, matching;
	struct slice	data;
};

/* Borrowed for the call of tls_ask(). */
struct tls_expect {
	enum tls_verify	 verify;
	/* Sent as SNI, and the first of the names; "" for neither.  Without
	 * trailing dot. */
	const char	*name;
	/* Further names that will do (DANE: the domain before MX). */
	const char	*const *names;
	size_t		 n_names;
	const uint8_t	(*fingerprints)[TLS_FINGERPRINT_LEN];
	size_t		 n_fingerprints;
	const struct tls_tlsa *tlsa;
	size_t		 n_tlsa;
	/* What we show when the server wants to see it; NULL: nothing. */
	const struct tls_store *store;
	const char	*certificate;	/* its name in there */
};

/*
 * How many of the TLSA records an SMTP client can use (RFC 7672 section
 * 3.1.3: usages DANE-TA(2) and DANE-EE(3) alone).  With records but none of
 * use, TLS is required and nobody is verified (section 2.2): TLS_VERIFY_NONE.
 */
size_t tls_tlsa_usable(const struct tls_tlsa *, size_t n);

/*
 * The certificates of ours that servers may ask for, by the names of their
 * blocks (RFC 8446 section 4.3.2).  NULL with errno.  Taken and committed as
 * stage.h says.
 */
struct tls_store *tls_store_new(struct tls_keys *);
/* After all that use it, before its keys.  NULL is fine. */
void tls_store_free(struct tls_store *);
void tls_store_commit(struct tls_store *);
/* Is there one of that name whose key tlskeyd has, and is tlskeyd there? */
bool tls_store_ready(const struct tls_store *, const char *name);

/*
 * roots: PEM file of trusted roots, read now, or -1: TLS_VERIFY_NAME then
 * fails always.  fd stays the caller's.  NULL with errno or after logging.
 */
struct tls_client *tls_client_new(int roots);
void tls_client_free(struct tls_client *);

/* As tls_serve(), for the side that asks.  NULL also for what cannot be
 * expected (no name to verify, no usable record), or no certificate to show. */
struct tls *tls_ask(struct tls_client *, struct stream *,
    const struct tls_expect *);

/* ---- what became of it ---- */

struct tls_info {
	const char	*version;	/* "TLSv1.3" */
	const char	*cipher;	/* "TLS_AES_256_GCM_SHA384": the registry's
					 * name, also for 1.2 */
	int		 bits;		/* of the cipher's key */
	bool		 resumed;
	const char	*name;		/* SNI, or "" */
	enum tls_verify	 verified;	/* asking: how the server was */
	/* TLS_VERIFY_DANE: usage, selector and matching type of the record
	 * that did it. */
	uint8_t		 tlsa[3];
};

/* After secured(); the strings live as long as tls. */
void tls_info(const struct tls *, struct tls_info *);
const char *tls_verify_name(enum tls_verify);

/* Why it was not secured, for the log and for a report: a few words. */
const char *tls_failure(const struct tls *);
/*
 * The handshake was in order, and the certificate was not what was expected:
 * asking with less would have worked.
 */
bool tls_not_verified(const struct tls *);

/*
 * The channel bindings of a connection, once it is secured; length 0 for each
 * that it has not.
 *
 *	tls-exporter		RFC 9266; TLS 1.2 only with RFC 7627
 *	tls-unique		RFC 5929 section 3; TLS 1.2 alone
 *	tls-server-end-point	RFC 5929 section 4; not with Ed25519
 */
enum { TLS_EXPORTER_LEN = 32, TLS_BINDING_MAX = 64 };

struct tls_bindings {
	size_t	exporter_len, unique_len, end_point_len;
	uint8_t	exporter[TLS_EXPORTER_LEN];
	uint8_t	unique[TLS_BINDING_MAX];
	uint8_t	end_point[TLS_BINDING_MAX];
};

void tls_bindings(const struct tls *, struct tls_bindings *);
/* Has it any?  Cheap.  Not of NULL, which is clear text. */
bool tls_bindable(const struct tls *);

#endif
