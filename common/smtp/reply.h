/*
 * Replies: RFC 5321 section 4.2, with the enhanced status codes of RFC 2034
 * and RFC 3463.
 */
#ifndef COMMON_SMTP_REPLY_H
#define COMMON_SMTP_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "common/slice/slice.h"

enum {
	/* RFC 5321 section 4.5.3.1.5: a reply line, code and CRLF counted. */
	SMTP_REPLY_LINE_MAX = 512
};

/* A reply code and what it means, together wherever they go. */
struct smtp_status {
	uint16_t	code;		/* 2yz, 3yz, 4yz, 5yz */
	uint8_t		enhanced[3];	/* class, subject, detail; class 0: none */
	const char	*text;		/* one line, a constant */
};

/*
 * Write "code enhanced text" CRLF to out (at least SMTP_REPLY_LINE_MAX
 * octets) and return its length.  What is not printable ASCII in text becomes
 * "?", and what does not fit is cut.  more: this is not the last line.
 */
size_t smtp_reply_line(char *out, uint16_t code, const uint8_t enhanced[3],
    struct slice text, int more);

/* The same where characters beyond ASCII may stand in text, in UTF-8: the
 * client has said that it takes them (RFC 6531 section 3.7.4). */
size_t smtp_reply_line_utf8(char *out, uint16_t code,
    const uint8_t enhanced[3], struct slice text, int more);

/* The same for a status whose text is all there is to say. */
size_t smtp_reply_status(char *out, const struct smtp_status *);

/*
 * The meaning of an enhanced status code by RFC 3463 and its registry,
 * whatever the class; a word for the subject alone where the detail is not
 * known.  Never NULL.
 */
const char *smtp_enhanced_text(uint8_t subject, uint8_t detail);

#endif
