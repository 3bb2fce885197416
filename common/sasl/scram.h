/*
 * The messages of SCRAM: RFC 5802 section 7, for both sides.  Pure; the
 * arithmetic is in scram_keys.h, the conversation in scram_server.h and
 * scram_client.h.
 *
 * Parsed slices point into the message.
 */
#ifndef COMMON_SASL_SCRAM_H
#define COMMON_SASL_SCRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice/slice.h"

enum {
	SCRAM_MESSAGE_MAX = 2048,	/* octets of any message */
	SCRAM_NAME_MAX = 512,		/* of a name, unescaped */
	SCRAM_NONCE_MAX = 256,		/* the client's, and both together */
	SCRAM_NONCE_LEN = 24,		/* what we add, or begin with */
	SCRAM_SALT_MAX = 64,		/* octets, decoded */
	SCRAM_BINDING_MAX = 64,		/* octets of channel binding data */
	/* RFC 5802 section 5.1: the least; and what a client of ours works
	 * through for a server that it does not know. */
	SCRAM_ITERATIONS_MIN = 4096,
	SCRAM_ITERATIONS_MAX = 1000000
};

/* The channel bindings that we know: RFC 9266, RFC 5929 sections 3 and 4. */
enum scram_binding {
	SCRAM_UNBOUND,
	SCRAM_TLS_EXPORTER,
	SCRAM_TLS_UNIQUE,
	SCRAM_TLS_SERVER_END_POINT,
	SCRAM_BINDING_OTHER		/* a name that we do not know */
};

const char *scram_binding_name(enum scram_binding);

struct scram_client_first {
	struct slice	gs2_header;	/* to its second comma */
	char		flag;		/* 'n', 'y', 'p' */
	enum scram_binding binding;	/* of 'p' */
	struct slice	authzid;	/* escaped; empty for none */
	struct slice	bare;
	struct slice	name;		/* escaped */
	struct slice	nonce;
};

/* PARSE_BAD: the grammar, a limit, or a mandatory extension ("m="). */
enum parse scram_client_first_parse(struct slice, struct scram_client_first *);

struct scram_server_first {
	struct slice	nonce;
	struct slice	salt;		/* base64 */
	unsigned	iterations;
};

enum parse scram_server_first_parse(struct slice, struct scram_server_first *);

struct scram_client_final {
	struct slice	without_proof;
	struct slice	binding;	/* base64 of header and data */
	struct slice	nonce;
	struct slice	proof;		/* base64 */
};

enum parse scram_client_final_parse(struct slice, struct scram_client_final *);

struct scram_server_final {
	struct slice	verifier;	/* base64; or empty, and then */
	struct slice	error;		/* server-error-value */
};

enum parse scram_server_final_parse(struct slice, struct scram_server_final *);

/*
 * "=2C" and "=3D" to "," and "=", into out of SCRAM_NAME_MAX octets.  -1: any
 * other "=", a control character, or too long.
 */
int scram_name_unescape(struct slice, char *out, size_t *len);
/* The reverse, into out of 3 * SCRAM_NAME_MAX octets; in.len at most that. */
size_t scram_name_escape(struct slice in, char *out);

#endif
