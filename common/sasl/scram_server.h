/*
 * SCRAM-SHA-256 and -PLUS, the server's side of one conversation (RFC 5802
 * section 5): client-first comes in, server-first goes out, client-final
 * comes in, server-final goes out.  Pure: nonces and verifiers are given.
 *
 * The name is taken as it came: names of accounts are ASCII, of which
 * SASLprep (RFC 4013) and UsernameCaseMapped (RFC 8265) leave the letters as
 * they are, so a name with anything else is nobody's.
 */
#ifndef COMMON_SASL_SCRAM_SERVER_H
#define COMMON_SASL_SCRAM_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/sasl/scram.h"
#include "common/sasl/scram_keys.h"
#include "common/slice/slice.h"

/* The TLS channel below, as far as SCRAM binds to it. */
struct scram_channel {
	/* -PLUS was offered on it, so a client that says it was not ("y")
	 * has been lied to on the way. */
	bool		offered;
	struct slice	exporter;	/* RFC 9266, 32 octets; empty: none */
	struct slice	unique;		/* RFC 5929 section 3; empty: none */
	struct slice	end_point;	/* RFC 5929 section 4; empty: none */
};

struct scram_verifier {
	unsigned		iterations;
	char			salt[(SCRAM_SALT_MAX + 2) / 3 * 4];
	size_t			salt_len;	/* base64 */
	struct scram_keys	keys;
};

/*
 * RFC 5803: SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey.  -1: it is
 * none.
 */
int scram_verifier_parse(struct slice, struct scram_verifier *);

/*
 * One for a name that nobody has: its salt depends on secret and name alone,
 * so that it is the same whenever it is asked for, and no proof fits it.
 * salt_octets at most SCRAM_KEY_LEN.  -1: no memory.
 */
int scram_verifier_invent(struct slice secret, struct slice name,
    unsigned iterations, size_t salt_octets, struct scram_verifier *);

struct scram_server {
	size_t			name_len, binding_len, bare_len, first_len;
	size_t			nonce_len;	/* at 2 in first */
	char			name[SCRAM_NAME_MAX];
	/* What "c=" has to say: the GS2 header and the channel's data. */
	char			binding[SCRAM_MESSAGE_MAX + SCRAM_BINDING_MAX];
	char			bare[SCRAM_MESSAGE_MAX];
	char			first[SCRAM_MESSAGE_MAX];
	struct scram_keys	keys;
};

enum scram_verdict {
	SCRAM_GOOD,
	SCRAM_WRONG,		/* the proof does not fit */
	SCRAM_REFUSED,		/* binding, identity: right or not */
	SCRAM_MALFORMED
};

/*
 * client-first.  SCRAM_GOOD: name is set, unescaped; a verifier is to be
 * found for it.  why: for the log, where it is not.
 */
enum scram_verdict scram_server_begin(struct scram_server *, bool plus,
    struct slice client_first, const struct scram_channel *,
    const char **why);

/*
 * server-first, which lies in the conversation.  nonce: SCRAM_NONCE_LEN
 * printable octets without a comma, never used before.
 */
struct slice scram_server_first(struct scram_server *,
    const struct scram_verifier *, struct slice nonce);

enum { SCRAM_SERVER_FINAL_MAX = 2 + (SCRAM_KEY_LEN + 2) / 3 * 4 };

/*
 * client-final.  SCRAM_GOOD: final is set to server-final, for who knows
 * that the verifier was a true one.
 */
enum scram_verdict scram_server_finish(struct scram_server *,
    struct slice client_final, char final[SCRAM_SERVER_FINAL_MAX],
    const char **why);

#endif
