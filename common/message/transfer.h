/*
 * Content-Transfer-Encodings undone piece by piece: RFC 2045 sections 6.7 and
 * 6.8.  Nothing is refused: what is outside the alphabet is skipped (base64)
 * or kept as it is (quoted-printable), as section 6 advises for robustness.
 */
#ifndef COMMON_MESSAGE_TRANSFER_H
#define COMMON_MESSAGE_TRANSFER_H

#include <stdint.h>

#include "common/message/text.h"
#include "common/slice/slice.h"

enum transfer_encoding {
	TRANSFER_IDENTITY,	/* 7bit, 8bit, binary, or unknown */
	TRANSFER_BASE64,
	TRANSFER_QUOTED_PRINTABLE
};

/* From the body of a Content-Transfer-Encoding field. */
enum transfer_encoding transfer_encoding_of(struct slice name);
/* Is it one of those of RFC 2045, or absent? */
bool transfer_encoding_is_known(struct slice name);

/* All zero to start with. */
struct transfer_state {
	uint32_t	bits;	/* base64: not yet written */
	unsigned	bits_len;
	char		held[3]; /* quoted-printable: begun "=4", "=\r" */
	unsigned	held_len;
	char		white[76]; /* quoted-printable: perhaps at a line's end */
	unsigned	white_len;
};

/*
 * Decode the next piece of a body.
 *
 * out  needs room for in.len octets plus what the state holds, which is never
 *      more than TRANSFER_HELD_MAX; what does not fit is cut.
 */
#define TRANSFER_HELD_MAX 80
void transfer_decode(enum transfer_encoding, struct transfer_state *,
    struct slice in, struct text *out);

/* After the last piece: what was held back and turned out to be plain. */
void transfer_finish(enum transfer_encoding, struct transfer_state *,
    struct text *out);

#endif
