/* UTF-8 (RFC 3629), a character at a time. */
#ifndef COMMON_UTF8_UTF8_H
#define COMMON_UTF8_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/slice/slice.h"

/*
 * The character at the front of in, and how many octets it takes there: 1 to
 * 4.  0: there is none that is well-formed; surrogates, overlong forms, what
 * is cut off and what is past U+10FFFF are not.
 */
size_t utf8_take(struct slice in, uint32_t *c);

/* Write it, unless it is a surrogate or past U+10FFFF; octets written, 0 to
 * 4. */
size_t utf8_put(uint32_t c, char to[4]);

/* Is all of it well-formed? */
bool utf8_is_valid(struct slice);

/*
 * May it stand in a name (RFC 5198 section 2, RFC 6532 section 3.1)?  Any
 * character beyond ASCII but the controls U+0080 to U+009F, the separators of
 * lines and paragraphs, which end a line for some, and noncharacters.
 * Surrogates and what is past U+10FFFF are none.
 */
bool utf8_is_name_character(uint32_t c);

/*
 * The octets of such a character at the front of in, or 0: there is none, or
 * one of ASCII.  UTF8-non-ascii of RFC 6531 section 3.3.
 */
size_t utf8_non_ascii(struct slice in);

#endif
