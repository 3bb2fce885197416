/*
 * Text of a few character sets as UTF-8, for searching and comparing.  The
 * list is short on purpose: US-ASCII, UTF-8, ISO-8859-1, ISO-8859-15 and
 * Windows-1252 (which also stands for the first two 8-bit ones' C1 range, as
 * mail is really labelled).  Anything else is CHARSET_UNKNOWN and its octets
 * are compared as they are.
 */
#ifndef COMMON_MESSAGE_CHARSET_H
#define COMMON_MESSAGE_CHARSET_H

#include "common/message/text.h"
#include "common/slice/slice.h"
#include "common/utf8/utf8.h"

enum charset {
	CHARSET_UNKNOWN,
	CHARSET_US_ASCII,
	CHARSET_UTF_8,
	CHARSET_ISO_8859_1,
	CHARSET_ISO_8859_15,
	CHARSET_WINDOWS_1252
};

/* By any of the names in use; CHARSET_UNKNOWN when not on the list. */
enum charset charset_of(struct slice name);

/*
 * Add in to out as UTF-8.  UTF-8, US-ASCII and unknown octets pass through
 * unchanged.  At most 3 octets come out for each one that goes in.
 */
void charset_to_utf8(enum charset, struct slice in, struct text *out);

#endif
