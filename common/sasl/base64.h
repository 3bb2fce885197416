/*
 * Base64 as the mail protocols carry SASL in it: RFC 4648 section 4, strict,
 * with no white space and nothing behind the padding.  Pure.
 */
#ifndef COMMON_SASL_BASE64_H
#define COMMON_SASL_BASE64_H

#include <stddef.h>

#include "common/slice/slice.h"

/* Octets of base64 for n octets; no NUL. */
#define SASL_BASE64_LEN(n)	(((n) + 2) / 3 * 4)

/*
 * out holds at least 3 * (in.len / 4) octets.
 * Returns -1 for anything that an encoder would not have written.
 */
int sasl_base64_decode(struct slice in, char *out, size_t *len);

/* out holds SASL_BASE64_LEN(in.len) octets; returns as many. */
size_t sasl_base64_encode(struct slice in, char *out);

#endif
