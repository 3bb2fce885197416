/* SASL PLAIN (RFC 4616).  Pure. */
#ifndef COMMON_SASL_PLAIN_H
#define COMMON_SASL_PLAIN_H

#include "common/slice/slice.h"

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
