/*
 * Content-Transfer-Encodings made, piece by piece: RFC 2045 sections 6.7 and
 * 6.8.  transfer.h is the way back.
 */
#ifndef COMMON_MESSAGE_ENCODE_H
#define COMMON_MESSAGE_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/message/text.h"
#include "common/slice/slice.h"

enum { ENCODE_LINE_MAX = 76 };

/* All zero to start with. */
struct encode_state {
	unsigned	column;		/* of the line so far */
	/* base64: octets that wait for their third. */
	uint8_t		held[2];
	unsigned	held_len;
	/* Quoted-printable: a CR that may begin a line end, and a space before
	 * it that may end a line.  (A tab is always quoted.) */
	bool		cr;
	char		blank;		/* ' ' or 0 */
};

/*
 * The next piece.  out has room for four times in.len, and ENCODE_ROOM; what
 * does not fit is cut.  CRLF is a line end to quoted-printable and two octets
 * like others to base64; a CR or LF alone is encoded by both.
 */
#define ENCODE_ROOM 32
void encode_quoted_printable(struct encode_state *, struct slice in,
    struct text *out);
void encode_base64(struct encode_state *, struct slice in, struct text *out);

/* After the last piece: what was held back.  No line end is added. */
void encode_quoted_printable_end(struct encode_state *, struct text *out);
void encode_base64_end(struct encode_state *, struct text *out);

#endif
