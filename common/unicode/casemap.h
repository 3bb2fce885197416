/*
 * Text made comparable without regard to case (i;unicode-casemap, RFC 5051):
 * each character in title case, then compatibility decomposition.  By
 * libunistring, whose tables are shared pages that need no file.
 */
#ifndef COMMON_UNICODE_CASEMAP_H
#define COMMON_UNICODE_CASEMAP_H

#include "common/message/text.h"

/*
 * Add the mapped form of in, UTF-8, to out.  Of octets that are no UTF-8 only
 * ASCII letters are mapped.  Two texts are equal by RFC 5051 when their mapped
 * forms have the same octets, and ordered as those are.  A character can become
 * up to 11 times as long; what does not fit is cut (out->cut).
 */
void casemap(struct slice in, struct text *out);
#define CASEMAP_GROWTH 11

#endif
