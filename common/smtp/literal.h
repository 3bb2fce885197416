/* Address literals, RFC 5321 section 4.1.3. */
#ifndef COMMON_SMTP_LITERAL_H
#define COMMON_SMTP_LITERAL_H

#include "common/slice/slice.h"

enum { SMTP_LITERAL_MAX = 256 };

/*
 * Take a literal, brackets included, from the front of in and write its
 * canonical spelling to out (SMTP_LITERAL_MAX octets).  Returns the length of
 * that and sets used, or 0 when there is none or it is too long.
 */
size_t smtp_literal_take(struct slice in, char *out, size_t *used);

#endif
