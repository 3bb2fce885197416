/*
 * The client's side of a SASL exchange (RFC 4422), for a relay that logs in
 * at a smart host.  Pure but for the nonce.
 *
 *	m = sasl_client_choose(sasl_set_of(what AUTH said in EHLO), &rules);
 *	sasl_client_begin(&c, m, &credentials);
 *	"AUTH " name " " base64 of sasl_client_step(c, nothing)
 *	334 challenge: sasl_client_step(c, challenge) and so on
 *	235: only then, and only if sasl_client_satisfied(c)
 *
 * SCRAM costs the time of its iterations, which the server names: 65,536
 * take some 20 milliseconds, SCRAM_ITERATIONS_MAX 300.
 */
#ifndef COMMON_SASL_CLIENT_H
#define COMMON_SASL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/sasl/mechanism.h"
#include "common/sasl/scram_client.h"
#include "common/slice/slice.h"

enum {
	SASL_CLIENT_NAME_MAX = SCRAM_NAME_MAX,
	SASL_CLIENT_PASSWORD_MAX = 1024,
	SASL_CLIENT_MESSAGE_MAX = 3 * 1024	/* one response, decoded */
};

struct sasl_client_rules {
	bool	secret;		/* TLS: a password may be sent as it is */
	bool	binding;	/* TLS with a channel binding at hand */
};

/* The strongest of a set that the rules allow; SASL_NONE for none. */
enum sasl_mechanism sasl_client_choose(unsigned offered,
    const struct sasl_client_rules *);

struct sasl_client_credentials {
	struct slice	name, password;
	/* What -PLUS binds to; for the others, whether we could. */
	struct scram_client_binding binding;
};

struct sasl_client;

/* Copies the credentials.  NULL: over a limit, or no memory. */
struct sasl_client *sasl_client_new(enum sasl_mechanism,
    const struct sasl_client_credentials *);
/* Wipes.  NULL is fine. */
void sasl_client_free(struct sasl_client *);

enum sasl_client_step {
	SASL_CLIENT_SEND,	/* the response is in out, perhaps empty */
	SASL_CLIENT_WAIT,	/* nothing to send first: a challenge comes */
	SASL_CLIENT_FAIL	/* not what a server that knows us would say:
				 * cancel with "*" (RFC 4954 section 4) */
};

/*
 * The next response, decoded, into out of SASL_CLIENT_MESSAGE_MAX octets.
 * The first call is for the initial response, with an empty challenge.
 */
enum sasl_client_step sasl_client_step(struct sasl_client *,
    struct slice challenge, char *out, size_t *len);

/*
 * The server says that we are logged in: has it shown all that it owes?  A
 * SCRAM server that never proved itself is not believed.
 */
bool sasl_client_satisfied(const struct sasl_client *);

#endif
