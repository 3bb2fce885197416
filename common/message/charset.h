/*
 * Text of the character sets that mail uses as UTF-8, for searching, comparing
 * and showing.  The tables (charset_tables.c) are made from Python's codecs; they
 * are shared pages that need no file, so this works in a jail and an idle
 * process pays nothing for it.  Mail that says ISO-8859-1 and means Windows-1252
 * is read as that.  Of a set that is not on the list the octets are taken as
 * they are.
 */
#ifndef COMMON_MESSAGE_CHARSET_H
#define COMMON_MESSAGE_CHARSET_H

#include <stdint.h>

#include "common/message/text.h"
#include "common/slice/slice.h"
#include "common/utf8/utf8.h"

struct charset;

/* By any of the names in use; NULL when it is not on the list. */
const struct charset *charset_of(struct slice name);
/* The names of all, one for each, by number from 0; NULL: no more. */
const char *charset_name(size_t n);

/* What stands between two pieces of a text; all zero to start with. */
struct charset_state {
	unsigned char	held[4];	/* a character that is not whole */
	uint8_t		held_len;
	uint8_t		mode;		/* of ISO-2022-JP and UTF-7 */
	uint8_t		bits_len;	/* of UTF-7 */
	uint16_t	high;		/* half of a surrogate pair */
	uint32_t	bits;
};

/*
 * Add the next piece to out as UTF-8.  What is no character of the set becomes
 * U+FFFD.  NULL, US-ASCII and UTF-8 pass through unchanged.
 *
 * out  needs room for CHARSET_ROOM(in.len).
 */
#define CHARSET_ROOM(len) (3 * (len) + 12)
void charset_decode(const struct charset *, struct charset_state *,
    struct slice in, struct text *out);
/* After the last piece: U+FFFD for what was not whole. */
void charset_finish(const struct charset *, struct charset_state *,
    struct text *out);

#endif
