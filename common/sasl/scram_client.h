/*
 * SCRAM-SHA-256 and -PLUS, the client's side of one conversation (RFC 5802
 * section 5).  Pure: the nonce is given.
 */
#ifndef COMMON_SASL_SCRAM_CLIENT_H
#define COMMON_SASL_SCRAM_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/sasl/scram.h"
#include "common/sasl/scram_keys.h"
#include "common/slice/slice.h"

/* How the client binds to the channel: RFC 5802 section 6. */
struct scram_client_binding {
	enum scram_binding	type;	/* SCRAM_UNBOUND: not by -PLUS */
	struct slice		data;
	/* Unbound: could we, but the server does not offer it ("y")? */
	bool			able;
};

struct scram_client {
	size_t	header_len, data_len, first_len, nonce_len;
	char	header[64];		/* GS2 */
	char	data[SCRAM_BINDING_MAX];
	/* client-first-bare */
	char	first[2 + 3 * SCRAM_NAME_MAX + 3 + SCRAM_NONCE_MAX];
	char	nonce[SCRAM_NONCE_MAX];
	uint8_t	signature[SCRAM_KEY_LEN];	/* that the server owes us */
};

/*
 * client-first into out (SCRAM_MESSAGE_MAX octets), its length in len.  name
 * is as it should be sent, at most SCRAM_NAME_MAX; nonce SCRAM_NONCE_LEN
 * printable octets without a comma.  -1: over a limit.
 */
int scram_client_first(struct scram_client *, struct slice name,
    const struct scram_client_binding *, struct slice nonce, char *out,
    size_t *len);

/*
 * server-first came in; client-final into out.  -1: malformed, not our
 * nonce, fewer iterations than SCRAM_ITERATIONS_MIN (a server that asks for
 * less is after the password) or more than SCRAM_ITERATIONS_MAX.
 */
int scram_client_final(struct scram_client *, struct slice server_first,
    struct slice password, char *out, size_t *len);

/* server-final came in: does the server know the password, too? */
bool scram_client_verify(const struct scram_client *,
    struct slice server_final);

#endif
