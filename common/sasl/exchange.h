/*
 * The server's side of a SASL exchange (RFC 4422 section 3), as the process
 * that talks to the client sees it: it takes the client's responses and says
 * what is to be done next.  It knows nothing of passwords being right, and of
 * SCRAM only that its messages are authd's to answer.  Pure.
 *
 * Decoded octets go in and come out; base64 and the words around it ("334 ",
 * "+ ") are the protocol's.
 */
#ifndef COMMON_SASL_EXCHANGE_H
#define COMMON_SASL_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/sasl/mechanism.h"
#include "common/slice/slice.h"

enum {
	/* RFC 4954 section 4: a line of 12,288 octets suffices for every
	 * mechanism; CRLF counted. */
	SASL_LINE_MAX = 12288,
	SASL_RESPONSE_MAX = SASL_LINE_MAX / 4 * 3,
	SASL_LOGIN_NAME_MAX = 512	/* octets of a name in LOGIN */
};

enum sasl_step {
	SASL_SAY,	/* send the challenge, then the next response */
	SASL_PASSWORD,	/* name and password are complete */
	SASL_FORWARD,	/* authd's to answer */
	SASL_MALFORMED,	/* not a response of this mechanism */
	SASL_IDENTITY	/* acting for another, which nobody may */
};

struct sasl_exchange {
	enum sasl_mechanism mechanism;
	unsigned	responses;	/* so far */
	size_t		name_len;
	char		name[SASL_LOGIN_NAME_MAX];	/* LOGIN's */
};

/* What came of a step; slices point into the response or the exchange. */
struct sasl_result {
	struct slice	challenge;	/* SASL_SAY */
	struct slice	name, password;	/* SASL_PASSWORD */
	struct slice	message;	/* SASL_FORWARD */
};

/*
 * It begins without an initial response: what to challenge the client with.
 * SASL_SAY always; the challenge is empty where the client speaks first.
 */
void sasl_exchange_begin(struct sasl_exchange *, enum sasl_mechanism,
    struct sasl_result *);

/* A response, the initial one included (then after begin, too). */
enum sasl_step sasl_exchange_take(struct sasl_exchange *,
    struct slice response, struct sasl_result *);

/* Forget it: it may hold a name. */
void sasl_exchange_clear(struct sasl_exchange *);

#endif
