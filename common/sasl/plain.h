/*
 * SASL PLAIN (RFC 4616), and the base64 that the mail protocols carry SASL in
 * (RFC 4648 section 4, strict: no white space, nothing behind the padding).
 * Pure.
 */
#ifndef COMMON_SASL_PLAIN_H
#define COMMON_SASL_PLAIN_H

#include <stddef.h>

#include "common/slice/slice.h"

/*
 * out holds at least 3 * (in.len / 4) octets.
 * Returns -1 for anything that an encoder would not have written.
 */
int sasl_base64_decode(struct slice in, char *out, size_t *len);

struct sasl_plain {
	struct slice	authzid;	/* empty where none was given */
	struct slice	authcid;
	struct slice	password;
};

/*
 * The decoded message: [authzid] NUL authcid NUL passwd.  PARSE_BAD: another
 * number of NULs, or an empty authcid or password.
 */
enum parse sasl_plain_parse(struct slice message, struct sasl_plain *);

#endif
