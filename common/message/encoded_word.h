/* Header text with the encoded words of RFC 2047, as UTF-8. */
#ifndef COMMON_MESSAGE_ENCODED_WORD_H
#define COMMON_MESSAGE_ENCODED_WORD_H

#include "common/message/text.h"
#include "common/slice/slice.h"

/*
 * Add text to out, encoded words decoded, white space between two of them
 * dropped (RFC 2047 section 6.2).  An encoded word of a character set that
 * charset.h does not know gives its octets unconverted; what is no valid
 * encoded word stays as it is.  A decoded word is not looked at again.
 *
 * out  is limited by its own size; 3 octets for each of text always fit.
 */
void encoded_words_decode(struct slice text, struct text *out, size_t *steps);

#endif
